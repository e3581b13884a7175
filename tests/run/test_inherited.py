"""Does a prediction that rests on another device's figures say so, row by row?"""

import json

import pytest

from chipweave import ledger, topology
from chipweave.__main__ import main
from chipweave.ledger import suites
from chipweave.run import simulate
from chipweave.run.spec import RunSpec
from chipweave.serving import library
from chipweave.topology.inherited import in_words, inherited
from chipweave.validation.bench.die import CALIBRATED
from chipweave.validation.suites import dies, h100

MINE = """schema: chipweave.topology/1
extends: wafer
name: mine
{device}parts: {{die: {{grid: [2, 2]}}}}
assemblies:
  die: {{parts: {{hbm: {{bandwidth: 8 TB/s, capacity: 192 GB, latency: 300 ns}}, sm: {{peak: 2250 TFLOPS}}}}}}
"""


def written(folder, device):
    path = folder / "mine.yaml"
    path.write_text(MINE.format(device=f"device: {device}\n" if device else ""))
    return path


def test_what_a_device_does_not_write_itself_is_the_others(tmp_path):
    """Of the wafer's numbers all but the four that are written anew."""
    numbers = len(topology.load("wafer").sources)
    assert inherited(topology.load(written(tmp_path, "Mine"))) == {"H100": numbers - 4}
    assert inherited(topology.load(written(tmp_path, ""))) == inherited(topology.load("wafer_5x5")) == {}


def test_fitted_figures_laid_over_another_device_are_counted():
    h200 = topology.load("h200", preset=str(CALIBRATED))
    files = [node.place.file.rpartition("/")[2] for _, node, _ in h200.sources]
    assert inherited(h200) == {"H100": sum(file in ("hopper_die.yaml", "die.yaml") for file in files)}
    assert {"hopper_die.yaml", "die.yaml", "h200.yaml"} == set(files)


@pytest.mark.parametrize(
    "found, words",
    [({}, ""), ({"H100": 1}, "1 value is H100's"), ({"A": 3, "B": 1}, "3 values are A's, 1 value is B's")],
)
def test_it_is_said_in_words(found, words):
    assert in_words(found) == words


@pytest.mark.parametrize("device, said", [("Mine", True), ("", False)])
def test_compare_says_so_and_its_json(tmp_path, capsys, device, said):
    out = tmp_path / "out.json"
    small = ["--model", "deepseek-v2-lite", "--batch", "4", "--steps", "2", "--strategies", "ep"]
    with pytest.raises(SystemExit) as ended:
        main(["compare", "--topology", str(written(tmp_path, device)), *small, "--json", str(out)])
    assert ended.value.code == 0
    notes = json.loads(out.read_text())["notes"]
    count = notes.get("inherited", {}).get("H100", 0)
    assert (
        (f"rest on figures of another device: {count} values are H100's" in capsys.readouterr().err)
        == said
        == (count > 0)
    )


def test_a_run_from_its_manifest_says_the_same(tmp_path):
    """The manifest has the system as it was read, and no files to ask again."""
    small = dict(model="deepseek-v2-lite", batch=4, steps=2, strategy="ep")
    first = simulate.simulate(RunSpec(topology=str(written(tmp_path, "Mine")), **small)).facts
    again = simulate.simulate(RunSpec(topology=json.loads(json.dumps(first["system"])), **small)).facts
    assert first["notes"]["inherited"] == again["notes"]["inherited"] and again["notes"]["inherited"]["H100"] > 0


def test_rows_of_the_ledger_say_so():
    rows = [
        ledger.Result("r", "g", "predicted", device, "q", "x", "1", 10.0, 9.0, -0.1, 0.5, "holds", inherited=rests)
        for device, rests in (("H200", {"H100": 36}), ("H100", {}), ("H200", {"H100": 36}))
    ]
    assert suites.inherited(rows) == ["2 predicted rows of H200: 36 values are H100's"]
    assert h100.rests_on("H100 SXM") == {} and set(h100.rests_on("H200")) == {"H100"}
    assert set(dies.rests_on("GB200")) == {"B200"} and dies.rests_on("B200") == {}


DEFAULTS = """schema: chipweave.topology/1
name: own
{device}assemblies:
  die:
    parts:
      sm: {{kind: sm.utilisation_table, peak: 500 TFLOPS}}
      hbm: {{kind: memory.hbm, bandwidth: 2 TB/s}}
      d2d: {{kind: d2d.router, slots: {{atu: {{kind: d2d.atu}}, pdu: {{kind: d2d.pdu}}}}}}
      cp: {{kind: cp.local}}
    links:
      - {{between: [cp.kernel, sm.work], latency: included}}
      - {{between: [cp.pdu, d2d.prediction], latency: included}}
      - {{between: [sm.memory, d2d.access], latency: included}}
      - {{between: [d2d.memory, hbm.access], latency: included}}
parts: {{die: {{assembly: die, grid: [1, 3]}}, cp: {{kind: cp.global}}}}
links: [{{between: [cp.launch, die.cp.launch], latency: 500 ns, bandwidth: 64 GB/s}}]
networks: {{d2d: {{joins: die.d2d.mesh, shape: mesh, latency: 200 ns, bandwidth: 1 TB/s}}}}
"""


@pytest.mark.parametrize("device, found", [("Mine", {"H100": 2}), ("H100", {}), ("", {"H100": 2})])
def test_defaults_of_kinds_are_the_devices_that_they_are_from(tmp_path, capsys, device, found):
    """Latency and capacity of the memory are left to the kind, whose figures are H100's, on all three dies."""
    path = tmp_path / "own.yaml"
    path.write_text(DEFAULTS.format(device=f"device: {device}\n" if device else ""))
    assert inherited(topology.load(path)) == found
    with pytest.raises(SystemExit):
        main(["info", str(path), "--sources", "--json"])
    sources = json.loads(capsys.readouterr().out)["sources"]
    said = {s["path"]: s["source"] for s in sources if "default of its kind" in (s["source"] or "")}
    assert said == {f"die.hbm.{name}": "default of its kind: H100's" for name in ("latency", "capacity")}


@pytest.mark.parametrize("system, others", [("dgx_h100", set()), ("dgx_h200", {"H100"}), ("dgx_h800", {"H100"})])
def test_a_step_says_what_it_has_from_another_device(capsys, system, others):
    words = ["step", system, "--model", "llama-3.1-8b", "--batch", "8", "--context", "512"]
    with pytest.raises(SystemExit):
        main([*words, "--json", "-"])
    rests = json.loads(capsys.readouterr().out)["inherited"]
    assert set(rests) == others and all(n >= len(library.figures()) for n in rests.values())
    with pytest.raises(SystemExit):
        main(words)
    said = capsys.readouterr().out
    assert ("It rests on figures of another device: " in said) == bool(others)
    assert all(f"{n} values are {device}'s" in said for device, n in rests.items())
