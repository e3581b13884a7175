"""Do the JSON Schemas take every file that ships, and refuse the slips that `check` refuses?"""

import json
from pathlib import Path

import jsonschema
import pytest

from chipweave.declare import yamlfile
from chipweave.errors import BadInput
from chipweave.views import schemas
from chipweave.views.filetypes import recognise

ROOT = Path(__file__).resolve().parents[2]
NAMES = {says: name for name, (says, _) in schemas.FILES.items()}
FILES = sorted(
    p
    for folder in ("topologies", "examples", "policies/strategies", "chipweave/data/models", "chipweave/data/serving")
    for p in (ROOT / folder).rglob("*.yaml")
)


@pytest.fixture(scope="module")
def judges():
    made = {name: schemas.schema(name) for name in schemas.FILES}
    for each in made.values():
        jsonschema.Draft7Validator.check_schema(each)
    return {name: jsonschema.Draft7Validator(each) for name, each in made.items()}


def test_every_file_that_ships_is_taken(judges):
    seen = set()
    for path in FILES:
        root = yamlfile.load(path)
        try:
            name = NAMES.get(recognise(root).schema)
        except BadInput:
            continue  # libraries and tables, which no user writes
        if name:
            faults = [
                f"{'.'.join(map(str, e.path))}: {e.message[:200]}" for e in judges[name].iter_errors(root.plain())
            ]
            assert not faults, f"{path.relative_to(ROOT)}: {faults}"
            seen.add(name)
    assert seen >= {"topology", "preset", "run", "strategy", "sweep", "model"}


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


def test_the_command_writes_what_it_prints(tmp_path, capsys):
    from chipweave.cli.schema import command

    command.main(["run"], standalone_mode=False)
    printed = json.loads(capsys.readouterr().out)
    command.main(["--out", str(tmp_path / "all")], standalone_mode=False)
    assert json.loads((tmp_path / "all" / "run.json").read_text()) == printed == schemas.schema("run")
    assert {p.stem for p in (tmp_path / "all").iterdir()} == set(schemas.FILES)
    with pytest.raises(BadInput, match="no schema 'topologie'.*nearest: topology"):
        schemas.schema("topologie")
