"""Does `check` find what a run would refuse, with the options a run takes, and does a run find it before its trace is
made?"""

import json

import pytest

from chipweave import topology
from chipweave.__main__ import main
from chipweave.trace import library

RUN = "schema: chipweave.run/1\nmodel: deepseek-v2-lite\nbatch: 4\nsteps: 2\n"
SMALL = ("--model", "deepseek-v2-lite")
WAFER = "extends: micro_2x2\nname: mine\n"
BAD = {
    "an option of a policy": (
        "strategy: {placement: {kind: from_file, path: none.csv}, "
        "allocation: home, prediction: none, replacement: unbounded}\n"
    ),
    "a trace that is no trace": "trace: run.yaml.d\n",
    "a topology that cannot be run": "topology: mesh_4x4\n",
    "a device that is no wafer": "topology: gb200_nvl72\n",
    "a trace of another model": "trace: qwen-syn\n",
    "more steps than a window has": "trace: esft-law\nsteps: 900000\n",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(library, "generated", lambda *_, **__: pytest.fail("a trace was made"))
    monkeypatch.setattr(library, "replayed", lambda *_, **__: pytest.fail("a trace was made"))
    (tmp_path / "run.yaml.d").mkdir()
    return tmp_path


@pytest.fixture
def command(capsys):
    """arguments -> (exit code, standard output, standard error)."""

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main(list(map(str, arguments)))
        shown = capsys.readouterr()
        return end.value.code, shown.out, shown.err

    return run


def run_file(here, more):
    """A run file whose keys in `more` stand in place of those of RUN."""
    keys = [line.partition(":")[0] for line in more.splitlines()]
    lines = [line for line in RUN.splitlines() if line.partition(":")[0] not in keys]
    (here / "run.yaml").write_text("\n".join([*lines, more]))
    return "run.yaml"


@pytest.mark.parametrize("what", [w for w in BAD if w != "a trace that is no trace"])
def test_check_finds_what_a_run_refuses_and_the_run_does_so_first(here, command, what):
    file = run_file(here, BAD[what])
    code, _, told = command("check", file)
    assert code == 2, told
    code, _, err = command("compare", file)
    assert code == 2 and set(err.splitlines()) == set(told.splitlines())


def test_a_strategy_that_is_none_is_refused_before_the_trace_is_made(here, command):
    code, _, err = command("compare", "--model", "deepseek-v2-lite", "--strategies", "base,alloo")
    assert code == 2 and "unknown strategy 'alloo'" in err and "nearest: allo" in err


def test_faults_of_all_strategies_are_told_at_once(here, command):
    code, _, err = command("compare", "--strategies", "bas,alloo", "--topology", "wafer_5x6", "--model", "deepseek")
    assert code == 2
    for words in ("'bas'", "'alloo'", "'wafer_5x6'", "deepseek"):
        assert words in err


@pytest.mark.parametrize(
    "options, words",
    [
        (["--set", "die.hbm.bandwith=3 TB/s"], "nearest: bandwidth"),
        (["--preset", "papr"], "no preset is called 'papr'"),
        (["--link-model", "fast"], "unknown link_model 'fast'"),
        (["--link-models", "circuit,fast"], "unknown link model 'fast'"),
        (["--strategies", "alloo"], "unknown strategy 'alloo'"),
        (["--batch", "0"], "batch is 0"),
        (["--link-model", "flit", "--set", "d2d.router.vcs=3"], "3 VCs"),
    ],
)
def test_check_takes_what_a_run_takes(here, command, options, words):
    for file in ("micro_2x2", run_file(here, "topology: micro_2x2\n")):
        code, _, err = command("check", file, *options)
        assert code == 2 and words in err, (file, err)


@pytest.mark.parametrize("named", ["check", "draw"])
def test_a_wrong_preset_hides_no_other_fault(here, command, named):
    code, _, err = command(named, "micro_2x2", "--preset", "papr", "--set", "parts.cp.layer_time=soon")
    assert code == 2 and "no preset is called 'papr'" in err and "layer_time cannot be 'soon'" in err


def test_what_a_preset_replaces_is_read_for_its_faults(here, command):
    """`physical` says another time of layers and `artifact` another duplex: a slip under them is one all the same."""
    (here / "t.yaml").write_text(WAFER + "parts: {cp: {layer_time: soon}}\nnetworks: {d2d: {duplex: both}}\n")
    for preset in ([], ["--preset", "physical"], ["--preset", "artifact"]):
        code, _, err = command("check", "t.yaml", *preset)
        assert code == 2 and err.count("t.yaml:3:26: layer_time cannot be 'soon'") == 1, preset
        assert err.count("t.yaml:4:26: duplex cannot be 'both'") == 1, preset
    (here / "t.yaml").write_text(WAFER + "networks: {d2d: 3}\n")
    code, _, err = command("check", "t.yaml", "--preset", "artifact")
    assert code == 2 and "t.yaml:3:17: network 'd2d' must be a mapping, not '3'" in err


@pytest.mark.parametrize(
    "arguments, loads",
    [
        (["micro_2x2"], ["physical"] * 2),  # the second for the start of what predicts: parts remember
        (["micro_2x2", *SMALL, "--strategies", "base,allo"], ["physical"]),
        (["micro_2x2", *SMALL, "--strategies", "base", "--link-model", "flit"], ["physical"]),
        (["micro_2x2", *SMALL, "--strategies", "base", "--preset", "paper"], ["paper"]),
        (["mesh_4x4"], ["physical", ""]),  # a preset may say something of every network
        (["t.yaml"], ["physical", ""]),  # no system for runs, and the preset has a say in its network
        (["t.yaml", "--preset", "paper"], ["paper"]),
    ],
)
def test_a_check_loads_a_topology_once_for_itself_and_its_first_run(here, command, monkeypatch, arguments, loads):
    (here / "t.yaml").write_text(
        "name: t\nnetworks: {d2d: {grid: [2, 2], shape: mesh, latency: 1 ns, bandwidth: 1 GB/s}}\n"
    )
    made, build = [], topology.build

    def counted(*given):
        made.append(build(*given))
        return made[-1]

    monkeypatch.setattr(topology, "build", counted)
    code, _, err = command("check", *arguments)
    assert code == 0 and [system.preset for system in made] == loads, err


def test_options_of_runs_are_not_taken_for_other_files(here, command):
    (here / "s.yaml").write_text("placement: contiguous\nallocation: home\nprediction: none\nreplacement: unbounded\n")
    assert command("check", "s.yaml")[0] == 0
    code, _, err = command("check", "s.yaml", "--preset", "paper")
    assert code == 2 and "--preset are of topologies and run files" in err


def test_what_is_shipped_has_no_fault(here, command):
    code, out, err = command("check", "micro_2x2", "mesh_4x4", "dgx_h100", "h100_sxm")
    assert code == 0 and out.count("no faults") == 4, err


def test_check_writes_its_faults_with_their_places(here, command):
    (here / "t.yaml").write_text(WAFER + "networks: {d2d: {latenzy: 1 ns}}\n")
    code, out, err = command("check", "t.yaml", "mesh_4x4", "--json", "-")
    document = json.loads(out)
    assert code == 2 and document["schema"] == "chipweave.check/1" and document["warnings"] == []
    assert document["faults"][0] == {
        "file": "t.yaml",
        "line": 3,
        "column": 18,
        "what": "network d2d has no parameter 'latenzy'",
        "allowed": document["faults"][0]["allowed"],
        "nearest": "latency",
    }
    assert "mesh_4x4: a topology, no faults" in err


def test_warnings_alone_are_no_fault(here, command):
    code, out, err = command(
        "check", "micro_2x2", "--link-model", "flit", "--set", "d2d.router.vc_depth=4", "--json", "-"
    )
    document = json.loads(out)
    assert code == 0 and document["faults"] == [] and "reaches at most" in document["warnings"][0]["what"]
    assert document["warnings"][0]["file"] == "micro_2x2" and "warning: " in err


SWEEP = (
    "schema: chipweave.sweep/1\nrun: {topology: micro_2x2, model: qwen3-30b-a3b, steps: 2}\nvary: {batch: [8, 16]}\n"
)
SERVE = """schema: chipweave.serve_run/1
system: dgx_h100
model: llama-3.1-8b
requests: {count: 2, arrivals: {closed_loop: 1}, prompt: {constant: 16}, output: {constant: 2}}
"""
SCHEDULE = "schema: chipweave.schedule/1\nname: mine\nstreams: {dispatch: side}\n"


@pytest.mark.parametrize(
    "text, sort, slip, words",
    [
        (SWEEP, "sweep file", ("batch: [8", "bach: [8"), "nothing is called 'bach'"),
        (SERVE, "run of a server", ("count: 2", "cuont: 2"), "cuont"),
        (SCHEDULE, "schedule", ("dispatch: side", "dispach: side"), "no work 'dispach' in a layer"),
    ],
)
def test_every_sort_of_file_that_is_read_is_checked(here, command, text, sort, slip, words):
    (here / "f.yaml").write_text(text)
    code, out, err = command("check", "f.yaml")
    assert code == 0 and f"f.yaml: a {sort}, no faults" in out, err
    (here / "f.yaml").write_text(text.replace(*slip))
    code, _, err = command("check", "f.yaml")
    assert code == 2 and words in err
