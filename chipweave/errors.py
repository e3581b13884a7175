"""Faults and the exit codes they end in (the contract is in docs/commands.md).

A bad input is collected as `Fault`s, all of a file at once, and raised together as `BadInput`: no one wants to mend
a file one error at a time.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

DONE, BROKEN, BAD_INPUT, STUCK, BAR_MISSED, INTERRUPTED = 0, 1, 2, 3, 4, 130


class ChipweaveError(Exception):
    """The root of all errors of this package; `exit_code` is what the command ends with."""

    exit_code = BROKEN


class Stuck(ChipweaveError):
    """The simulation cannot make progress; the message names the parts and the wait cycle."""

    exit_code = STUCK


class BarMissed(ChipweaveError):
    """A validation bar is missed."""

    exit_code = BAR_MISSED


class Interrupted(ChipweaveError):
    """The user ended a long run; the message says what is kept and how to go on."""

    exit_code = INTERRUPTED


@dataclass(frozen=True)
class Place:
    """Where in the user's files something stands; line and column count from 1, 0 where there is none."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join(str(x) for x in (self.file, self.line, self.column) if x)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with the input: `file:line:column: what; allowed: ...; nearest: ...`."""

    what: str
    place: Place = Place()
    allowed: str = ""
    nearest: str = ""

    def as_json(self) -> dict[str, str | int | None]:
        """The fault as `chipweave check --json` has it; line and column null where there is none."""
        return {
            "file": self.place.file or None,
            "line": self.place.line or None,
            "column": self.place.column or None,
            "what": self.what,
            "allowed": self.allowed or None,
            "nearest": self.nearest or None,
        }

    def __str__(self) -> str:
        """One line: place: what; allowed: ...; nearest: ..."""
        text = f"{self.place}: {self.what}" if str(self.place) else self.what
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.nearest:
            text += f"; nearest: {self.nearest}"
        return text


class BadInput(ChipweaveError):
    """The user's input is wrong; `faults` has one entry per thing to mend."""

    exit_code = BAD_INPUT

    def __init__(self, faults: Fault | Iterable[Fault] | str) -> None:
        """One fault, several, or a text, which becomes a fault without a place."""
        self.faults = (
            [Fault(faults)]
            if isinstance(faults, str)
            else [faults]
            if isinstance(faults, Fault)
            else list(dict.fromkeys(faults))  # each once, however often it was met
        )
        super().__init__("\n".join(str(f) for f in self.faults))


class Unfit(BadInput):
    """The input is sound, and not for what it is used with: a trace of another model, say."""


class Faults:
    """Collects faults while a file is read to its end.

    >>> faults = Faults()
    >>> faults.add("unknown key 'cloc'", allowed="clock, kind", nearest=nearest("cloc", ["clock", "kind"]))
    >>> faults.raise_if_any()
    Traceback (most recent call last):
    chipweave.errors.BadInput: unknown key 'cloc'; allowed: clock, kind; nearest: clock
    """

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.warnings: list[Fault] = []  # what is allowed, and hardly meant

    def warn(self, what: str, place: Place = Place(), allowed: str = "") -> None:
        """Note something that is allowed and without effect."""
        self.warnings.append(Fault(what, place, allowed))

    def add(self, what: str, place: Place = Place(), allowed: str = "", nearest: str = "") -> None:
        """Note a fault and go on: what, where, what is allowed, the nearest name."""
        self.found.append(Fault(what, place, allowed, nearest))

    def raise_if_any(self) -> None:
        """BadInput with all faults noted so far."""
        if self.found:
            raise BadInput(self.found)


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of `words` most like `word`, the same but for capitals before all else; an empty string where none is
    near."""
    words = [str(w) for w in words]
    alike = [w for w in words if w.casefold() == str(word).casefold()]
    close = alike or difflib.get_close_matches(str(word), words, n=1)
    return close[0] if close else ""
