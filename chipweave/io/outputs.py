"""Files that a command is named to write: looked at before the work, and never written in the place of something else.

A file of an earlier call is replaced: a JSON document of chipweave, a picture that it drew, a list of `replay`, a table
of `characterise`, loads, a trace. What is anything else (an input named by a slip, a file of somebody else's), and
what belongs to a folder of results, stays as it is, and the command is refused before it begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chipweave import __version__
from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import check_file, replacing

PICTURES = (".svg", ".png", ".pdf")
MARK = f"chipweave {__version__}"
MARKED = re.compile(rb"(?:<dc:title>|Software\0|/Creator \()chipweave \d")  # SVG, PNG, PDF: who made it, of any version
DOCUMENT = re.compile(rb'[\s\[]*\{\s*"schema":\s*"chipweave\.')
FOLDERS = ("manifest.json", "sweep.json")
MOST_BYTES = 64 << 20


def check_output(path: Path | str | None, what: str, ours: Callable[[Path], bool], force: bool | None = None) -> None:
    """Raise BadInput unless `path` can be written and holds nothing, or what an earlier call wrote there.

    Args:
        path: None or "-" is no file. A device or a pipe takes everything.
        what: what this command writes, in words: "JSON document of chipweave".
        ours: whether the file at a path is one.
        force: replace whatever is there; None: the command has no --force.
    """
    check_file(path)
    if path is None or str(path) == "-":
        return
    there = Path(path)
    if force or not there.is_file() or not there.stat().st_size:
        return
    if any((there.parent / name).exists() for name in FOLDERS) and there.suffix == ".json":
        raise BadInput(Fault(f"{path} is part of the results in {there.parent}", allowed="another name"))
    if not ours(there):
        allowed = "another name" + ("" if force is None else ", or --force to replace what is there")
        raise BadInput(Fault(f"{path} is there and is no {what}", allowed=allowed))


def check_document(path: Path | str | None) -> None:
    """`check_output` of a JSON document of ours."""
    check_output(path, "JSON document of chipweave", lambda there: bool(DOCUMENT.match(_begin(there))))


def check_schema(path: Path | str) -> None:
    """`check_output` of a JSON Schema of one of our files."""
    begins = re.compile(rb'\s*\{\s*"\$schema":[^,]*,\s*"title":\s*"chipweave\.')
    check_output(path, "JSON Schema of chipweave", lambda there: bool(begins.match(_begin(there))))


def check_text(path: Path | str | None, first: str, what: str) -> None:
    """`check_output` of a text whose first line is `first`."""
    check_output(path, what, lambda there: _begin(there).startswith(first.encode() + b"\n"))


def check_picture(path: Path | str | None) -> None:
    """`check_output` of a picture, and BadInput for a name of another format; None is no picture."""
    if path is None:
        return
    if not str(path).lower().endswith(PICTURES):
        named = path or "a file without a name"
        raise BadInput(Fault(f"cannot draw into {named}", allowed="a name that ends in " + ", ".join(PICTURES)))
    check_output(path, "picture of chipweave", _is_our_picture)


def save_picture(figure: Any, path: Path | str, **options: Any) -> None:
    """Write a figure of Matplotlib, whole or not at all, in the format of its name and marked as ours.

    options: of `savefig`, such as dpi. Equal figures make equal files.
    """
    sort = str(path).rpartition(".")[2].lower()
    metadata: dict[str, dict[str, Any]] = {
        "svg": {"Creator": MARK, "Date": None},
        "png": {"Software": MARK},
        "pdf": {"Creator": MARK, "CreationDate": None},
    }
    with replacing(Path(path), "wb") as file:
        figure.savefig(file, format=sort, metadata=metadata[sort], **options)


def _is_our_picture(path: Path) -> bool:
    return path.stat().st_size <= MOST_BYTES and bool(MARKED.search(path.read_bytes()))


def _begin(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(4096)
