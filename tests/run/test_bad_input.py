"""Is every bad input told in one line with place and cure, before the work, and never taken for something else?"""

import os
import signal
import subprocess
import sys
import time

import pytest

from chipweave.__main__ import main

WORK = [
    "compare",
    "--model",
    "deepseek-v2-lite",
    "--trace",
    "esft-law",
    "--batch",
    "4",
    "--steps",
    "2",
    "--strategies",
    "ep",
]
WAFER = "extends: wafer_5x5\nname: mine\n"
BARE = "name: bare\nnetworks:\n  net: {{{}, latency: 1 ns, bandwidth: 1 GB/s}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys, *arguments):
    """(exit code, standard error) of a command."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    err = capsys.readouterr().err
    assert "Traceback" not in err
    return end.value.code, err


def refused(capsys, *arguments):
    """What a command says of its bad input."""
    code, err = told(capsys, *arguments)
    assert code == 2, (code, err)
    return err


@pytest.mark.parametrize(
    "arguments, words",
    [
        (
            ["--topology", "gb200_nvl72"],
            "gb200_nvl72: no part of the topology states compute, hbm_bandwidth, hbm_latency_ps, hbm_bytes",
        ),
        (
            ["--topology", "mesh_4x4"],
            (
                "mesh_4x4: a run needs one network that joins its dies, "
                "not 0; allowed: a topology of dies, such as wafer_5x5"
            ),
        ),
        (["--out", ""], "no folder is named"),
        (["--json", ""], "no file is named"),
    ],
)
def test_what_cannot_be_run_is_told(capsys, arguments, words):
    assert words in refused(capsys, *WORK, *arguments)


def test_a_fault_of_the_preset_is_told_once(capsys):
    assert refused(capsys, *WORK, "--preset", "papr").count("no preset is called 'papr'") == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (
            ["traffic", "mesh_4x4", "--load", "0.1", "--network", "mash"],
            "mesh_4x4 has no network 'mash'; allowed: mesh; nearest: mesh",
        ),
        (["traffic", "h100_sxm", "--load", "0.1"], "h100_sxm has no network"),
        (
            ["traffic", "mesh_4x4", "--load", "0.1", "--picture", "x.foo"],
            "cannot draw into x.foo; allowed: a name that ends in .svg, .png, .pdf",
        ),
        (["traffic", "mesh_4x4", "--load", "0.1", "--json", "folder"], "folder is a folder"),
        (["traffic", "mesh_4x4", "--load", "0.1", "--links", "folder"], "folder is a folder"),
        (["replay", "mesh_4x4", "list.csv", "--csv", "folder"], "folder is a folder"),
        (["check", "folder"], "folder is a folder; allowed: a YAML file"),
        (["check", "folder.yaml"], "folder.yaml is a folder; allowed: a YAML file"),
        (["info", "folder.yaml"], "folder.yaml is a folder; allowed: a YAML file"),
        (["check", "pipe.yaml"], "pipe.yaml is no plain file"),
        ([*WORK, "--trace", "/dev/zero"], "/dev/zero: no plain file"),
        ([*WORK, "--trace", "pipe.yaml"], "pipe.yaml: no plain file"),
        (["trace", "import", "/dev/zero", "--out", "o.parquet"], "/dev/zero: no plain file"),
        (["comapre"], "No such command 'comapre'. Did you mean compare?"),
        (["compare", "--bach", "4"], "chipweave compare: No such option '--bach'"),
        (
            ["compare", "--batch", "1e3"],
            (
                "chipweave compare: Invalid value for '--batch': '1e3' is not "
                "a valid integer; allowed: what `chipweave compare --help` lists"
            ),
        ),
        (["check"], "chipweave check: Missing argument 'FILE...'; allowed: what `chipweave check --help` lists"),
        (["compare", "folder"], "folder is a folder; allowed: a path, or dead_die, dead_ring, demo, "),
        (
            ["run", "deom"],
            (
                "no run file 'deom'; allowed: a path, or dead_die, dead_ring, demo, four_memories, memory_pool, "
                "mixed_dies, my_hbm, my_predictor, nvswitch_node, one_slow_link, stack_3d, two_nodes, two_wafers; "
                "nearest: demo"
            ),
        ),
        ([*WORK, "--strategies", "EP"], "unknown strategy 'EP'; allowed: allo, allo+pred, base, dwdp, ep, "),
        ([*WORK, "--set", "d2d.latency=5 Ns"], "nearest: 5 ns"),
        (
            ["traffic", "mesh_4x4", "--load", "0.1", "--set", "vsc=4"],
            "--set vsc=4: network mesh and its routers have no parameter 'vsc'; allowed: ",
        ),
        (["traffic", "mesh_4x4", "--load", "0.1", "--set", "vsc=4"], "nearest: vcs"),
        (["traffic", "mesh_4x4", "--load", "0.1,x"], "load '0.1,x': not numbers; allowed: numbers with commas between"),
        (
            ["replay", "mesh_4x4", "folder"],
            "folder: cannot be read: is a directory; allowed: a CSV file with the columns src, dst, size, ctime",
        ),
    ],
)
def test_a_wrong_name_is_told_before_the_work(capsys, here, monkeypatch, arguments, words):
    (here / "folder").mkdir()
    (here / "folder.yaml").mkdir()
    (here / "list.csv").write_text("src,dst,size,ctime\n0,1,1,0\n")
    os.mkfifo(here / "pipe.yaml")
    monkeypatch.setattr("chipweave.traffic.synthetic.run", lambda *_, **__: pytest.fail("worked first"))
    monkeypatch.setattr("chipweave.traffic.replay.run", lambda *_, **__: pytest.fail("worked first"))
    told = refused(capsys, *arguments)
    assert words in told and len(told.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--packet-flits", "a"], "packet sizes 'a': not numbers"),
        (["--packet-flits", "0"], "packet sizes '0'; allowed: sizes of 1 to"),
        (["--pattern", "hotspot(x)"], "pattern hotspot, 'x': not numbers"),
        (["--pattern", "permutation(folder)"], "folder: cannot be read: Is a directory"),
    ],
)
def test_traffic_that_cannot_be_is_told(capsys, here, arguments, words):
    (here / "folder").mkdir()
    assert words in refused(capsys, "traffic", "mesh_4x4", "--load", "0.1", *arguments)


@pytest.mark.parametrize(
    "text, words",
    [
        (
            "parts: {die: {absent: ['[2][2]']}}",
            (
                "mine.yaml:3:23: network 'd2d': die[3][2].d2d cannot be "
                "reached from die[0][0].d2d by routing xy: nothing is at [2][2]"
            ),
        ),
        (
            "networks: {d2d: {latency: 1e999999999 s}}",
            "latency: '1e999999999 s': the exponent is out of range; allowed: up to two digits",
        ),
    ],
)
def test_a_fault_of_a_laid_over_topology_is_told_at_the_users_line(capsys, here, text, words):
    (here / "mine.yaml").write_text(WAFER + text + "\n")
    assert words in refused(capsys, "check", "mine.yaml")


def test_a_number_of_routers_beyond_all_bounds_is_told_with_the_bound(capsys, here):
    (here / "mine.yaml").write_text(BARE.format("routers: 1e9, shape: ring"))
    told = refused(capsys, "check", "mine.yaml")
    assert "mine.yaml:3:18: network 'net': 1,000,000,000 routers need about 15,258.8 GiB" in told
    assert "allowed: at most 65,536" in told


@pytest.mark.parametrize(
    "code, words",
    [
        ("import sys\nsys.exit(0)", "importing ./part.py failed in line 2: SystemExit: 0"),
        ("raise KeyboardInterrupt", None),
        ("def broken(:", "importing ./part.py failed in line 1: SyntaxError"),
    ],
)
def test_code_that_ends_the_program_when_it_is_imported_is_a_fault_of_it(capsys, here, code, words):
    (here / "part.py").write_text(code + "\n")
    (here / "mine.yaml").write_text(WAFER + "assemblies: {die: {parts: {hbm: {kind: './part.py:X'}}}}\n")
    ended, err = told(capsys, "check", "mine.yaml", "--allow-code")
    assert (ended == 130) if words is None else (ended == 2 and f"mine.yaml:3:40: {words}" in err)


@pytest.mark.parametrize(
    "text, words",
    [
        (
            "strategy: {placement: contiguous, allocation: hom, prediction: none, replacement: unbounded}",
            (
                "run.yaml:2:47: unknown allocation policy 'hom'; allowed: holders, home, placement_aware, "
                "placement_aware_python, round_robin, split_evenly; nearest: home"
            ),
        ),
        (
            "strategy: {placement: contiguous, allocation: home}",
            "run.yaml:2:11: a strategy needs a policy for 'prediction'",
        ),
        (
            (
                "strategy: {placement: contiguous, allocation: {kind: "
                "placement_aware, blok: 5}, prediction: none, replacement: unbounded}"
            ),
            "run.yaml:2:71: allocation.placement_aware has no parameter 'blok'",
        ),
    ],
)
def test_a_fault_of_a_run_file_is_told_with_its_line(capsys, here, text, words):
    (here / "run.yaml").write_text(f"schema: chipweave.run/1\n{text}\n")
    assert words in refused(capsys, "run", "run.yaml")


def test_an_expert_id_of_thousands_of_digits_is_told_in_our_words(capsys, here):
    (here / "t.jsonl").write_text('{"path": "a", "trace": [{"1": [[1' + "0" * 5000 + "]]}]}\n")
    assert "t.jsonl:1: a number of more than 4300 digits" in refused(capsys, *WORK, "--trace", "t.jsonl")


def test_a_file_that_holds_a_bare_trace_per_line_is_told_its_line(capsys, here):
    (here / "t.jsonl").write_text("[1, 2]\n")
    assert "t.jsonl:1: " in refused(capsys, *WORK, "--trace", "t.jsonl")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["traffic", "mesh_16x16", "--load", "0.3", "--cycles", "10000000", "--json", "result.json"],
        ["trace", "generate", "deepseek-v3", "--out", "result.parquet"],
    ],
)
def test_ctrl_c_ends_at_once_says_so_and_leaves_nothing(here, arguments):
    """Also in the midst of a call of the kernel. The child has a terminal's handler: a shell's background job ignores
    SIGINT, and its children inherit that."""
    going = subprocess.Popen(
        [sys.executable, "-m", "chipweave", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        cwd=here,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with going:
        try:
            time.sleep(3)
            assert going.poll() is None
            going.send_signal(signal.SIGINT)
            _, err = going.communicate(timeout=20)
        finally:
            going.kill()
    assert going.returncode == 130 and err.strip().startswith("interrupted") and "Traceback" not in err
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    "text, words",
    [
        (
            "networks: {d2d: {admision: head_only}}",
            "p.yaml:3:18: network d2d has no setting 'admision'; allowed: link_model, ",
        ),
        (
            "run: {replacemnt: lru}",
            (
                "p.yaml:3:7: the run has no setting 'replacemnt'; allowed: "
                "prefill_step_counts, unnamed_layers_vanish, "
                "last_request_says_prefill, replacement; nearest: replacement"
            ),
        ),
        ("networks: {d2d: 5}", "p.yaml:3:17: network d2d: settings are a mapping, not '5'"),
    ],
)
def test_an_unknown_setting_of_a_preset_is_told_by_check_too(capsys, here, text, words):
    (here / "p.yaml").write_text(f"schema: chipweave.preset/1\nname: p\n{text}\n")
    assert words in refused(capsys, "check", "p.yaml")
    assert words in refused(capsys, *WORK, "--preset", "p.yaml")


@pytest.mark.parametrize("arguments", [["check"], ["compare"], ["draw"], [*WORK, "--topology"], ["replay", "mesh_4x4"]])
def test_a_path_too_long_for_any_file_is_bad_input(capsys, arguments):
    assert "too long" in refused(capsys, *arguments, "x" * 5000 + ".yaml")


def test_a_cache_that_cannot_be_written_is_told_with_the_cure(capsys, here, monkeypatch):
    (here / "file").write_text("")
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(here / "file" / "cache"))
    told = refused(
        capsys, "compare", "--model", "deepseek-v2-lite", "--batch", "4", "--steps", "2", "--strategies", "ep"
    )
    assert "traces are kept in a cache, and" in told and "allowed: another folder for it in CHIPWEAVE_CACHE" in told


def test_a_trace_beyond_all_disks_is_not_begun(capsys):
    arguments = [
        "compare",
        "--model",
        "deepseek-v2-lite",
        "--batch",
        "1000000",
        "--steps",
        "1000000",
        "--strategies",
        "ep",
    ]
    assert "1,000,000 requests x (999,999 steps + 100 prompt tokens) x 26 layers x 6 are 1.6e+14 expert ids" in refused(
        capsys, *arguments
    )


def test_code_in_a_setting_is_looked_for_where_the_user_stands_and_in_a_run_file_beside_it(capsys, here):
    lab = here / "lab"
    lab.mkdir()
    assert f"no file {here}/part.py" in refused(capsys, *WORK, "--set", "die.hbm.kind=./part.py:X", "--allow-code")
    (lab / "run.yaml").write_text(
        "schema: chipweave.run/1\nmodel: deepseek-v2-lite\ntrace: esft-law\n"
        "batch: 4\nsteps: 2\nset: ['die.hbm.kind=part.py:X']\n"
    )
    assert f"no file {lab}/part.py" in refused(capsys, "run", "lab/run.yaml", "--allow-code")
