"""Does the tree keep its rules: who imports whom, what is packaged, what the kernel may not name?"""

import ast
import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("components", "policies", "topologies", "validation")


def package_of(path):
    """Dotted name of the package a module of the tree lies in; the four folders are packages of chipweave."""
    parts = list(path.relative_to(ROOT).parent.parts)
    return parts if parts[0] == "chipweave" else ["chipweave", *parts]


def imports(path, text=None):
    """Dotted names a module imports, relative ones written in full."""
    for node in ast.walk(ast.parse(text or path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = package_of(path)
            start = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def crossings(folder, text):
    """Imports of `text`, a module of `folder`, that lead into another top-level folder."""
    others = [f for f in FOLDERS if f != folder]
    return [name for name in text if any(re.match(rf"(chipweave\.)?{other}(\.|$)", name) for other in others)]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_top_level_folder_imports_only_the_core_and_itself(folder):
    for path in (ROOT / folder).rglob("*.py"):
        assert not crossings(folder, imports(path)), path


def test_the_import_rule_s_test_sees_a_crossing():
    assert crossings("policies", ["chipweave.components.llc"]) and crossings("validation", ["components"])
    assert not crossings("policies", ["chipweave.policies.x", "chipweave.component", "chipweave.policy"])
    case = ROOT / "validation" / "cases" / "stream.py"
    relative = list(imports(case, "from ..bench import die\nfrom ...components.llc import Llc"))
    assert relative[:2] == ["chipweave.validation.bench", "chipweave.validation.bench.die"]
    assert crossings("validation", relative) == ["chipweave.components.llc", "chipweave.components.llc.Llc"]


def test_the_core_knows_no_top_level_folder_s_module_by_name():
    for path in (ROOT / "chipweave").rglob("*.py"):
        for name in imports(path):
            assert not re.match(r"chipweave\.(components|policies)\.", name), (path, name)


def test_packages_are_the_folders_that_hold_an_init():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    named = set(config["options"]["packages"].split())
    there = set()
    for top in ("chipweave", *FOLDERS):
        for init in (ROOT / top).rglob("__init__.py"):
            dotted = init.parent.relative_to(ROOT).as_posix().replace("/", ".")
            there.add(dotted if top == "chipweave" else f"chipweave.{dotted}")
    assert named == there


CASE_STUDY = re.compile(r"(?<![a-z])(experts?|llc|hbm|atu|pdu|strategy|strategies|moe)(?![a-z])", re.I)


def kernel_files():
    return [
        p
        for p in (ROOT / "csrc").rglob("*")
        if p.suffix in (".c", ".h") and not {"behaviours", "policies"} & set(p.parts)
    ]


def test_the_kernel_names_nothing_of_the_case_study():
    assert kernel_files()
    for path in kernel_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not CASE_STUDY.search(line), f"{path.name}:{number}: {line}"


def test_the_kernel_s_test_sees_a_forbidden_word():
    assert (
        CASE_STUDY.search("int expert_count;")
        and CASE_STUDY.search("/* HBM */")
        and not CASE_STUDY.search("shallcache atumn")
    )


MARKS = re.compile(r"(^|[^\w.])/(work|home/\w+)/|ghp_[A-Za-z0-9]{8}")


def test_no_file_names_a_path_of_somebody_s_machine():
    for top in ("chipweave", *FOLDERS, "csrc", "docs", "examples", "tests", "benchmarks"):
        for path in (ROOT / top).rglob("*"):
            if (
                path.suffix in (".py", ".c", ".h", ".md", ".yaml")
                and path != Path(__file__).resolve()
                and "_kernel" not in path.name
                and "_c_" not in path.name
            ):
                assert not MARKS.search(path.read_text(encoding="utf-8", errors="replace")), path
