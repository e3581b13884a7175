"""Parameters of a part that its behaviour in C takes as they are: range, unit and words stand in the C table alone."""

from __future__ import annotations

from typing import Any

from chipweave.declare.params import REQUIRED, Param
from chipweave.line_rate.endpoints import load_table


class Passed(Param):
    """A whole number that goes to the behaviour under its own name.

    Range and words are read from the table (`chipweave._c_NAME`) when they are first needed, not when the kinds of
    parts are looked through.

    Args:
        behaviour: whose table declares it.
        declared: its name there; the part's attribute has the same.
        default: a number where it may be left out. A device's own number has none: it stands in a topology.
        more: words to add to those of the table, such as "a guess".
    """

    def __init__(self, behaviour: str, declared: str, default: Any = REQUIRED, more: str = "") -> None:
        super().__init__("int", default)
        self.behaviour, self.declared, self.more = behaviour, declared, more
        del self.low, self.high, self.doc

    def __getattr__(self, name: str) -> Any:
        """low, high and doc, at their first use."""
        if name not in ("low", "high", "doc"):
            raise AttributeError(name)
        unit, _, self.low, self.high, words = load_table(self.behaviour).parameters[self.declared]
        words += f" ({unit})" if unit else ""
        self.doc = "; ".join(text for text in (words, self.more) if text)
        return self.__dict__[name]


def passed(part: Any) -> dict[str, int]:
    """name -> value of all such parameters of a part."""
    return {name: getattr(part, name) for name, param in type(part).params.items() if isinstance(param, Passed)}
