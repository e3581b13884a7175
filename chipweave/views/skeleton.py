"""Skeletons for `chipweave new`: a working part and a test of it that passes, to be changed from there.

In a checkout of chipweave (a folder with components/, policies/, topologies/ and validation/) a part goes where its
like are and its test under tests/; anywhere else both go into the current folder, and YAML names the part as a file
(./my_hbm.py:MyHbm, with --allow-code).
"""

import re
from importlib import resources
from pathlib import Path
from string import Template

from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import replacing

PLACES = {  # what -> (file and test in a checkout, file and test elsewhere)
    "component": (("components/$name.py", "tests/components/test_$name.py"), ("$name.py", "test_$name.py")),
    "policy": (
        ("policies/allocation_$name.py", "tests/policies/test_allocation_$name.py"),
        ("$name.py", "test_$name.py"),
    ),
    "topology": (("topologies/$name.yaml", "tests/topologies/test_$name.py"), ("$name.yaml", "test_$name.py")),
    "case": (("validation/cases/$name.py", "tests/validation/test_$name.py"), None),
}
OURS = ("components", "policies", "topologies", "validation", "csrc")


def write(what, name, folder="."):
    """Write the skeleton of a component, policy, topology or case; returns the paths written.

    Raises:
        BadInput: the name is no name, or a file is there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadInput(
            Fault(f"{name!r} is not a file's name", allowed="lower-case letters, digits and _, a letter first")
        )
    folder = Path(folder)
    ours = all((folder / f / "__init__.py").is_file() for f in OURS[:4])
    places = PLACES[what][0 if ours else 1]
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
    words["load"] = _load(what, ours, words)
    words["path"] = "" if ours else "from pathlib import Path\n"  # code of one's own is loaded by its path
    words["path_alone"] = words["path"] and words["path"] + "\n"
    words["kind"] = f'"memory.{name}"' if ours else f'f"{{Path(__file__).parent}}/{name}.py:{words["Class"]}"'
    for path, template in zip(paths, (what, f"{what}_test")):
        with replacing(path) as file:
            file.write(Template(_text(template)).substitute(words))
    return paths


def _text(template):
    return resources.files("chipweave").joinpath("data", "skeletons", f"{template}.txt").read_text(encoding="utf-8")


def _load(what, ours, words):
    """The line by which a test gets at its part."""
    if what == "topology":
        return f'"{words["name"]}"' if ours else f'Path(__file__).with_name("{words["name"]}.yaml")'
    if ours:
        module = {
            "component": f"chipweave.components.{words['name']}",
            "policy": f"chipweave.policies.allocation_{words['name']}",
            "case": f"chipweave.validation.cases.{words['name']}",
        }[what]
        return f"from {module} import " + ("predict" if what == "case" else words["Class"])
    base = "chipweave.component import Component" if what == "component" else "chipweave.policy import Policy"
    return (
        f"from chipweave.declare.user_code import Gate\nfrom {base}\n\n"
        f'{words["Class"]} = Gate(allowed=True).load("./{words["name"]}.py:{words["Class"]}", Path(__file__).parent, {base.rpartition(" ")[2]})'
    )
