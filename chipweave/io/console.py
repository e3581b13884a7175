"""What people see: tables of results on standard output, notes and faults on standard error.

Names come from users' files: they are printed with control characters written out, never as markup. Colours follow
NO_COLOR. A table that is wider than the terminal is printed as one block a row, so that no figure is cut or folded;
where there is no terminal a table is as wide as it needs to be.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

BYTES = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
BETWEEN = 3  # columns of screen between two cells, with the rule


@dataclass
class Sheet:
    """A table of plain text. `columns`: heads; those from `right_from` on stand to the right; `rows`: cells.

    caption: what its values cover (which steps, which rows, which cycles); printed below it, so it cannot be left out.
    """

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    caption: str = field(kw_only=True)
    right_from: int = 1 << 30

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def width(self) -> int:
        """Columns of screen that the widest line needs."""
        widest = [max(len(printable(row[i])) for row in (self.columns, *self.rows)) for i in range(len(self.columns))]
        return max(sum(widest) + BETWEEN * len(widest) + 1, len(printable(self.title)))


def printable(text: object) -> str:
    """A text whose control characters, surrogates and direction marks are written out: "\\x1b"."""
    plain = str(text)
    if plain.isprintable():
        return plain
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in plain)


def printable_lines(text: object) -> str:
    """`printable` of each line of a text."""
    return "\n".join(map(printable, str(text).split("\n")))


def show(sheet: Sheet, to_stderr: bool = False) -> None:
    """Print a table to standard output, or to standard error where that holds something else (`--json -`)."""
    console = _console(to_stderr, sheet.width())
    if console.width < sheet.width():
        return _show_blocks(sheet, to_stderr)
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(printable(sheet.title)))
    for i, name in enumerate(sheet.columns):
        table.add_column(Text(printable(name)), justify="right" if i >= sheet.right_from else "left", no_wrap=True)
    for row in sheet.rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)
    say(sheet.caption, to_stderr)
    return None


def _show_blocks(sheet: Sheet, to_stderr: bool) -> None:
    """One block a row, one line a cell: for narrow terminals."""
    wide = max(map(len, sheet.columns))
    say(sheet.title, to_stderr)
    for row in sheet.rows:
        for name, cell in zip(sheet.columns, row, strict=True):
            say(f"  {printable(name):{wide}}  {printable(cell)}", to_stderr)
        say("", to_stderr)
    say(sheet.caption, to_stderr)


def say(text: object, to_stderr: bool = False) -> None:
    """One line of results on standard output, or on standard error where that holds something else."""
    print(printable_lines(text), file=sys.stderr if to_stderr else sys.stdout)


def note(text: object) -> None:
    """One line beside the results, on standard error."""
    say(text, to_stderr=True)


def console() -> Any:
    """The rich console of standard error, for progress on a terminal."""
    return _console(to_stderr=True)


def _console(to_stderr: bool, needed: int | None = None) -> Any:
    """A console of rich without markup; colour only on a terminal and without NO_COLOR.

    needed: columns that a table wants; where no terminal sets the width it gets them, so that no
    cell is cut.
    """
    from rich.console import Console

    system: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    made = Console(stderr=to_stderr, color_system=system, markup=False, highlight=False, emoji=False)
    if made.is_terminal or needed is None:
        return made
    return Console(
        stderr=to_stderr, color_system=None, markup=False, highlight=False, emoji=False, width=max(80, needed)
    )


def amount(value: int) -> str:
    """Bytes for people: 2.47 TB."""
    for unit, size in BYTES:
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value} B"
