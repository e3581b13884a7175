"""Do check, info, draw and new do what docs/commands.md says, exit codes included?"""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from click.testing import CliRunner

from chipweave import topology
from chipweave.__main__ import main, root
from chipweave.views.skeleton import SORTS, write


def run(*arguments):
    return CliRunner().invoke(root, arguments, catch_exceptions=True)


def exit_code(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    shown = capsys.readouterr()
    return stop.value.code, shown.out + shown.err


def test_check_tells_every_fault_of_every_file_and_ends_with_2(tmp_path, capsys):
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("name: one\nnetworks: {n: {shape: mess, grid: [2, 2], latency: 1 ns, bandwidth: 1 GB/s}}")
    two.write_text("name: two\nkinds: {memory.none: {}}")
    code, told = exit_code(capsys, "check", str(one), "mesh_4x4", str(two))
    assert code == 2
    assert f"{one}:2:23: shape cannot be 'mess'" in told and f"{two}:2:9: unknown kind 'memory.none'" in told
    assert "mesh_4x4: a topology, no faults" in told and "Traceback" not in told


def test_check_of_good_files_ends_with_0(capsys):
    assert exit_code(capsys, "check", "wafer_5x5", "mesh_4x4")[0] == 0


@pytest.mark.parametrize(
    "text, message",
    [
        ("schema: chipweave.topologi/1\n", "unknown schema 'chipweave.topologi/1'; allowed: chipweave.topology/1"),
        ("colour: red\n", "nothing says what this file is"),
        ("- 1\n", "nothing says what this file is"),
        ("", "the file is empty"),
    ],
)
def test_a_file_that_is_nothing_is_a_fault(tmp_path, capsys, text, message):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    code, told = exit_code(capsys, "check", str(path))
    assert code == 2 and message in told


RUN = "schema: chipweave.run/1\ntopology: wafer_5x5\npreset: artifact\nmodel: deepseek-v2-lite\nbatch: 64\nsteps: 4\n"


@pytest.mark.parametrize(
    "more, message",
    [
        ("", "a run file, no faults"),
        ("strategies: [base, allo+pred]\n", "a run file, no faults"),
        ('set: ["die.hbm.bandwith=4 TB/s"]\n', "memory.hbm has no parameter 'bandwith'"),
        ("strategy: {placement: contiguous, allocation: hom, prediction: none, replacement: unbounded}\n", "hom"),
        (
            "strategy: {placement: contiguous, allocation: ./own.py:Own, prediction: none, replacement: unbounded}\n",
            "these parts are code",
        ),
    ],
)
def test_check_of_a_run_file_looks_into_what_it_names(tmp_path, capsys, more, message):
    path = tmp_path / "run.yaml"
    path.write_text(RUN + more)
    code, told = exit_code(capsys, "check", str(path))
    assert message in told and code == (0 if "no faults" in message else 2)


def test_check_names_code_and_stops(tmp_path, capsys, wafer):
    path = tmp_path / "x.yaml"
    path.write_text(wafer.replace("t.memory", "./own.py:Own"))
    code, told = exit_code(capsys, "check", str(path))
    assert code == 2 and "these parts are code" in told and "./own.py:Own" in told


def test_info_without_a_name_lists_all():
    told = run("info", "--json")
    document = json.loads(told.stdout)
    assert "d2d.router" in document["components"] and "allocation.home" in document["policies"]
    assert (
        "wafer_5x5" in document["topologies"]
        and "artifact" in document["presets"]
        and "deepseek-v3" in document["models"]
    )


def test_info_of_a_kind_tells_all_that_is_declared(capsys):
    document = json.loads(run("info", "t.router", "--json").stdout)
    assert [p["name"] for p in document["ports"]] == ["mesh", "home"] and document["slots"][0]["default"] == "t.table"
    memory = json.loads(run("info", "t.memory", "--json").stdout)
    assert memory["parameters"][0] == {
        "name": "latency",
        "type": "time",
        "default": "300 ns",
        "allowed": "time from 1 ps, such as 200 ns",
        "many": False,
        "about": "",
    }
    assert memory["statistics"] == [{"name": "reads", "unit": "accesses", "about": "reads answered"}]


@pytest.mark.parametrize(
    "arguments",
    [
        ("info",),
        ("info", "t.memory"),
        ("info", "allocation.home"),
        ("info", "wafer_8x3"),
        ("info", "deepseek-v3"),
        ("info", "wafer_8x3", "--sources"),
        ("info", "kimi-k2", "--sources"),
    ],
)
def test_info_prints_for_people(arguments):
    result = run(*arguments)
    assert result.exit_code == 0 and len(result.output) > 100


@pytest.mark.parametrize(
    "name, line",
    [
        ("base", ["allocation", "round_robin"]),
        ("paper", ["kinds.cp.global.usable_hbm", "0.9"]),
        ("h100", ["kinds.memory.hbm.table", "h100_sxm"]),
    ],
)
def test_strategies_and_presets_are_shown_key_by_key(name, line):
    told = run("info", name).output
    assert any(words[: len(line)] == line for words in map(str.split, told.splitlines())) and "{" not in told


def test_info_sources_lists_every_number_with_its_place():
    rows = json.loads(run("info", "wafer_5x5", "--sources", "--json").stdout)["sources"]
    found = {r["path"]: r for r in rows}
    assert (
        found["assemblies.die.parts.hbm.bandwidth"]["kind"] == "datasheet"
        and found["networks.d2d.latency"]["value"] == "200 ns"
    )
    assert all(r["source"] and r["kind"] and r["place"] for r in rows)


def test_what_info_says_to_ask_next_can_be_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("extends: wafer_5x5\nname: another_name\n")
    said = run("info", "mine.yaml").output
    assert "`chipweave info mine.yaml --sources`" in said and run("info", "mine.yaml", "--sources").exit_code == 0


def test_info_of_nothing_names_the_nearest(capsys):
    code, told = exit_code(capsys, "info", "wafer_5x6")
    assert code == 2 and "nothing is called 'wafer_5x6'" in told and "nearest: wafer_5x5" in told


@pytest.mark.slow
def test_draw_writes_a_picture_with_every_die(tmp_path):
    path = tmp_path / "w.svg"
    assert run("draw", "wafer_5x5", "-o", str(path)).exit_code == 0
    texts = {t.text for t in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")}
    assert {f"die {i}" for i in range(25)} <= texts and {"hbm", "llc"} <= texts
    first = path.read_bytes()
    run("draw", "wafer_5x5", "-o", str(path))
    assert path.read_bytes() == first


def texts_of(tmp_path, topology):
    assert run("draw", str(topology), "-o", str(tmp_path / "p.svg")).exit_code == 0
    return [t.text for t in ET.parse(tmp_path / "p.svg").iter("{http://www.w3.org/2000/svg}text")]


def test_a_picture_shows_what_differs_and_the_inside_of_what_does_not(tmp_path):
    (tmp_path / "mine.yaml").write_text("""extends: wafer_8x3
name: mine
parts: {die: {override: {"[*][0]": {hbm: {bandwidth: 8 TB/s}}}}}
networks: {d2d: {override: [{between: ["[*][1]", "[*][2]"], bandwidth: 600 GB/s}]}}
""")
    texts = texts_of(tmp_path, tmp_path / "mine.yaml")
    assert texts.count("600 GB/s") == 8 and "200 ns" not in texts  # what is as everywhere is not said again
    assert "inside one die (die[0][1]); 8 with another border differ in kinds or figures" in texts
    assert (tmp_path / "p.svg").read_text().count("stroke: #d9480f; stroke-width: 1.8") == 8


def test_a_long_title_is_broken_and_not_cut(tmp_path):
    about = "a word and " * 25 + "the end"
    (tmp_path / "mine.yaml").write_text(f"extends: micro_2x2\nname: mine\nabout: {about}\n")
    texts = texts_of(tmp_path, tmp_path / "mine.yaml")
    assert sum(t.startswith("mine: ") or t.endswith("the end") for t in texts) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        "shape: ring, routers: 5",
        "shape: full, routers: 4",
        "shape: switch, routers: 4, switches: 2",
        "shape: torus, grid: [4, 4]",
        "shape: mesh, grid: [12, 12]",
        "shape: edges, routers: 2, edges: [[0, 1]]",
        "shape: mesh, grid: [1, 1]",
    ],
)
def test_every_shape_can_be_drawn(tmp_path, build, settings):
    from chipweave.views.draw import draw

    draw(build(f"name: n\nnetworks: {{n: {{{settings}, latency: 1 ns, bandwidth: 1 GB/s}}}}"), tmp_path / "n.svg")
    assert ET.parse(tmp_path / "n.svg").getroot().tag.endswith("svg")


def test_a_system_without_a_network_can_be_drawn(tmp_path, build):
    from chipweave.views.draw import draw

    draw(
        build(
            "name: n\nparts: {sm: {kind: t.source}, hbm: {kind: t.memory}}\n"
            "links: [{between: [sm.memory, hbm.access], latency: 1 ns, bandwidth: 1 GB/s}]"
        ),
        tmp_path / "n.svg",
    )
    assert "hbm" in (tmp_path / "n.svg").read_text()


def test_draw_refuses_another_format(capsys):
    assert "cannot draw into x.gif" in exit_code(capsys, "draw", "mesh_4x4", "-o", "x.gif")[1]


@pytest.mark.slow
def test_a_new_part_s_own_tests_pass(tmp_path):
    for what in (name for name, sort in SORTS.items() if sort.elsewhere):
        write(what, f"my_{what}", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0 and "15 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("what", SORTS)
def test_in_a_checkout_a_new_part_goes_beside_its_like(tmp_path, what):
    for folder in ("components", "policies", "topologies", "validation"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    part, test = write(what, "my_part", tmp_path)
    assert part.is_file() and test.is_file() and test.relative_to(tmp_path).parts[0] == "tests"
    if part.suffix == ".py":
        compile(part.read_text(), str(part), "exec")
        compile(test.read_text(), str(test), "exec")
    else:
        assert topology.load(part).name == "my_part"


@pytest.mark.parametrize(
    "arguments, message",
    [(("component", "My-Part"), "is not a file's name"), (("case", "x"), "a checkout of chipweave")],
)
def test_new_refuses_what_cannot_be(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, told = exit_code(capsys, "new", *arguments)
    assert code == 2 and message in told and not list(tmp_path.iterdir())


def test_new_overwrites_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert exit_code(capsys, "new", "component", "mine")[0] == 0
    code, told = exit_code(capsys, "new", "component", "mine")
    assert code == 2 and "is there already" in told


PREDICTOR = """\
from chipweave.policy import Param, PredictionPolicy


class Mine(PredictionPolicy):
    "Keep what is large."

    least = Param("count", default=3, doc="tokens")
"""
STRATEGY = "placement: contiguous\nallocation: home\nprediction: ./mine.py:Mine\nreplacement: unbounded\n"


def test_info_tells_of_files_of_ones_own_of_every_sort(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(PREDICTOR)
    (tmp_path / "s.yaml").write_text(STRATEGY)
    (tmp_path / "r.yaml").write_text("schema: chipweave.run/1\nbatch: 77\n")
    assert "contiguous" in run("info", "s.yaml").output and "77" in run("info", "r.yaml").output
    told = run("info", "./mine.py:Mine", "--allow-code").output
    assert "least" in told and "(./mine.py:Mine)" in told
    refused = run("info", "./mine.py:Mine")
    assert refused.exit_code and "--allow-code" in str(refused.exception)


def completed(words, monkeypatch, capsys):
    """What bash would be offered for the last of these words."""
    monkeypatch.setenv("_CHIPWEAVE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    with pytest.raises(SystemExit):
        root.main(args=[], prog_name="chipweave", complete_var="_CHIPWEAVE_COMPLETE")
    return [line.split(",")[1] for line in capsys.readouterr().out.split()]


@pytest.mark.parametrize(
    "words, offered",
    [
        (["chipweave", "ru"], ["run"]),
        (["chipweave", "compare", "--topology", "wafer_8"], ["wafer_8x3"]),
        (["chipweave", "compare", "--model", "kimi"], ["kimi-k2"]),
        (["chipweave", "compare", "--preset", "pa"], ["paper"]),
        (["chipweave", "draw", "torus"], ["torus_8x8"]),
        (["chipweave", "compare", "--admi"], ["--admission"]),
    ],
)
def test_a_shell_completes_commands_options_and_names(words, offered, monkeypatch, capsys):
    assert completed(words, monkeypatch, capsys) == offered


@pytest.mark.slow
@pytest.mark.parametrize("shell, mark", [("bash", "complete -o"), ("zsh", "#compdef chipweave"), ("fish", "complete ")])
def test_completion_prints_the_script_of_a_shell(shell, mark, capsys):
    code, told = exit_code(capsys, "completion", shell)
    assert code == 0 and mark in told and "_CHIPWEAVE_COMPLETE" in told
