"""Does `why` of a step or a server say where its time went, and do bounds and changes hold when they are tried?"""

import json

import pytest
import yaml
from click.testing import CliRunner

from chipweave.cli import diff as cli_diff
from chipweave.cli import serve as cli_serve
from chipweave.cli import step as cli_step
from chipweave.cli import why as cli_why
from chipweave.errors import BadInput
from chipweave.serving import serve, why

STEP = ["dgx_h200", "--model", "deepseek-v3", "--batch", "64", "--context", "4096", "--precision", "fp8_block"]
RUN = {
    "schema": "chipweave.serve_run/1",
    "system": "dgx_h100",
    "model": "llama-3.1-8b",
    "requests": {"count": 24, "arrivals": {"closed_loop": 8}, "prompt": {"constant": 256}, "output": {"constant": 16}},
}


def call(module, *arguments):
    done = CliRunner().invoke(module.command, [*map(str, arguments)], standalone_mode=False, catch_exceptions=False)
    assert done.exit_code == 0
    return done


def step_of(path, *more):
    call(cli_step, *STEP, *more, "--json", path)
    return json.loads(path.read_text())


def server_of(path, **changes):
    path.with_suffix(".yaml").write_text(yaml.safe_dump({**RUN, **changes}))
    call(cli_serve, path.with_suffix(".yaml"), "--json", path)
    return json.loads(path.read_text())


@pytest.mark.parametrize("plan", ["plain", "shared_beside", "two_batches"])
def test_the_chain_of_a_step_is_its_critical_path(tmp_path, plan):
    found = step_of(tmp_path / "s.json", "--parallel", "dp=8,ep=8", "--schedule", plan)
    said = why.why("s", found)
    chain = said["chain"]
    assert [a["end_ns"] for a in chain[:-1]] == [b["start_ns"] for b in chain[1:]]
    assert chain[0]["start_ns"] == 0 and chain[-1]["end_ns"] == said["time_ns"] == found["time_ns"]
    assert said["breakdown"] == {k: v for k, v in found["critical"].items() if v}
    assert said["bounding"] == min(said["bounds"], key=said["bounds"].get)


@pytest.mark.slow
@pytest.mark.parametrize("plan", ["plain", "two_batches"])
def test_a_bound_is_the_step_played_with_that_work_at_once(tmp_path, plan):
    found = step_of(tmp_path / "s.json", "--parallel", "dp=8,ep=8", "--schedule", plan)
    bounds = why.why("s", found)["bounds"]
    made, work = why.made_of(found["run"])
    for kind, ns in bounds.items():
        at_once = max(p.end for p in why.replace(made, without=kind).step(work).parts)
        assert ns == at_once <= found["time_ns"]
        if plan == "plain":
            assert ns == found["time_ns"] - found["critical"].get(kind, 0)
    assert set(bounds) == {part["kind"] for part in found["parts"]}


def test_a_layer_and_a_work_of_a_step(tmp_path):
    found = step_of(tmp_path / "s.json", "--parallel", "tp=8,ep=8")
    layer = why.why("s", found, layer=7)
    assert {link["layer"] for link in layer["chain"]} == {7}
    both = why.why("s", found, layer=7, part="experts")
    assert [link["place"] for link in both["chain"]] == ["experts"]
    assert both["time_ns"] == layer["breakdown"]["moe"]
    with pytest.raises(BadInput, match="comes to place 'expert'; allowed: .*; nearest: experts"):
        why.why("s", found, part="expert")
    with pytest.raises(BadInput, match="comes to layer 99"):
        why.why("s", found, layer=99)


def test_the_life_of_a_servers_mean_request_sums(tmp_path):
    found = server_of(tmp_path / "r.json")
    life = found["request"]
    assert sum(life["where"].values()) == life["mean_ns"] > 0
    mean_ms = found["ttft_ms"]["mean"] + 15 * found["tpot_ms"]["mean"]
    assert life["mean_ns"] / 1e6 == pytest.approx(mean_ms, rel=1e-6)
    assert life["where"]["queue"] / 1e6 == pytest.approx(found["queue_ms"]["mean"], abs=1e-5)
    said = why.why("r", found)
    assert said["time_ns"] == life["mean_ns"] and said["breakdown"].items() <= life["where"].items()


def test_prefill_and_decode_apart_leave_the_move_of_the_cache_as_waiting(tmp_path):
    found = server_of(tmp_path / "r.json", prefill={"system": "dgx_h100"})
    where = found["request"]["where"]
    assert sum(where.values()) == found["request"]["mean_ns"] and where["waiting"] > 0


def test_a_bound_of_a_server_is_the_server_played_without_that_work(tmp_path):
    found = server_of(tmp_path / "r.json")
    bounds = why.why("r", found)["bounds"]
    run = serve.read(tmp_path / "r.yaml")
    for kind, ns in bounds.items():
        without = why.replace(run, setup=why.replace(run.setup, without=kind))
        assert ns == serve.play(without)["request"]["mean_ns"] <= found["request"]["mean_ns"]
    assert min(bounds, key=bounds.get) == next(iter(bounds))


@pytest.mark.parametrize(
    "change, kind",
    [
        (["--context", "9000"], "attention"),
        (["--balance", "forced"], "moe"),
    ],
)
def test_diff_names_the_kind_that_was_changed(tmp_path, change, kind):
    found = [step_of(tmp_path / f"{i}.json", "--parallel", "tp=8,ep=8", *more) for i, more in enumerate(([], change))]
    said = why.diff(*found)
    assert next(iter(said["attributed"])) == kind
    assert sum(said["attributed"].values()) == said["time_ns"][1] - said["time_ns"][0]
    assert all(sum(row["attributed"].values()) == row["time_ns"][1] - row["time_ns"][0] for row in said["layers"])
    assert sum(row["time_ns"][1] for row in said["layers"]) == found[1]["time_ns"]
    assert change[0].removeprefix("--") in [row["what"] for row in said["configuration"]]


def test_diff_of_servers(tmp_path):
    requests = {**RUN["requests"], "arrivals": {"closed_loop": 24}}
    found = [server_of(tmp_path / "a.json"), server_of(tmp_path / "b.json", requests=requests)]
    said = why.diff(*found)
    assert sum(said["attributed"].values()) == said["time_ns"][1] - said["time_ns"][0] != 0
    assert [row["what"] for row in said["configuration"]] == ["requests.arrivals.closed_loop"]


def test_the_commands_take_the_json_of_step_and_serve(tmp_path):
    step_of(tmp_path / "s.json", "--parallel", "tp=8,ep=8")
    server_of(tmp_path / "r.json")
    for name in ("s.json", "r.json"):
        said = json.loads(call(cli_why, tmp_path / name, "--json", "-").stdout)
        assert said["schema"] == "chipweave.why/1" and said["bounding"]
        assert "infinitely fast" in call(cli_why, tmp_path / name).stdout
    same = json.loads(call(cli_diff, tmp_path / "s.json", tmp_path / "s.json", "--json", "-").stdout)
    assert same["configuration"] == [] and set(same["attributed"].values()) == {0}
    for arguments, words in (
        ([cli_diff, tmp_path / "s.json", tmp_path / "r.json"], "have no time in common"),
        ([cli_why, tmp_path / "s.json", "--link", "x"], "--link are of folders of --out"),
    ):
        with pytest.raises(BadInput, match=words):
            call(*arguments)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "chipweave.step/1"}', '{"schema": "chipweave.compare/1"}'])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(BadInput, match="no result of a step or server with its settings; allowed: the JSON of"):
        why.document(tmp_path / "x.json")


def test_a_result_that_does_not_come_again_is_refused(tmp_path):
    found = server_of(tmp_path / "r.json")
    found["request"]["mean_ns"] += 1
    with pytest.raises(BadInput, match="the result is another"):
        why.why("r", found)
