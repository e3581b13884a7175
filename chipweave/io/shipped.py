"""Names of shipped YAML files, and paths of the user's own."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Fault, Place, nearest


def shipped(folder: str = "") -> dict[str, Path]:
    """name -> path of the shipped topologies, or of `folder` beside them ("presets"), sorted."""
    root = resources.files("chipweave.topologies")
    root = root / folder if folder else root
    return (
        {
            p.name[: -len(".yaml")]: Path(str(p))
            for p in sorted(root.iterdir(), key=lambda p: p.name)
            if p.name.endswith(".yaml")
        }
        if root.is_dir()
        else {}
    )


def find(name: Path | str, folder: str = "", beside: Path | None = None, place: Place = Place()) -> Path:
    """The path a name or path stands for: a file that is there, else a shipped name.

    Args:
        folder: "" for topologies, "presets".
        beside: folder that a relative path is tried against first.
    Raises:
        BadInput: neither a file nor a shipped name.
    """
    text = str(name)
    if text.endswith((".yaml", ".yml")) or "/" in text:
        for path in ([Path(beside) / text] if beside else []) + [Path(text)]:
            if path.is_file():
                return path
        raise BadInput(_no_file(text, Path(text), place))
    names = shipped(folder)
    there = [path for path in ([Path(beside) / text] if beside else []) + [Path(text)] if text and path.exists()]
    if text not in names and there:
        raise BadInput(_no_file(text, there[0], place))
    if text not in names:
        raise BadInput(
            Fault(
                f"no {folder.rstrip('s') or 'topology'} is called {text!r}",
                place,
                "a path, or " + ", ".join(names),
                nearest(text, names),
            )
        )
    return names[text]


def _no_file(text: Any, path: Any, place: Any) -> Any:
    """Why a path cannot be read as a YAML file."""
    if path.is_file():
        return Fault(f"{text} does not end in .yaml", place, f"a YAML file; ./{text} for one of another name")
    if path.is_dir():
        return Fault(f"{text} is a folder", place, "a YAML file")
    return Fault(
        f"{text} is no plain file" if path.exists() else f"no file {text}",
        place,
        "a YAML file" if path.exists() else "",
    )
