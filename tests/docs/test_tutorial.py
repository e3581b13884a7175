"""Does every command of the tutorial run, and is every number in it what the program says today?"""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from chipweave.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "tutorial" / "swap_hbm.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (chipweave .*)$", PAGE, re.M)


def run(line):
    with pytest.raises(SystemExit) as end:
        main(shlex.split(line)[1:])
    assert end.value.code == 0, line


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which all commands have been run, in their order."""
    where = tmp_path_factory.mktemp("tutorial")
    shutil.copytree(ROOT / "examples" / "my_hbm", where / "examples" / "my_hbm")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        for line in COMMANDS:
            run(f"{line} --json {where / 'runs' / name_of(line)}" if line.split()[1] in ("why", "diff") else line)
    return where


def name_of(line):
    """A file for the JSON of a command: why_base.json, diff_ep.json."""
    words = line.split()
    return f"{words[1]}_{words[-1]}.json"


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def ms(ns):
    return f"{ns / 1e6:.3f} ms"


@pytest.mark.slow
def test_the_commands_run_and_the_numbers_are_those_of_the_page(folder, monkeypatch, capsys):
    runs = folder / "runs"
    base, ep = read(runs / "first" / "result.json")["rows"]
    why, of_ep, diff, of_base = (read(runs / f"{n}.json") for n in ("why_base", "why_ep", "diff_ep", "diff_base"))
    spent = {}
    for link in why["chain"]:
        key = (link["place"], link["expert"])
        spent[key] = spent.get(key, 0) + link["end_ns"] - link["start_ns"]
    place, expert = max(((k, v) for k, v in spent.items() if k[1] is not None), key=lambda item: item[1])[0]
    expected = [
        ms(base["decode_time_ns"]),
        ms(ep["decode_time_ns"]),
        f"{ep['speedup']:.2f} x",
        f"{why['breakdown']['links: waiting'] / why['time_ns']:.1%}",
        place,
        f"expert {expert}",
        ms(why["bounds"]["links"]),
        ms(why["bounds"]["hbm"]),
        f"{of_ep['breakdown']['hbm'] / of_ep['time_ns']:.1%}",
        ms(diff["time_ns"][1]),
        f"{diff['attributed']['hbm'] / 1e3:.1f} us",
        f"{(of_base['time_ns'][1] - of_base['time_ns'][0]) / 1e3:.1f} us",
    ]
    assert re.findall(r"\*\*(.*?)\*\*", PAGE) == expected
    assert next(iter(diff["attributed"])) == "hbm"
    assert (runs / "first" / "report.html").is_file()
    monkeypatch.chdir(folder)
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(block, {})
    assert (runs / "links.png").is_file()


def test_make_has_what_the_tutorial_asks_of_it():
    assert "\nsetup: " in (ROOT / "Makefile").read_text() and "    make setup\n" in PAGE and len(COMMANDS) == 7
