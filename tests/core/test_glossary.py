"""Does the tree speak its glossary: each word once, and no retired word in a new name?"""

import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
NAME = re.compile(r"[A-Za-z_]\w*")
PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
MEANS_SOMETHING_ELSE = {"gate", "cell", "take", "sign", "way", "freeze"}  # of MoE, of memories, of caches, of Python

# Names with a retired word that still stand. The list may only shrink.
STANDING = {"seats"}


def retired():
    """The words of the page's last table, one by one."""
    table = PAGE.split("## Retired words")[1]
    first = re.findall(r"^\| ([^|]+) \|", table, re.M)[1:]
    words = {w for cell in first for w in re.sub(r"\(.*?\)", "", cell).replace(",", " ").split()}
    return {w for w in words if w.isalpha()} - MEANS_SOMETHING_ELSE


def parts(name):
    """The words a name is made of, small, plural s taken off."""
    return {p.lower().removesuffix("s") for p in PART.findall(name)}


def python_names(path):
    """Every identifier of a Python file."""
    text = path.read_text(encoding="utf-8")
    return {t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.NAME}


def c_names(path):
    """Every identifier of a C file, comments and texts left out."""
    text = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', " ", path.read_text(encoding="utf-8"), flags=re.S)
    return set(NAME.findall(text))


def found():
    """Identifiers and file names with a retired word."""
    names = set()
    for top in ("chipweave", "components", "policies", "topologies", "validation", "csrc"):
        for path in (ROOT / top).rglob("*"):
            if path.suffix == ".py":
                names |= python_names(path) | {path.stem}
            elif path.suffix in (".c", ".h") and top == "csrc":
                names |= c_names(path) | {path.stem}
    return {name for name in names if parts(name) & retired()}


def test_no_new_name_has_a_retired_word():
    assert sorted(found() - STANDING) == []


def test_a_retired_word_in_a_name_is_seen():
    assert {"seat", "inlet", "bid"} <= retired()
    assert parts("InletSeats") & retired() == {"inlet", "seat"} and not parts("seating") & retired()
    assert parts("noc_seat_of") & retired() == {"seat"}


def test_no_word_is_explained_twice():
    tables = PAGE.split("## Retired words")[0]
    words = [w for row in re.findall(r"^\| (\*\*[^|]+) \|", tables, re.M) for w in re.findall(r"\*\*([^*]+)\*\*", row)]
    words = [w.strip() for row in words for w in row.split(",")]
    assert len(words) > 25 and len(words) == len(set(words))


def test_kernel_network_workload_and_run_are_one_class_each():
    named = []
    for top in ("chipweave", "components", "policies", "topologies", "validation"):
        for path in (ROOT / top).rglob("*.py"):
            named += re.findall(r"^class (Kernel|Network|Workload|Run)\b", path.read_text(encoding="utf-8"), re.M)
    assert sorted(named) == ["Kernel", "Network", "Run", "Workload"]
