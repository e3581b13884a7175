"""What BookSim 2 understands by the traffic columns of a row, said in the spelling of `chipweave traffic`.

It reads a list only in braces, a value per class of traffic: `{1,5}` are sizes of two classes, `{{1,5}}` two sizes of
one; `hotspot({0,7})` is spot 0 with weight 7; of `on_off(0.05,0.1)` it reads the first number and takes the other from
burst_beta. A list that is too short goes on with its last value, one that is too long is cut."""

from __future__ import annotations

import re
from typing import Any

from chipweave.errors import BadInput

from .files import whole

PATTERNS = (
    "uniform",
    "asymmetric",
    "diagonal",
    "bitcomp",
    "bitrev",
    "shuffle",
    "transpose",
    "tornado",
    "neighbor",
    "hotspot",
)


def items(text: str) -> list[Any]:
    """The items of a list in braces; anything else is one item, whatever commas it has."""
    if not text.startswith("{"):
        return [text] if text else []
    found, depth = [""], 0
    for letter in text[1:]:
        if letter == "," and depth == 0:
            found.append("")
        elif letter == "}" and depth == 0:
            break
        else:
            depth += (letter == "{") - (letter == "}")
            found[-1] += letter
    return [item for item in found if item]


def leading(text: str) -> int:
    """The whole number that a text begins with, 0 where it begins with none, as C reads it."""
    found = re.match(r"\s*[-+]?\d+", text)
    return int(found[0]) if found else 0


def decimal(text: Any) -> Any:
    found = re.match(r"\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", text, re.I)
    return float(found[0]) if found else 0.0


def stretched(values: list[int], count: int) -> list[int]:
    return (values + values[-1:] * count)[:count]


def given(row: dict[str, str], name: str, default: str) -> str:
    """Of a column, what it says of the first class."""
    texts = items((row.get(name) or "").strip())
    return texts[0].strip() if texts else default


def call(text: str) -> tuple[str, list[str]]:
    """(name, arguments) of `name`, `name(argument)` or `name({a,b})`."""
    name, bracket, rest = text.partition("(")
    return name.strip(), items(rest.rpartition(")")[0].strip() if bracket else "")


def braced(values: list[int]) -> str:
    return "{" + ",".join(map(str, values)) + "}"


def pattern(row: dict[str, str]) -> Any:
    """The row's traffic; BadInput where it is none of ours."""
    text = given(row, "traffic", "uniform")
    name, arguments = call(text)
    if name not in PATTERNS:
        raise BadInput(f"traffic {text!r} is not modelled; modelled: {', '.join(PATTERNS)}")
    if name in ("tornado", "neighbor"):
        k = leading(arguments[0]) if arguments else whole(row, "k")
        n = leading(arguments[1]) if len(arguments) > 1 else whole(row, "n")
        wide = leading(arguments[2]) if len(arguments) > 2 else leading(row.get("xr") or "1")
        return f"{name}({braced([k * wide, n])})"
    if name != "hotspot":
        return name
    spots = [leading(s) for s in items(arguments[0])] if arguments else []
    if not spots or min(spots) < 0:
        raise BadInput(f"traffic {text!r}: a spot that BookSim 2 draws is not modelled")
    weights = [leading(w) for w in items(arguments[1])] if len(arguments) > 1 else [1]
    return f"hotspot({{{braced(spots)},{braced(stretched(weights, len(spots)))}}})"


def sizes(row: dict[str, str]) -> tuple[str, str]:
    """(packet sizes, weights) of the first class, as texts."""
    flits = [leading(s) for s in items(given(row, "packet_size", "1"))]
    weights = [leading(w) for w in items(given(row, "packet_size_rate", "1"))]
    return braced(flits), braced(stretched(weights, len(flits)))


def injection(row: dict[str, str]) -> str:
    """The row's injection process, with everything that it leaves to burst_alpha, burst_beta and burst_r1."""
    name, arguments = call(given(row, "injection_process", "bernoulli"))
    if name != "on_off":
        return name
    if len(arguments) > 3:
        raise BadInput(f"injection_process {row['injection_process']!r}: states at the start are not modelled")
    defaults = [
        row.get(column) or default
        for column, default in (("burst_alpha", "0.5"), ("burst_beta", "0.5"), ("burst_r1", "-1"))
    ]
    return f"on_off({','.join(str(decimal(a)) for a in arguments + defaults[len(arguments) :])})"
