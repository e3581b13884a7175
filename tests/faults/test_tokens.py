"""Does tokens/s count tokens that were decoded, and is a prefill one whatever the order of requests?"""

import json

import pytest

from chipweave.__main__ import main


def request(name, prompt, answers):
    """A request of so many prompt rows and answers."""
    steps = [{"0": None, "1": [[0, 1]] * prompt, "2": [[4, 5]] * prompt}]
    steps += [{"0": None, "1": [[0, 1]], "2": [[4, 5]]}] * answers
    return json.dumps({"path": name, "trace": steps})


@pytest.fixture
def compared(tmp_path, capsys, small_model):
    """requests, batch, steps, preset -> the document of compare."""

    def run(requests, batch, steps, preset="paper"):
        model = small_model(tmp_path / "mini.yaml")
        (tmp_path / "t.jsonl").write_text("\n".join(requests))
        arguments = ["--topology", "micro_line_1", "--model", model, "--trace", tmp_path / "t.jsonl"]
        arguments += ["--batch", batch, "--steps", steps, "--preset", preset, "--strategies", "ep", "--json", "-"]
        with pytest.raises(SystemExit) as end:
            main(["compare", *map(str, arguments)])
        shown = capsys.readouterr()
        assert end.value.code == 0, shown.err
        return json.loads(shown.out)

    return run


RAGGED = [request(f"s{i}", 2, 1) for i in range(3)] + [request("z", 2, 9)]


def test_a_request_that_has_ended_counts_no_more(compared):
    """Step 1 has four rows, steps 2 to 9 one each: 12 tokens, of which batch x steps made 36."""
    document = compared(RAGGED, 4, 10)
    (row,) = document["rows"]
    assert document["notes"]["tokens_counted"] == 12
    assert row["decode_time_ns"] == 85289
    assert row["throughput_tokens_per_s"] == pytest.approx(12 / 85289e-9, rel=1e-5)


@pytest.mark.parametrize("batch, steps, tokens", [(4, 2, 4), (4, 3, 5), (8, 10, 24), (3, 10, 3), (4, 1, 0)])
def test_tokens_are_those_of_the_steps_and_requests_that_were_run(compared, batch, steps, tokens):
    assert compared(RAGGED, batch, steps)["notes"]["tokens_counted"] == tokens


def test_the_artifact_counts_as_the_paper_does(compared):
    document = compared(RAGGED, 4, 10, "artifact")
    assert document["notes"]["tokens_counted"] == 40 and document["notes"]["prefill_step_counts"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_prompt_of_one_row_does_not_make_a_decode_of_the_prefill(compared, order):
    """What a prefix cache leaves: the same requests in either order are the same prefill and the same decode."""
    requests = [request("cached", 1, 3), request("long", 64, 3)][::order]
    (row,) = compared(requests, 2, 4)["rows"]
    (other,) = compared(requests[::-1], 2, 4)["rows"]
    assert row["prefill_time_ns"] == other["prefill_time_ns"] > 0
    assert row["decode_time_ns"] == other["decode_time_ns"]


def test_the_phase_is_that_of_the_trace_and_not_of_the_batch(compared):
    requests = [request("cached", 1, 3), request("long", 64, 3)]
    assert compared(requests, 1, 4)["rows"][0]["prefill_time_ns"] > 0
    assert compared([request("a", 1, 3)], 1, 4)["notes"]["tokens_counted"] == 4
