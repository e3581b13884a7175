"""Names that a shell completes: functions for `shell_complete` of options and arguments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Completer = Callable[[Any, Any, str], list[str]]


def _of(names: Callable[[], list[str]], ending: str = ".yaml") -> Completer:
    """Completes names that begin as typed, and files with the ending in the folder that is typed."""

    def complete(context: Any, parameter: Any, typed: str) -> list[str]:
        folder = Path(typed).parent if typed else Path(".")
        files = [str(p) for p in folder.glob("*") if p.is_dir() or p.suffix == ending] if folder.is_dir() else []
        return sorted(name for name in {*names(), *files} if name.startswith(typed))

    return complete


def _shipped(folder: str | None = None) -> list[str]:
    from chipweave.io.shipped import shipped

    return list(shipped(folder) if folder else shipped())


def _models() -> list[str]:
    from chipweave.trace.models import names

    return list(names())


def _traces() -> list[str]:
    from chipweave.trace.library import names

    return list(names())


topologies = _of(_shipped)
presets = _of(lambda: _shipped("presets"))
models = _of(_models)
traces = _of(_traces, ".parquet")
