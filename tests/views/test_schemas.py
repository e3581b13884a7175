"""Do the JSON Schemas take every file that ships, and refuse the slips that `check` refuses?"""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from chipweave.declare import yamlfile
from chipweave.errors import BadInput
from chipweave.views import schemas
from chipweave.views.filetypes import recognise

ROOT = Path(__file__).resolve().parents[2]
NAMES = {says: name for name, (says, _) in schemas.FILES.items() if says}
FOLDERS = ("topologies", "examples", "policies", "validation", "chipweave")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.yaml"))


def sort_of(path, plain):
    """What the program reads a file as."""
    if path.name == "hbm_timings.yaml":
        return "hbm_timings"
    if "schema" not in plain and path.parent.name in ("calibrated", "packages"):
        return "figures"
    return NAMES[plain["schema"] if "schema" in plain else recognise(yamlfile.load(path)).schema]


@pytest.fixture(scope="module")
def judges():
    made = {name: schemas.schema(name) for name in schemas.FILES}
    for each in made.values():
        jsonschema.Draft7Validator.check_schema(each)
    return {name: jsonschema.Draft7Validator(each) for name, each in made.items()}


@pytest.mark.slow
def test_every_file_that_ships_is_taken(judges):
    """And there is one of each sort but the three that users alone write."""
    seen = set()
    for path in FILES:
        plain = yaml.safe_load(path.read_text())
        name = sort_of(path, plain)
        faults = [f"{'.'.join(map(str, e.path))}: {e.message[:200]}" for e in judges[name].iter_errors(plain)]
        assert not faults, f"{path.relative_to(ROOT)}: {faults}"
        seen.add(name)
    assert seen == set(schemas.FILES) and len(FILES) > 100


REQUESTS = {"count": 1, "arrivals": {"closed_loop": 1}, "prompt": {"constant": 1}, "output": {"constant": 1}}
SERVED = {"schema": "chipweave.serve_run/1", "system": "dgx_h100", "model": "qwen3-32b", "requests": REQUESTS}


@pytest.mark.slow
def test_good_files_of_a_server_are_taken(judges):
    assert not list(judges["serve_run"].iter_errors({**SERVED, "server": {"batching": "./mine.py:Mine"}}))
    assert not list(judges["schedule"].iter_errors({"schema": "chipweave.schedule/1", "name": "x"}))


@pytest.mark.parametrize(
    "name, document",
    [
        ("topology", {"parts": {"hbm": {"kind": "memory.hbm", "bandwith": "1 TB/s"}}}),
        ("topology", {"parts": {"hbm": {"kind": "memory.hmb"}}}),
        ("topology", {"parts": {"hbm": {"kind": "memory.hbm", "bandwidth": "fast"}}}),
        ("topology", {"part": {}}),
        ("topology", {"networks": {"d2d": {"shape": "mesch"}}}),
        ("topology", {"networks": {"d2d": {"shap": "mesh"}}}),
        ("run", {"batch": 0}),
        ("run", {"strategys": ["base"]}),
        ("run", {"admission": "none"}),
        ("preset", {"kinds": {"memory.llc": {"way": 2}}}),
        ("strategy", {"placement": "placement.contiguos"}),
        ("strategy", {"allocation": {"kind": "allocation.home", "blok": 1}}),
        ("sweep", {"vary": {"batch": []}}),
        ("sweep", {"plot": [{"x": "batch"}]}),
        ("model", {"expert": 5}),
        ("server", {"schema": "chipweave.server/1", "name": "x", "die": "h100_sxm", "node": "dgx_h100", "nodes": 0}),
        ("server", {"schema": "chipweave.server/1", "name": "x", "die": "h100_sxm"}),
        ("server", {"schema": "chipweave.server/1", "name": "x", "die": "h100", "node": "dgx_h100"}),
        ("serve_run", {**SERVED, "server": {"batching": "chunky"}}),
        ("serve_run", {**SERVED, "server": {"step_tokens": "many"}}),
        ("serve_run", {**SERVED, "requests": {**REQUESTS, "arrivals": {"closed_loop": 4, "poisson": 2}}}),
        ("serve_run", {**SERVED, "requests": {**REQUESTS, "prompt": {"constant": 0}}}),
        ("schedule", {"schema": "chipweave.schedule/1", "name": "x", "streams": {"experst": "main"}}),
        ("schedule", {"schema": "chipweave.schedule/1", "name": "x", "micro_batches": 3}),
        ("law", {"schema": "chipweave.law/1", "name": "x", "family": "normal", "decode_shape": 1, "prefill_shape": 1}),
        ("law", {"schema": "chipweave.law/1", "name": "x", "family": "weibull", "decode_shape": 9, "prefill_shape": 1}),
        ("attention", {"schema": "chipweave.attention/1", "kernels": {"x": {"rows": 1.5}}, "instead": {}}),
        ("moe", {"schema": "chipweave.moe/1", "stacks": {"x": {"tiles": "triton"}}}),
        ("characterised", {"schema": "chipweave.characterised/1", "memory": {"reed": {}}}),
        ("hbm_timings", {"HBM9": {"ns": {"tCL": 1}}}),
        ("figures", {"peak": {"valu": 1}}),
    ],
)
def test_slips_are_refused(judges, name, document):
    assert list(judges[name].iter_errors(document))


def test_values_may_carry_their_source_and_code_is_let_pass(judges):
    value = {"value": "3.35 TB/s", "source": "data sheet", "kind": "datasheet"}
    good = {"parts": {"hbm": {"kind": "memory.hbm", "bandwidth": value}, "own": {"kind": "./hbm4.py:Hbm4", "x": 1}}}
    assert not list(judges["topology"].iter_errors(good))
    value["from"] = "?"
    assert list(judges["topology"].iter_errors(good))


def test_definitions_are_shown_as_one_types():
    hbm = next(
        rule["then"]["properties"]
        for rule in schemas.schema("topology")["definitions"]["part"]["allOf"]
        if rule["if"]["properties"]["kind"]["const"] == "memory.hbm"
    )
    assert "B/s" in hbm["bandwidth"]["description"]


@pytest.mark.slow
def test_the_command_writes_what_it_prints(tmp_path, capsys):
    from chipweave.cli.schema import command

    command.main(["run"], standalone_mode=False)
    printed = json.loads(capsys.readouterr().out)
    command.main(["--out", str(tmp_path / "all")], standalone_mode=False)
    assert json.loads((tmp_path / "all" / "run.json").read_text()) == printed == schemas.schema("run")
    assert {p.stem for p in (tmp_path / "all").iterdir()} == set(schemas.FILES)
    with pytest.raises(BadInput, match="no schema 'topologie'.*nearest: topology"):
        schemas.schema("topologie")
