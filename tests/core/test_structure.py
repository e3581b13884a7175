"""Does the tree keep its shape: few rooms, imports that only point down, short files, lines that fit, words that
explain?"""

import importlib.util
import io
import statistics
import tokenize
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[2]
WINGS = ("components", "policies", "topologies", "validation")
MOST_ROOMS, MEDIAN, LONGEST, COLUMNS = 20, 150, 400, 120
LEAST_WORDS = 0.20  # of all lines


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


architecture = load(ROOT / "docs" / "architecture.py")
FILES = [p for top in ("chipweave", *WINGS) for p in sorted((ROOT / top).rglob("*.py"))]


@pytest.fixture(scope="module")
def graph():
    return architecture.module_graph()


def circles(graph):
    return [sorted(c) for c in nx.strongly_connected_components(graph) if len(c) > 1]


def test_no_module_imports_itself_by_way_of_others(graph):
    assert circles(graph) == []


def test_no_room_imports_a_room_above_it():
    rooms = architecture.room_graph()
    assert circles(rooms) == []
    floors = architecture.floors(rooms)
    height = {name: floor for floor, row in enumerate(floors) for name in row}
    assert all(height[a] > height[b] for a, b in rooms.edges) and len(floors) > 3


def test_a_circle_would_be_seen():
    graph = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")])
    assert circles(graph) == [["a", "b", "c"]]


def test_relative_imports_and_those_inside_functions_are_seen(graph):
    known = architecture.modules()
    assert "chipweave.component.component" in set(graph.successors("chipweave.component"))
    assert graph.has_edge("chipweave.components.hbm_plain", "chipweave.components.hbm")
    inside = "chipweave.cli.compare"  # imports what it runs when it is run
    assert any(name.startswith("chipweave.run") for name in architecture.imports(inside, known[inside], known))


def test_the_core_has_few_rooms():
    rooms = {p.name for p in (ROOT / "chipweave").iterdir() if p.is_dir() or p.suffix == ".py"}
    rooms -= {"__init__.py", "__main__.py", "__pycache__", "data"}
    assert len(rooms) <= MOST_ROOMS, sorted(rooms)


def test_files_are_short():
    lines = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in FILES}
    assert {name: n for name, n in lines.items() if n > LONGEST} == {}
    assert statistics.median(lines.values()) < MEDIAN


def words_and_code(text):
    """(lines of comments and docstrings, lines of code), blank ones left out."""
    words, code, start = set(), set(), True
    skipped = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        rows = set(range(token.start[0], token.end[0] + 1))
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and start):
            words |= rows
        elif token.type not in skipped:
            code |= rows
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            start = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
    return len(words - code), len(code)


def test_enough_of_the_lines_are_words():
    assert words_and_code('"""Head."""\n\nx = 1  # why\n# because\ndef f():\n    """What."""\n') == (3, 2)
    counted = [words_and_code(p.read_text(encoding="utf-8")) for p in FILES]
    words, code = (sum(column) for column in zip(*counted, strict=True))
    assert LEAST_WORDS <= words / (words + code) <= 0.35


def test_no_line_is_too_wide():
    wide = [
        f"{p.relative_to(ROOT)}:{n}"
        for top in ("chipweave", *WINGS, "tests", "examples", "benchmarks", "docs")
        for p in sorted((ROOT / top).rglob("*.py"))
        for n, line in enumerate(p.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > COLUMNS
    ]
    assert wide == []


def test_the_picture_of_the_architecture_is_that_of_the_tree():
    cure = "the imports have changed: python docs/architecture.py"
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.svg(), cure
