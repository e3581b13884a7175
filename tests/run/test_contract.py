"""Do commands, JSON documents, names and exit codes have the shapes that docs/commands.md promises?"""

import json

import click
import pytest
from jsonschema import Draft202012Validator

from chipweave import errors
from chipweave.__main__ import main, root
from chipweave.declare import registry
from chipweave.io.shipped import shipped
from chipweave.policy import strategy
from chipweave.run import spec as runspec
from chipweave.trace import models

INT, FLOAT, TEXT, FLAG = {"type": "integer"}, {"type": "number"}, {"type": "string"}, {"type": "boolean"}


def thing(**properties):
    return {"type": "object", "required": list(properties), "properties": properties}


def many(items):
    return {"type": "array", "minItems": 1, "items": items}


COMPARE = thing(
    schema={"const": "chipweave.compare/1"},
    version=TEXT,
    topology=TEXT,
    model=TEXT,
    preset=TEXT,
    batch=INT,
    steps=INT,
    link_model=TEXT,
    admission=TEXT,
    trace=thing(name=TEXT, sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"}),
    seed=INT,
    result_sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"},
    rows=many(
        thing(
            strategy=TEXT,
            link_model=TEXT,
            admission=TEXT,
            decode_time_ns=INT,
            prefill_time_ns=INT,
            throughput_tokens_per_s=FLOAT,
            speedup={"type": ["number", "null"]},
            hops=INT,
            hops_prefill=INT,
            local_read_bytes=INT,
            remote_read_bytes=INT,
            copy_write_bytes=INT,
            copies=INT,
            events=INT,
            cpu_s=FLOAT,
            wall_s=FLOAT,
            peak_rss_bytes=INT,
            layers=many(thing(layer=INT, decode_time_ns=INT, hops=INT)),
        )
    ),
)
TRAFFIC = thing(
    schema={"const": "chipweave.noc.traffic/1"},
    cycles=INT,
    packets=INT,
    latency_mean=FLOAT,
    latency_p99=FLOAT,
    network_latency_mean=FLOAT,
    hops_mean=FLOAT,
    offered_flits=FLOAT,
    accepted_flits=FLOAT,
    saturated=FLAG,
    flit_hops=INT,
    wall_s=FLOAT,
    cpu_s=FLOAT,
    flit_hops_per_cpu_s=FLOAT,
    peak_rss_bytes=INT,
    seed=INT,
)
VALIDATE = thing(
    schema={"const": "chipweave.validate/1"},
    suite=TEXT,
    version=TEXT,
    rows=many(
        thing(
            id=TEXT,
            group=TEXT,
            role=TEXT,
            device=TEXT,
            quantity=TEXT,
            x_name=TEXT,
            x_value={},
            reference={"type": ["number", "null"]},
            simulated={"type": ["number", "null"]},
            error={"type": ["number", "null"]},
            tolerance={"type": ["number", "null"]},
            status={"enum": ["holds", "gap", "not modelled"]},
            why=TEXT,
        )
    ),
    groups=many(thing(group=TEXT, role=TEXT, n=INT, n_modelled=INT, mape={}, median={}, max={}, bias={})),
)
WORK = "--model deepseek-v2-lite --trace esft-law --batch 4 --steps 3 --json -".split()


@pytest.mark.slow
@pytest.mark.parametrize(
    "schema, arguments",
    [
        (COMPARE, ["compare", *WORK, "--strategies", "base,ep"]),
        (COMPARE, ["compare", *WORK, "--strategies", "ep", "--preset", "paper", "--link-model", "fair"]),
        (COMPARE, ["run", "run.yaml", "--json", "-"]),
        (
            TRAFFIC,
            (
                "traffic mesh_4x4 --pattern uniform --load 0.2 "
                "--packet-flits 2 --warmup 100 --cycles 500 --seed 3 --json -"
            ).split(),
        ),
        (VALIDATE, ["validate", "analytic", "--group", "zero_load", "--json", "-"]),
    ],
)
def test_a_document_has_the_promised_shape_and_stands_alone_on_standard_output(
    tmp_path, monkeypatch, capsys, schema, arguments
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(
        "schema: chipweave.run/1\nmodel: deepseek-v2-lite\ntrace: esft-law\nbatch: 4\nsteps: 2\nstrategy: allo\n"
    )
    with pytest.raises(SystemExit) as end:
        main(arguments)
    document = json.loads(capsys.readouterr().out)
    assert end.value.code == 0
    assert not [
        f"{'/'.join(map(str, e.path))}: {e.message}" for e in Draft202012Validator(schema).iter_errors(document)
    ]
    for row in document.get("rows", ()):
        if arguments[0] == "compare":
            apart = sum(layer["decode_time_ns"] for layer in row["layers"]) - row["decode_time_ns"]
            assert abs(apart) <= (
                0 if document["preset"] == "artifact" else len(row["layers"]) / 2
            )  # each layer is rounded to the ns


def test_the_check_of_a_document_sees_a_key_that_is_gone():
    assert list(Draft202012Validator(TRAFFIC).iter_errors({"schema": "chipweave.noc.traffic/1"}))


PROMISED = {
    "run": "--set --out --json --allow-code",
    "compare": (
        "--topology --model --trace --batch --steps --strategies --preset --link-model "
        "--link-models --admission --sample --seed --jobs --out --json --set --allow-code"
    ),
    "traffic": "--pattern --load --packet-flits --warmup --cycles --seed --set --json --allow-code",
    "replay": "--set --csv --allow-code",
    "validate": "--reference --group --device --json",
    "trace import": "--out",
    "trace generate": "--requests --steps --seed --out",
    "trace show": "",
    "trace stats": "",
    "info": "--sources --json --allow-code",
    "check": "--allow-code",
    "draw": "-o --allow-code",
    "new": "",
}


@pytest.mark.parametrize("name", PROMISED)
def test_a_command_has_the_promised_options(name):
    command, context = root, click.Context(root)
    for word in name.split():
        command = command.get_command(context, word)
    known = {opt for parameter in command.params for opt in parameter.opts}
    assert set(PROMISED[name].split()) <= known


def test_the_promised_names_are_shipped():
    topologies = (
        "wafer_5x5 wafer_8x3 wafer_5x5_enhanced mesh_4x4 mesh_8x8 mesh_16x16 "
        "mesh_32x32 torus_8x8 h100_sxm h100_pcie h200 gh200 h800 dgx_h100"
    )
    assert set(topologies.split()) <= set(shipped())
    assert set("deepseek-v3 kimi-k2 qwen3-235b llama4-maverick deepseek-v2-lite qwen3-30b-a3b".split()) <= set(
        models.names()
    )
    assert {"artifact", "paper", "h100"} <= set(shipped("presets"))
    assert {"base", "ep", "allo", "pred", "allo+pred"} == set(runspec.STRATEGIES) <= set(strategy.shipped())
    assert registry.link_models.kinds() == ["circuit", "fair", "flit"] and set(runspec.ADMISSIONS) == {
        "work_conserving",
        "head_only",
        "early_booking",
    }


def test_the_promised_exit_codes_are_those_of_the_errors():
    codes = {
        errors.ChipweaveError: 1,
        errors.BadInput: 2,
        errors.Stuck: 3,
        errors.BarMissed: 4,
        errors.Interrupted: 130,
    }
    assert {error: error.exit_code for error in codes} == codes


def test_a_bug_of_ours_ends_with_1_and_a_traceback_only_on_request(monkeypatch, capsys):
    monkeypatch.setattr("chipweave.topology.load", lambda *_, **__: 1 / 0)
    with pytest.raises(SystemExit) as end:
        main(["draw", "mesh_4x4"])
    err = capsys.readouterr().err
    assert end.value.code == 1 and len(err.splitlines()) == 1 and "ZeroDivisionError" in err
    with pytest.raises(SystemExit) as end:
        main(["--debug", "draw", "mesh_4x4"])
    assert end.value.code == 1 and "Traceback" in capsys.readouterr().err
