"""Is the C code in its house's order: layers, size, words, layout, warnings? (docs: csrc in docs/ and .clang-format)"""

import os
import re
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
FILES = sorted(p for p in CSRC.rglob("*") if p.suffix in (".c", ".h"))
SOURCES = [p for p in FILES if p.suffix == ".c"]
STRICT = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wmissing-prototypes", "-Werror"]

# Folders of csrc/ from the ground up: each includes and calls itself and what stands before it.
LAYERS = ("behaviour.h", "policies", "stages", "flit", "endpoints", "behaviours")
LINES_OF_A_FILE, COLUMNS, ROOMS = 400, 120, 8
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def name(path):
    return path.relative_to(CSRC).as_posix()


def included(path):
    """The project's headers that a file includes, by their path under csrc/."""
    return re.findall(r'^#include "([^"]+)"', path.read_text(), re.M)


def circles(arrows):
    """Groups of nodes that reach each other, of {node: nodes}."""
    graph = nx.DiGraph((a, b) for a, to in arrows.items() for b in to if a != b)
    return [sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1]


def words(paths):
    """Share of the lines that are not blank which hold a comment."""
    lines = comments = 0
    for path in paths:
        text = path.read_text()
        marked = set()
        for found in COMMENT.finditer(text):
            first = text.count("\n", 0, found.start())
            marked |= set(range(first, first + found[0].count("\n") + 1))
        numbered = [i for i, line in enumerate(text.split("\n")) if line.strip()]
        lines += len(numbered)
        comments += len(marked & set(numbered))
    return comments / lines


def test_every_include_is_written_by_its_path_under_csrc():
    for path in FILES:
        for header in included(path):
            assert (CSRC / header).is_file(), f"{name(path)}: {header}"


def test_includes_have_no_circle_and_point_down():
    arrows = {name(p): included(p) for p in FILES}
    assert not circles(arrows)
    for path, headers in arrows.items():
        for header in headers:
            here, there = (LAYERS.index(x.split("/")[0]) for x in (path, header))
            assert there <= here, f"{path} includes {header}"


def test_the_test_of_circles_sees_one():
    assert circles({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a", "d"]}) == [["a", "b", "c"]]


def compiler():
    return shutil.which("gcc") or pytest.skip("needs gcc")


@pytest.mark.slow
def test_calls_between_files_have_no_circle_and_point_down(tmp_path):
    """By the symbols of object files: what each defines, and what it needs of others."""
    defined, needed = {}, defaultdict(set)
    for i, path in enumerate(SOURCES):
        made = tmp_path / f"{i}.o"
        subprocess.run([compiler(), "-c", "-O0", "-std=c11", f"-I{CSRC}", path, "-o", made], check=True)
        for line in subprocess.run(["nm", "-g", made], capture_output=True, text=True, check=True).stdout.splitlines():
            *_, kind, symbol = line.split()
            if kind == "U":
                needed[name(path)].add(symbol)
            else:
                defined.setdefault(symbol, name(path))
    arrows = {path: {defined[s] for s in symbols if s in defined} for path, symbols in needed.items()}
    assert sum(map(len, arrows.values())) > 50 and not circles(arrows)
    for path, others in arrows.items():
        for other in others:
            here, there = (LAYERS.index(x.split("/")[0]) for x in (path, other))
            assert there <= here, f"{path} calls {other}"


@pytest.mark.slow
@pytest.mark.parametrize("folder", [p for p in LAYERS if "." not in p])
def test_gcc_has_nothing_to_warn_of(folder):
    for path in (CSRC / folder).rglob("*.c"):
        made = subprocess.run(
            [compiler(), *STRICT, f"-I{CSRC}", "-c", path, "-o", os.devnull], capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr


@pytest.mark.slow
def test_the_layout_is_that_of_clang_format():
    tool = Path(sys.executable).with_name("clang-format")
    if not tool.exists():
        pytest.skip("needs the extra 'lint'")
    of_tests = sorted((ROOT / "tests").rglob("*.[ch]"))
    done = subprocess.run([tool, "--dry-run", "-Werror", *FILES, *of_tests], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:2000]


def test_there_are_few_rooms_and_no_file_is_long():
    assert len([p for p in CSRC.iterdir() if p.name != "__pycache__"]) <= ROOMS
    sizes = {name(p): len(p.read_text().splitlines()) for p in FILES}
    assert not {n: size for n, size in sizes.items() if size > LINES_OF_A_FILE}
    assert statistics.median(sizes.values()) < 150
    for path in FILES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert len(line) <= COLUMNS, f"{name(path)}:{number}"


def test_comments_are_at_least_15_percent_of_the_lines():
    assert words(FILES) >= 0.15
