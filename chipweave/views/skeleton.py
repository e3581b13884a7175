"""Skeletons for `chipweave new`: a working part and a test of it that passes, to be changed from there.

In a checkout of chipweave (a folder with components/, policies/, topologies/ and validation/) a part goes where its
like are and its test under tests/; anywhere else both go into the current folder, and YAML names the part as a file
(./my_hbm.py:MyHbm, with --allow-code).
"""

import keyword
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import replacing

ROLES = ("placement", "prediction", "replacement")


@dataclass(frozen=True)
class Sort:
    """One sort of thing that has a skeleton; $name stands for its name.

    ours: (file, test) in a checkout; elsewhere: the same outside, None where it makes no sense there.
    imported: how a test in a checkout gets at it; base: (module, class) that its own class derives from, "" for no
    class."""

    ours: tuple[str, str]
    elsewhere: tuple[str, str] | None
    imported: str
    base: tuple[str, str] = ("", "")


HERE = ("$name.py", "test_$name.py")
SORTS = {
    "component": Sort(
        ("components/$name.py", "tests/components/test_$name.py"),
        HERE,
        "from chipweave.components.$name import $Class",
        ("chipweave.component", "Component"),
    ),
    "policy": Sort(
        ("policies/allocation_$name.py", "tests/policies/test_allocation_$name.py"),
        HERE,
        "from chipweave.policies.allocation_$name import $Class",
        ("chipweave.policy", "Policy"),
    ),
    **{
        role: Sort(
            (f"policies/{role}_$name.py", f"tests/policies/test_{role}_$name.py"),
            HERE,
            f"from chipweave.policies.{role}_$name import $Class",
            ("chipweave.policy", "Policy"),
        )
        for role in ROLES
    },
    "link_model": Sort(
        ("chipweave/fabric/link_models/$name.py", "tests/stages/test_$name.py"),
        HERE,
        "from chipweave.fabric.link_models.$name import $Class",
        ("chipweave.fabric.link_models", "LinkModel"),
    ),
    "topology": Sort(("topologies/$name.yaml", "tests/topologies/test_$name.py"), ("$name.yaml", "test_$name.py"), ""),
    "case": Sort(
        ("validation/cases/$name.py", "tests/validation/test_$name.py"),
        None,
        "from chipweave.validation.cases.$name import predict",
    ),
    "suite": Sort(
        ("validation/suites/$name.py", "tests/validation/test_suite_$name.py"),
        None,
        "from chipweave.validation.suites import $name",
    ),
}
OURS = ("components", "policies", "topologies", "validation")


def write(what: str, name: str, folder: str | Path = ".") -> list[Path]:
    """Write the skeleton of one of SORTS; returns the paths written, the part's and its test's.

    Raises:
        BadInput: the name is no name, or a file is there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        allowed = "lower-case letters, digits and _, a letter first; no word of Python"
        raise BadInput(Fault(f"{name!r} is not a file's name", allowed=allowed))
    folder = Path(folder)
    ours = all((folder / f / "__init__.py").is_file() for f in OURS)
    sort = SORTS[what]
    places = sort.ours if ours else sort.elsewhere
    if places is None:
        raise BadInput(
            Fault(
                f"a {what} is part of chipweave's own validation",
                allowed="a checkout of chipweave as the current folder",
            )
        )
    words = {"name": name, "Class": "".join(w.capitalize() for w in name.split("_"))}
    paths = [folder / Template(p).substitute(words) for p in places]
    there = [p for p in paths if p.exists()]
    if there:
        raise BadInput([Fault(f"{p} is there already") for p in there])
    words["load"] = _load(what, sort, ours, words)
    words["test"] = Template(places[1]).substitute(words)
    words["path"] = "" if ours else "from pathlib import Path\n"  # code of one's own is loaded by its path
    words["path_alone"] = words["path"] and words["path"] + "\n"
    words["kind"] = f'"memory.{name}"' if ours else f'f"{{Path(__file__).parent}}/{name}.py:{words["Class"]}"'
    for path, template in zip(paths, (what, f"{what}_test"), strict=False):
        with replacing(path) as file:
            file.write(Template(_text(template)).substitute(words))
    return paths


def _text(template: str) -> str:
    return (resources.files("chipweave") / "data" / "skeletons" / f"{template}.txt").read_text(encoding="utf-8")


def _load(what: str, sort: Sort, ours: bool, words: dict[str, str]) -> str:
    """The line by which a test gets at its part."""
    if what == "topology":
        return f'"{words["name"]}"' if ours else f'Path(__file__).with_name("{words["name"]}.yaml")'
    if ours:
        return Template(sort.imported).substitute(words)
    module, base = sort.base
    return (
        f"from chipweave.declare.user_code import Gate\nfrom {module} import {base}\n\n"
        f'{words["Class"]} = Gate(allowed=True).load("./{words["name"]}.py:{words["Class"]}", '
        f"Path(__file__).parent, {base})"
    )
