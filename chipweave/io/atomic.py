"""Writing results: to a temporary name first, then renamed, so that nothing half-written is ever found.

What is there and is no plain file (/dev/stdout, a pipe) is written to as it stands, never replaced; a link stays a
link."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from chipweave.errors import BadInput, Fault

Opened = TypeVar("Opened")


def check_file(path: Path | str | None) -> None:
    """Raise BadInput unless a file can be written at `path` (or it is "-"): said before the work, not after it."""
    if path is None or str(path) == "-":
        return
    if not str(path):
        raise BadInput(Fault("no file is named to write to", allowed="a path, or - for standard output"))
    path = Path(path)
    if path.is_dir():
        raise BadInput(Fault(f"{path} is a folder", allowed="a file to write to"))
    if path.exists() and not os.access(path, os.W_OK):
        raise BadInput(f"{path} cannot be written: permission denied")
    if not path.exists() or path.is_file():
        check_folder(path.parent)


def check_folder(folder: Path | str | None) -> None:
    """Raise BadInput unless files can be made in `folder`, which need not be there yet."""
    if folder is None:
        return
    if not str(folder):
        raise BadInput(Fault("no folder is named to write to", allowed="a path"))
    there = folder = Path(folder)
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise BadInput(f"{folder} cannot be written: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"{folder} cannot be written: {there} may not be written to")


def check_replaced(path: Path, same: Callable[[Any], bool], force: bool, beside: Sequence[Path] = ()) -> None:
    """Raise BadInput where `path` holds what is not of the same work and `force` does not let it go.

    same: whether the JSON document there is one that this call may write anew. beside: what is written with it; where
    there is no document, none of these may be there.
    """
    others = [] if path.exists() else [each for each in beside if each.exists()]
    if force or not path.exists() and not others:
        return
    if others:
        raise BadInput(Fault(f"{others[0]} would be replaced", allowed="another folder, or --force"))
    try:
        if same(json.loads(path.read_text(encoding="utf-8"))):
            return
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # no document of ours
    raise BadInput(Fault(f"{path} holds other results", allowed="another folder, or --force to replace what is there"))


@contextlib.contextmanager
def replacing(path: Path, mode: str = "w") -> Iterator[Any]:
    """Open a temporary file beside `path`; on success it takes the name `path`, on failure it is gone.

    Raises:
        BadInput: the place cannot be written to. A full disk is an OSError.
    """
    given, path = path, Path(os.path.realpath(path))
    if path.exists() and not path.is_file() and not path.is_dir():
        with _opened(given, lambda: open(path, mode)) as file:
            yield file
        return
    check_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mode_there = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = _opened(given, lambda: tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}."))
    try:
        os.close(handle)
        with open(name, mode) as file:  # by its name, which a caller may open again
            yield file
        os.chmod(name, mode_there)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _opened(path: Path, opening: Callable[[], Opened]) -> Opened:
    """What `opening()` returns, its refusal as a fault that names `path`."""
    try:
        return opening()
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from error


def write_json(path: Any, document: Any) -> None:
    """Write a document as JSON to a file, or to standard output where `path` is "-"."""
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
        return
    with replacing(path) as file:
        file.write(text)


def canonical_sha256(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value` (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
