"""Do results go to standard output, progress and notes to standard error, whatever the two are?"""

import json
import os
import pty
import subprocess
import sys

import pytest

from chipweave.io import console, progress
from chipweave.io.console import Sheet

SMALL = ["--model", "deepseek-v2-lite", "--trace", "esft-law", "--batch", "4", "--steps", "2", "--strategies", "base"]


def chipweave(*arguments, **options):
    """A finished process of the program."""
    command = [sys.executable, "-m", "chipweave", *map(str, arguments)]
    return subprocess.run(command, **{"text": True, "capture_output": True, "timeout": 120} | options)


def on_a_terminal(columns, *arguments, **env):
    """What a terminal of so many columns shows of standard output."""
    here, there = pty.openpty()
    with os.fdopen(here, "rb", buffering=0) as terminal:
        environment = os.environ | {"COLUMNS": str(columns), "TERM": "xterm-256color"} | env
        command = [sys.executable, "-m", "chipweave", *map(str, arguments)]
        process = subprocess.Popen(command, stdout=there, stderr=subprocess.DEVNULL, env=environment)
        os.close(there)
        shown = b""
        while True:
            try:
                piece = terminal.read(4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        assert process.wait(60) == 0
    return shown.decode()


@pytest.mark.slow
def test_the_table_is_on_standard_output_and_notes_are_not(tmp_path):
    done = chipweave("compare", *SMALL, "--out", tmp_path / "out")
    assert done.returncode == 0 and "tokens/s" in done.stdout and "Busiest links" in done.stdout
    assert "written to" in done.stderr and "tokens/s" not in done.stderr
    done = chipweave("compare", *SMALL, "--json", "-")
    assert json.loads(done.stdout)["rows"] and "tokens/s" in done.stderr


@pytest.mark.slow
def test_every_command_that_shows_something_shows_it_on_standard_output(tmp_path):
    (tmp_path / "p.csv").write_text("src,dst,size,ctime\n0,1,1,0\n")
    for arguments, words in (
        (["check", "mesh_4x4"], "mesh_4x4: a topology, no faults"),
        (["traffic", "mesh_4x4", "--load", "0.1", "--cycles", "100"], "busiest links"),
        (["info", "mesh_4x4"], "16 routers in a 4 x 4 mesh"),
        (["trace", "show", "esft-law"], "deepseek-v2-lite"),
        (["trace", "stats", "esft-law"], "token overlap"),
        (["trace", "names"], "esft-law"),
        (["replay", "mesh_4x4", tmp_path / "p.csv"], "src,dst,size,ctime,itime,atime,hops"),
    ):
        done = chipweave(*arguments, stderr=subprocess.DEVNULL, capture_output=False, stdout=subprocess.PIPE)
        assert done.returncode == 0 and words in done.stdout, arguments


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_reader_that_leaves_ends_nothing(tmp_path, stream):
    """The other end of the pipe is closed before a word is written: the exit code is the command's own."""
    here, there = os.pipe()
    os.close(here)
    streams = {"stdout" if stream == "1" else "stderr": there, "stderr" if stream == "1" else "stdout": subprocess.PIPE}
    done = chipweave("compare", *SMALL, "--out", tmp_path / "out", capture_output=False, **streams)
    os.close(there)
    assert done.returncode == 0 and "Traceback" not in (done.stderr or "") + (done.stdout or "")
    assert (tmp_path / "out" / "result.json").is_file()
    done = chipweave("check", "no_such", capture_output=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 2


@pytest.mark.slow
def test_streams_that_are_closed_from_the_start_take_everything():
    for closing in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(f"{sys.executable} -m chipweave info mesh_4x4 {closing}", shell=True, timeout=60)
        assert done.returncode == 0, closing


@pytest.mark.slow
def test_a_narrow_terminal_loses_no_figure():
    arguments = ["traffic", "mesh_4x4", "--load", "0.1", "--cycles", "100"]
    wide, narrow = on_a_terminal(120, *arguments, NO_COLOR="1"), on_a_terminal(30, *arguments, NO_COLOR="1")
    assert "┃ in network ┃" in wide
    words = {line.strip()[: len("in network")].strip() for line in narrow.splitlines()}
    assert {"load", "accepted", "latency", "p99", "in network", "hops", "packets", "saturated"} <= words
    assert "…" not in narrow and "┃" not in narrow


@pytest.mark.slow
def test_no_color_is_kept_to():
    arguments = ["traffic", "mesh_4x4", "--load", "0.1", "--cycles", "100"]
    assert "\x1b[" in on_a_terminal(120, *arguments)
    assert "\x1b[" not in on_a_terminal(120, *arguments, NO_COLOR="1")
    assert "\x1b[" not in chipweave(*arguments, env=os.environ | {"TERM": "xterm-256color"}).stdout


def test_a_language_without_the_letters_gets_escapes_and_no_fault():
    plain = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = chipweave("check", "µ-wafer.yaml", env=plain)
    assert done.returncode == 2 and "\\udcc2\\udcb5-wafer.yaml" in done.stderr


def test_names_of_strangers_do_not_command_the_terminal(capsys):
    sheet = Sheet("a [bold]title[/bold]", ("name", "figure"), caption="all \x1b[31mrows", right_from=1)
    sheet.add("evil\x1b[2Jname", "1")
    sheet.add("surrogate \udcff and [/nothing]", "2")
    sheet.add("right\u202eleft", "3")
    console.show(sheet)
    shown = capsys.readouterr().out
    assert "evil\\x1b[2Jname" in shown and "surrogate \\udcff and [/nothing]" in shown and "right\\u202eleft" in shown
    assert "\x1b" not in shown and "[bold]title[/bold]" in shown


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self):
        return self.now


def test_without_a_terminal_progress_is_a_line_every_ten_seconds(capsys):
    clock = Clock()
    lines = progress.Lines("runs", 1000, clock)
    for second in range(1, 101):
        clock.now = float(second)
        lines.reached(second * 10, "10 runs/s")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 10 and said[0] == "runs: 100 of 1,000 (10%), 10 runs/s, about 90 s left"


def test_and_at_most_one_every_per_cent(capsys):
    clock = Clock()
    lines = progress.Lines("runs", 1000, clock)
    for second in range(1, 1001):
        clock.now = float(second)
        lines.reached(second // 10, "")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 10 and said[0] == "runs: 10 of 1,000 (1%), about 2.8 h left"


def test_short_work_says_nothing(capsys):
    with progress.progress() as reached:
        for i in range(100):
            reached("reading", i, 100)
    with progress.busy("thinking"):
        pass
    assert capsys.readouterr().err == ""


def test_work_of_unknown_length_says_that_it_goes_on(capsys, monkeypatch):
    monkeypatch.setattr(progress, "EVERY_S", 0.02)
    with progress.busy("thinking"):
        import time

        time.sleep(0.2)
    assert "thinking: 0 s so far" in capsys.readouterr().err


def test_a_second_piece_of_work_of_the_same_name_is_counted_anew(capsys, monkeypatch):
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    with progress.progress() as reached:
        for total in (4, 16):
            for done in range(1, total + 1):
                reached("generating", done, total)
    said = [line.split(",")[0] for line in capsys.readouterr().err.splitlines()]
    assert said == [
        f"generating: {done} of {total} ({done / total:.0%})" for total in (4, 16) for done in range(1, total + 1)
    ]
