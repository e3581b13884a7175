"""Does every command that writes a file leave alone what is not its own, and leave nothing half-written?"""

import json
import shutil

import click
import pytest

from chipweave.__main__ import main
from chipweave.cli import trace as trace_command

ROWS = '{"path": "a", "trace": [{"1": [[0, 1]], "2": [[4, 5]]}, {"1": [[2, 3]], "2": [[6, 0]]}]}\n'
SWEEP = """schema: chipweave.sweep/1
run: {topology: micro_2x2, model: mini.yaml, trace: t.jsonl, batch: 1, steps: 2, preset: paper}
vary: {strategy: [base, ep]}
"""
SERVE = """schema: chipweave.serve_run/1
name: s
system: dgx_h100
model: llama-3.1-8b
parallel: tp=2
precision: bf16
framework: vllm
requests: {count: 2, arrivals: {closed_loop: 1}, prompt: {uniform: [8, 16]}, output: {uniform: [2, 3]}}
seed: 1
"""
STEP = "step dgx_h100 --model llama-3.1-8b --batch 1 --context 64 --parallel tp=8"
COMPARE = "--topology micro_2x2 --model mini.yaml --trace t.jsonl --batch 1 --steps 2"
STUDY = "study chaos --models mini.yaml --topologies micro_2x2 --batches 1 --steps 2 --requests 1 --strategies base,ep"
WRITERS = {  # command line with FILE -> its name
    "compare": (f"compare {COMPARE} --strategies ep --json FILE", "o.json"),
    "check": ("check micro_2x2 --json FILE", "o.json"),
    "traffic": ("traffic mesh_4x4 --load 0.1 --cycles 50 --json FILE", "o.json"),
    "traffic --links": ("traffic mesh_4x4 --load 0.1 --cycles 50 --links FILE", "o.json"),
    "traffic --picture": ("traffic mesh_4x4 --load 0.1,0.2 --cycles 50 --picture FILE", "o.svg"),
    "replay": ("replay mesh_4x4 p.csv --csv FILE", "o.csv"),
    "validate": ("validate analytic --group littles_law --json FILE", "o.json"),
    "step": (f"{STEP} --json FILE", "o.json"),
    "step --picture": (f"{STEP} --picture FILE", "o.png"),
    "serve": ("serve serve.yaml --json FILE", "o.json"),
    "sweep": ("sweep sweep.yaml --out z --json FILE", "o.json"),
    "leaderboard": ("leaderboard sweep.yaml --out z --json FILE", "o.json"),
    "study chaos": (f"{STUDY} --no-host --json FILE", "o.json"),
    "study remap": ("study remap --model qwen3-30b-a3b --batches 2 --steps 1 --json FILE", "o.json"),
    "why": ("why r --json FILE", "o.json"),
    "diff": ("diff r r --json FILE", "o.json"),
    "rerun": ("rerun r --json FILE", "o.json"),
    "plot": ("plot r/layers.parquet --x layer --y hops -o FILE", "o.pdf"),
    "draw": ("draw mesh_4x4 -o FILE", "o.svg"),
    "trace import": ("trace import t.jsonl --experts 7 --out FILE", "o.parquet"),
    "trace generate": ("trace generate mini.yaml --requests 1 --steps 2 --out FILE", "o.parquet"),
    "trace stats": ("trace stats t.jsonl --json FILE", "o.json"),
    "trace show": ("trace show t.jsonl --json FILE", "o.json"),
    "trace loads": ("trace loads t.jsonl --out FILE", "o.npz"),
    "report": ("report r -o FILE", "o.html"),
    "timeline": ("timeline r -o FILE", "o.json.gz"),
    "export": ("export mesh_4x4 -o FILE", "o.json"),
    "characterise": ("characterise micro_2x2 --out FILE", "o.yaml"),
}
FOLDERS = {  # command line with FOLDER -> files of it that somebody else may have
    "run": (f"run run.yaml {COMPARE} --out FOLDER", ("layers.parquet", "result.json", "links.parquet")),
    "compare": (f"compare {COMPARE} --strategies ep --out FOLDER", ("statistics.parquet", "manifest.json")),
    "validate": ("validate analytic --group littles_law --out FOLDER", ("analytic.json", "analytic.md")),
    "sweep": ("sweep sweep.yaml --out FOLDER", ("points.parquet", "sweep.json")),
    "leaderboard": ("leaderboard sweep.yaml --out FOLDER", ("leaderboard.json",)),
    "study chaos": (f"{STUDY} --no-host --out FOLDER", ("chaos.json",)),
    "trace analyse": ("trace analyse t.jsonl --out FOLDER", ("analysis.json", "popularity.png")),
    "schema": ("schema --out FOLDER", ("topology.json", "run.json")),
    "new": ("new component thing --folder FOLDER", ("thing.py",)),
}
KEPT = ("export",)  # what it wrote once bears no mark: it is replaced with --force alone
WRITES = {"--json", "--out", "--csv", "--links", "--picture", "--folder"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, small_model):
    """A folder of input files and of one run's results."""
    folder = tmp_path_factory.mktemp("inputs")
    texts = {"t.jsonl": ROWS, "sweep.yaml": SWEEP, "serve.yaml": SERVE}
    texts |= {"p.csv": "src,dst,size,ctime\n0,5,2,0\n", "run.yaml": "schema: chipweave.run/1\n"}
    for name, text in texts.items():
        (folder / name).write_text(text)
    small_model(folder / "mini.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert call(f"compare {COMPARE} --strategies base --out r") == 0
    return folder


@pytest.fixture
def here(inputs, tmp_path, monkeypatch):
    shutil.copytree(inputs, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def call(line):
    with pytest.raises(SystemExit) as end:
        main(line.split())
    return end.value.code or 0


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_a_file_of_somebody_else_stays_and_one_of_ours_is_replaced(name, here, capsys):
    line, file = WRITERS[name]
    line = line.replace("FILE", file)
    (here / file).write_bytes(b"mine\n")
    assert call(line) == 2
    assert (here / file).read_bytes() == b"mine\n"
    assert f"{file} is there" in capsys.readouterr().err
    if name == "characterise":  # takes minutes where there is something to measure
        return
    (here / file).unlink()
    assert call(line) == 0
    assert (here / file).read_bytes()
    assert call(line) == (2 if name in KEPT else 0)
    assert not list(here.glob(".*"))


@pytest.mark.slow
def test_a_picture_that_only_speaks_of_us_stays(here, capsys):
    (here / "o.svg").write_text("<svg><title>chipweave 0.1.0, as we see it</title></svg>")
    assert call("draw mesh_4x4 -o o.svg") == 2
    assert "o.svg is there and is no picture of chipweave" in capsys.readouterr().err
    for file in ("p.svg", "p.png", "p.pdf"):
        assert [call(f"draw mesh_4x4 -o {file}") for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("name", ["trace import", "trace generate", "trace loads"])
def test_force_replaces_what_is_there(name, here):
    line, file = WRITERS[name]
    (here / file).write_bytes(b"mine\n")
    assert call(line.replace("FILE", file) + " --force") == 0
    assert (here / file).read_bytes() != b"mine\n"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_holds_something_else_stays(name, here, capsys):
    line, files = FOLDERS[name]
    for file in files:
        folder = here / f"of_{file}"
        folder.mkdir()
        (folder / file).write_bytes(b"mine\n")
        assert call(line.replace("FOLDER", folder.name)) == 2
        assert [p.name for p in folder.iterdir()] == [file]
        assert (folder / file).read_bytes() == b"mine\n"
        assert folder.name in capsys.readouterr().err


def test_a_document_of_a_folder_of_results_stays(here, capsys):
    before = (here / "r" / "result.json").read_bytes()
    assert call("why r --json r/result.json") == 2
    assert "r/result.json is part of the results in r" in capsys.readouterr().err
    assert (here / "r" / "result.json").read_bytes() == before


def test_an_empty_file_is_written_to_and_keeps_its_mode_and_link(here):
    (here / "o.json").touch(mode=0o600)
    (here / "link.json").symlink_to("o.json")
    assert call("check micro_2x2 --json link.json") == 0
    assert (here / "link.json").is_symlink()
    assert json.loads((here / "o.json").read_text())["schema"] == "chipweave.check/1"
    assert (here / "o.json").stat().st_mode & 0o777 == 0o600


def test_every_command_that_writes_is_tried():
    """An option of a new command that names a file to write stands in neither list: this fails."""
    from chipweave.__main__ import root

    context, found = click.Context(root), set()
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        below = command.commands if isinstance(command, click.Group) else {"": command}
        for more, each in below.items():
            options = {text for p in each.params if isinstance(p, click.Option) and not p.is_flag for text in p.opts}
            if options & WRITES:
                found.add(f"{name} {more}".strip())
    tried = {name.partition(" --")[0] for name in [*WRITERS, *FOLDERS]}
    assert found == tried
    assert trace_command.command.commands  # groups are walked too


@pytest.mark.parametrize("file", ["/etc/x.svg", "../x.svg", "sub/x.svg", "x.yaml", "7", "[a]"])
def test_a_picture_of_a_sweep_lies_in_its_folder(here, capsys, file):
    (here / "plots.yaml").write_text(SWEEP + f"plot: [{{x: strategy, y: hops, file: {file}}}]\n")
    assert call("sweep plots.yaml --list") == 2
    assert "plots.yaml:4:" in capsys.readouterr().err
