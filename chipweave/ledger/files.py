"""The committed ledger: validation/README.md, baseline.json and the answer to every row, written by `validate
--update`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from chipweave.io.atomic import replacing
from chipweave.ledger import baseline
from chipweave.ledger import text as ledger_text


def folder() -> Path:
    """Where the ledger stands: the package's own folder, which is the source tree of an editable installation."""
    return Path(str(files("chipweave.validation")))


def text(suite: Any, results: Any, groups: Any) -> Any:
    """The Markdown of one suite."""
    return ledger_text.section(results, groups, getattr(suite, "extra", lambda _: ())(results))


def got_worse(name: Any, groups: Any) -> Any:
    """Lines for the groups that are worse than the committed baseline."""
    return baseline.worse(baseline.read(folder() / "baseline.json").get(name, {}), baseline.figures(groups))


def stale(name: Any, suite: Any, results: Any, groups: Any) -> Any:
    """Lines for the files that no longer say what the program gives; the cure is in the line."""
    cure = f"run: chipweave validate {name} --update"
    lines = []
    if baseline.read(folder() / "baseline.json").get(name) != baseline.figures(groups):
        lines.append(f"baseline.json differs from the run; {cure}")
    readme = folder() / "README.md"
    if readme.read_text(encoding="utf-8") != ledger_text.place(
        readme.read_text(encoding="utf-8"), name, text(suite, results, groups)
    ):
        lines.append(f"README.md differs from the run; {cure}")
    return lines


def update(name: str, suite: Any, results: list[Any], groups: list[dict[str, float | str | None]]) -> None:
    """Rewrite the suite's section of README.md, its figures in baseline.json and its rows."""
    readme = folder() / "README.md"
    document = ledger_text.place(readme.read_text(encoding="utf-8"), name, text(suite, results, groups))
    with replacing(readme) as file:
        file.write(document)
    baseline.write(folder() / "baseline.json", name, baseline.figures(groups))
    if getattr(suite, "KEEP_ROWS", False):
        with replacing(folder() / f"ledger_{name}.csv") as file:
            file.write(baseline.rows_text(results))
