"""Do why, diff and rerun say where time went: exact sums, the right class for each change, bounds that come true?"""

import json

import pytest

from benchmarks import why_bounds
from chipweave.__main__ import main
from chipweave.run.why import explain

pytestmark = pytest.mark.slow

SMALL = ("--topology", "wafer_5x5", "--model", "qwen3-30b-a3b", "--batch", "64", "--steps", "2", "--preset", "physical")


def command(capsys, *arguments):
    """(exit code, standard output, standard error)."""
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    return end.value.code, *capsys.readouterr()


def document(capsys, *arguments):
    code, out, told = command(capsys, *arguments, "--json", "-")
    assert code == 0, told
    return json.loads(out)


@pytest.fixture
def run(tmp_path, capsys):
    def made(name, *more, strategies="base"):
        folder = tmp_path / name
        code, _, told = command(capsys, "compare", *SMALL, "--strategies", strategies, "--out", folder, *more)
        assert code == 0, told
        return folder

    return made


def decode_ns(folder, at=0):
    return json.loads((folder / "result.json").read_text())["rows"][at]["decode_time_ns"]


@pytest.mark.parametrize("link_model", ["fair", "circuit"])
def test_the_chain_has_no_gap_and_sums_to_the_time(run, capsys, link_model):
    folder = run("a", "--link-model", link_model)
    found = document(capsys, "why", folder)
    chain = found["chain"]
    assert found["schema"] == "chipweave.why/1" and found["time_ns"] == decode_ns(folder) == chain[-1]["end_ns"]
    assert chain[0]["start_ns"] == 0
    assert all(a["end_ns"] == b["start_ns"] for a, b in zip(chain, chain[1:], strict=False))
    assert sum(found["breakdown"].values()) == found["time_ns"]
    assert any(c["expert"] is not None and c["behind"] for c in chain)
    assert any("d2d -> die" in c["place"] and "placement.contiguous" in c["policy"] for c in chain)


def test_a_layer_and_a_place_are_parts_of_the_whole(run, capsys):
    folder = run("a")
    whole = document(capsys, "why", folder)
    layer = document(capsys, "why", folder, "--layer", 3)
    of_layer = [
        row for row in json.loads((folder / "result.json").read_text())["rows"][0]["layers"] if row["layer"] == 3
    ]
    assert layer["time_ns"] == of_layer[0]["decode_time_ns"] and {c["layer"] for c in layer["chain"]} == {3}
    place = max(whole["chain"], key=lambda c: c["end_ns"] - c["start_ns"])["place"]
    there = document(capsys, "why", folder, "--part", place)
    spent = sum(c["end_ns"] - c["start_ns"] for c in whole["chain"] if c["place"] == place)
    assert there["time_ns"] == spent > 0


@pytest.mark.parametrize(
    "cause, settings",
    [
        ("links", ("d2d.bandwidth=100000 TB/s", "d2d.latency=1 ps")),
        ("compute", ("die.sm.peak=100000000 TFLOPS",)),
        ("hbm", ("die.hbm.bandwidth=1000000 TB/s", "die.hbm.latency=1 ps")),
    ],
)
def test_a_resource_made_infinitely_fast_gives_the_time_that_why_said(run, capsys, cause, settings):
    bound = document(capsys, "why", run("a"))["bounds"][cause]
    given = [word for setting in settings for word in ("--set", setting)]
    assert decode_ns(run("fast", *given)) == pytest.approx(bound, rel=0.02)


@pytest.mark.parametrize("model", ["deepseek-v3", "kimi-k2", "qwen3-235b", "llama4-maverick"])
def test_the_bounding_resource_of_base_at_batch_4096_is_named_and_its_bound_comes_true(capsys, model):
    found, before, after = why_bounds.bound(model, steps=2)
    capsys.readouterr()
    said = found["bounds"][found["bounding"]]
    assert found["time_ns"] == before and found["bounding"] == "links" and said == min(found["bounds"].values())
    assert next(iter(found["breakdown"])).startswith("links")
    assert before - after == pytest.approx(before - said, rel=0.02)


CHANGES = [
    ("compute", "die.sm.peak=1 TFLOPS"),
    ("compute", "die.sm.peak=3 TFLOPS"),
    ("hbm", "die.hbm.bandwidth=50 GB/s"),
    ("hbm", "die.hbm.latency=100 us"),
    ("links", "d2d.bandwidth=100 GB/s"),
    ("links", "d2d.latency=20 us"),
    ("llc", "die.llc.miss_latency=50 us"),
    ("llc", "die.llc.miss_latency=200 us"),
    ("command", "die.cp.dispatch_time=1 ms"),
    ("command", "cp.plan_time=1 ms"),
]


def test_the_largest_attribution_is_the_class_of_what_was_changed_ten_times_of_ten(run, capsys):
    a = run("a")
    for number, (cause, setting) in enumerate(CHANGES):
        b = run(f"b{number}", "--set", setting)
        found = document(capsys, "diff", a, b)
        assert found["time_ns"] == [decode_ns(a), decode_ns(b)]
        assert sum(found["attributed"].values()) == decode_ns(b) - decode_ns(a), setting
        assert next(iter(found["attributed"])).startswith(cause), (setting, found["attributed"])
        assert any(str(each["b"]) in setting for each in found["configuration"])
        for row in found["layers"]:
            assert sum(row["attributed"].values()) == row["time_ns"][1] - row["time_ns"][0]


def test_a_run_compared_with_itself_differs_in_nothing(run, capsys):
    a = run("a")
    found = document(capsys, "diff", a, a)
    assert found["configuration"] == [] and set(found["attributed"].values()) == {0}


def test_rerun_says_equal_and_exits_4_where_a_figure_was_changed(run, capsys):
    folder = run("a", strategies="base,ep")
    assert command(capsys, "rerun", folder)[0] == 0
    result = json.loads((folder / "result.json").read_text())
    result["rows"][1]["hops"] += 1
    result["result_sha256"] = "0" * 64
    (folder / "result.json").write_text(json.dumps(result))
    code, out, told = command(capsys, "rerun", folder)
    assert code == 4 and "hops" in out and "Traceback" not in told
    code, _, told = command(capsys, "why", folder, "--strategy", "ep")
    assert code == 2 and "other values of hops" in told


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("why", "nowhere"), "has no result.json"),
        (("diff", "nowhere", "nowhere"), "has no result.json"),
        (("rerun", "nowhere"), "has no result.json"),
    ],
)
def test_a_folder_without_results_is_refused(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, _, told = command(capsys, *arguments)
    assert code == 2 and words in told and "Traceback" not in told


@pytest.mark.parametrize(
    "rows, runs", [([3], [{"run": {}}]), ([{}], [{"run": {}, "prefill_steps": 1}]), ([], []), (3, 3)]
)
def test_a_folder_that_somebody_wrote_in_is_refused(capsys, tmp_path, rows, runs):
    (tmp_path / "result.json").write_text(json.dumps({"schema": "chipweave.compare/1", "rows": rows}))
    (tmp_path / "manifest.json").write_text(json.dumps({"runs": runs}))
    for arguments in (("why", tmp_path), ("diff", tmp_path, tmp_path), ("rerun", tmp_path)):
        code, _, told = command(capsys, *arguments)
        assert code == 2 and "do not belong together" in told, told


@pytest.mark.parametrize("link_model", ["fair", "circuit"])
def test_the_life_of_a_transfer_has_a_place_at_every_instant(run, capsys, link_model):
    folder = run("a", "--link-model", link_model)
    layer = document(capsys, "why", folder, "--layer", 3)
    step = min(c["step"] for c in layer["chain"])
    whole = sum(c["end_ns"] - c["start_ns"] for c in layer["chain"] if c["step"] == step)
    lives = [document(capsys, "why", folder, "--layer", 3, "--transfer", n) for n in (0, 5, 100)]
    for life in lives:
        chain = life["chain"]
        assert {(c["step"], c["layer"]) for c in chain} == {(step, 3)} and life["bounds"] == {}
        assert chain[0]["start_ns"] == 0 and chain[-1]["end_ns"] == life["time_ns"] <= whole
        assert all(a["end_ns"] == b["start_ns"] for a, b in zip(chain, chain[1:], strict=False))
        assert sum(life["breakdown"].values()) == life["time_ns"]
        assert "command processors" not in life["breakdown"] and any(c["expert"] is not None for c in chain)
    assert len({life["time_ns"] for life in lives}) > 1
    code, _, told = command(capsys, "why", folder, "--layer", 3, "--transfer", 10**9)
    assert code == 2 and "no layer-step has a transfer" in told


def test_a_layer_without_a_transfer_is_refused_with_those_that_have_it(run, capsys, monkeypatch):
    recorded = explain.recorded
    monkeypatch.setattr(explain, "recorded", lambda *these: [p for p in recorded(*these) if p.layer in (4, 7)])
    folder = run("a")
    assert document(capsys, "why", folder, "--layer", 7, "--transfer", 2)["chain"][0]["layer"] == 7
    code, _, told = command(capsys, "why", folder, "--layer", 3, "--transfer", 2)
    assert code == 2 and "layer 3 has no transfer 2; allowed: layer 4, 7\n" in told


def test_names_that_are_not_there_are_refused_with_the_nearest(run, capsys):
    folder = run("a")
    for option, value, words in (
        ("--layer", 999, "no layer 999"),
        ("--strategy", "bas", "nearest: base"),
        ("--part", "die[0][0].hbmm", "no critical path comes to"),
    ):
        code, _, told = command(capsys, "why", folder, option, value)
        assert code == 2 and words in told, told
