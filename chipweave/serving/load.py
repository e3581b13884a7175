"""The requests of a run: when they arrive and how long they are.

    count: 1000
    arrivals: {closed_loop: 64}  |  {poisson: 4.0}  |  {file: arrivals.csv}
    prompt: {constant: 1024}     |  {uniform: [820, 1024]}  |  {lognormal: [1024, 0.5]}  |  {file: lengths.csv}
    output: likewise

A file is a CSV with a column of the name it is for: `arrival_s`, `prompt`, `output`. A log-normal is given by its mean
and the standard deviation of the logarithm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from chipweave.declare.yamlfile import Node
from chipweave.errors import Faults, nearest
from chipweave.io import csvfile

MOST_REQUESTS, MOST_TOKENS = 10_000_000, 1 << 24
ARRIVALS = ("closed_loop", "poisson", "file")
REAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")  # no nan, no inf, no decimal comma
Number = TypeVar("Number", int, float)
LENGTHS = ("constant", "uniform", "lognormal", "file")


@dataclass(frozen=True)
class Load:
    """`arrivals`: seconds, or None in a closed loop of `loop`; `prompts`, `outputs`: tokens.

    All lists have one entry a request, in the order of arrival.
    """

    arrivals: list[float] | None
    loop: int
    prompts: list[int]
    outputs: list[int]


def read(node: Node, seed: int, folder: Path, faults: Faults) -> Load | None:
    """The load of a `requests` mapping; faults are added, and None is returned after one.

    seed: of arrivals and lengths, drawn in the order arrivals, prompts, outputs; folder: what file
    names are relative to.
    """
    keys = ("count", "arrivals", "prompt", "output")
    if not node.is_map:
        faults.add(f"requests must be a mapping, not {node.shape()}", node.place, ", ".join(keys))
        return None
    for key in node.value:
        if key not in keys:
            faults.add(f"requests has no {key!r}", node.keys[key], ", ".join(keys), nearest(key, keys))
    for key in keys:
        if key not in node.value:
            faults.add(f"requests lacks {key!r}", node.place, ", ".join(keys))
            return None
    given: dict[str, Node] = node.value
    count = _whole(given["count"], MOST_REQUESTS, "count", faults)
    rng = np.random.default_rng(seed)
    arrivals, loop = _arrivals(given["arrivals"], count, rng, folder, faults)
    prompts, outputs = (_lengths(given[k], k, count, rng, folder, faults) for k in ("prompt", "output"))
    return Load(arrivals, loop, prompts, outputs)


def _one(node: Node, allowed: tuple[str, ...], what: str, faults: Faults) -> tuple[str, Node]:
    """(the only key, its Node) of a mapping with one of `allowed`; ("", node) where it is none."""
    if not node.is_map or len(node.value) != 1 or next(iter(node.value)) not in allowed:
        got = next(iter(node.value), "") if node.is_map else ""
        faults.add(
            f"{what} must be one of {', '.join(allowed)}, not {node.shape()}",
            node.place,
            nearest=nearest(str(got), allowed),
        )
        return "", node
    return next(iter(node.value.items()))


def _number(node: Node, low: float, high: float, what: str, faults: Faults) -> float:
    """A number from `low` to `high`; a fault and `low` where it is none."""
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        faults.add(f"{what} cannot be {node.shape()}", node.place, f"a number from {low} to {high}")
        return low
    return value


def _whole(node: Node, high: int, what: str, faults: Faults) -> int:
    """A whole number from 1 to `high`; a fault and 1 where it is none."""
    if type(node.value) is not int or not 1 <= node.value <= high:
        faults.add(f"{what} cannot be {node.shape()}", node.place, f"a whole number from 1 to {high}")
        return 1
    return node.value


def _arrivals(
    node: Node, count: int, rng: np.random.Generator, folder: Path, faults: Faults
) -> tuple[list[float] | None, int]:
    """(arrival times, s, or None; requests of a closed loop).

    poisson: requests a second, with exponential gaps.
    """
    way, given = _one(node, ARRIVALS, "arrivals", faults)
    if way == "closed_loop":
        return None, _whole(given, 1 << 20, "closed_loop", faults)
    if way == "poisson":
        rate = _number(given, 1e-6, 1e9, "poisson", faults)
        return np.cumsum(rng.exponential(1 / rate, count)).tolist(), 0
    if way == "file":
        times = _column(given, "arrival_s", count, folder, faults, float)
        early = next((i for i in range(1, len(times)) if times[i] < times[i - 1]), None)
        if early is not None:
            faults.add(f"arrival_s of line {early + 2} is before that of line {early + 1}", given.place, "rising times")
        return times, 0
    return [], 0


def _lengths(node: Node, what: str, count: int, rng: np.random.Generator, folder: Path, faults: Faults) -> list[int]:
    """Tokens of each request.

    A log-normal of mean m and sigma s is exp(N(ln m - s^2 / 2, s)), rounded, at least 1.
    """
    way, given = _one(node, LENGTHS, what, faults)
    if way == "constant":
        return [_whole(given, MOST_TOKENS, what, faults)] * count
    if way == "file":
        return _column(given, what, count, folder, faults, int)
    if way in ("uniform", "lognormal"):
        if not given.is_list or len(given.value) != 2:
            faults.add(f"{what}: {way} takes two numbers, not {given.shape()}", given.place)
            return [1] * count
        if way == "uniform":
            low, high = (_whole(n, MOST_TOKENS, what, faults) for n in given.value)
            if low > high:
                faults.add(f"{what}: uniform from {low} to {high}", given.place, "the smaller number first")
                return [1] * count
            return rng.integers(low, high + 1, count).tolist()
        mean, sigma = (
            _number(given.value[0], 1, MOST_TOKENS, what, faults),
            _number(given.value[1], 0, 10, what, faults),
        )
        drawn = rng.lognormal(np.log(mean) - sigma**2 / 2, sigma, count)
        return np.clip(np.rint(drawn), 1, MOST_TOKENS).astype(int).tolist()
    return [1] * count


def _column(node: Node, name: str, count: int, folder: Path, faults: Faults, kind: type[Number]) -> list[Number]:
    """The first `count` values of a column of a CSV; ones where there are fewer, with a fault for each wrong cell."""
    path, own, values = folder / str(node.value), Faults(), []
    least = 0 if kind is float else 1
    for row, place in islice(csvfile.rows(path, (name,), own), count):
        value = _value(row[name], kind)
        if value is None or not least <= value <= MOST_TOKENS * 1e6:
            own.add(f"{name} is {row[name]!r}", place, f"a {'' if kind is float else 'whole '}number from {least}")
        else:
            values.append(value)
    if len(values) < count and not own.found:
        what = f"{path}: {len(values)} usable values of {name} for {count} requests"
        own.add(what, node.place, f"{count} values from {least} on")
    faults.found += own.found
    return values if not own.found else [kind(1)] * count


def _value(text: str, kind: type[Number]) -> Number | None:
    """The number that a cell is; None where it is none."""
    pattern = REAL if kind is float else csvfile.WHOLE
    return kind(text) if pattern.fullmatch(text.strip()) else None
