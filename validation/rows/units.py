"""What cases read of a row beside its device, and how an answer gets the unit that the row asks for.

An answer in a unit that is not understood is none: `in_unit` says so instead of giving a number in another one.
"""

from __future__ import annotations

import re
from typing import Any

from chipweave.ledger import NotModelled, Question

Stated = Any
"""What a row states, or a NotModelled: cases hand what they read to `first_missing` before they use it, which no type
checker follows."""

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
BYTES_PER_S = {"B/s": 1.0, "MB/s": 1e6, "GB/s": 1e9, "TB/s": 1e12, "MiB/s": 2.0**20, "GiB/s": 2.0**30, "TiB/s": 2.0**40}
FLOP_PER_S = {"GFLOP/s": 1e9, "TFLOP/s": 1e12, "TFLOPS": 1e12, "PFLOP/s": 1e15}
OPERANDS = {"bf16": "bfloat16", "fp16": "float16", "half": "float16"}
"""Other names of operand types -> those of the kernel models."""
PRINTED_BYTES = {
    "B": 1,
    "bytes": 1,
    "kB": 1 << 10,
    "KB": 1 << 10,
    "KiB": 1 << 10,
    "MB": 1 << 20,
    "MiB": 1 << 20,
    "GB": 1 << 30,
    "GiB": 1 << 30,
}
"""Sizes as gpu-benches prints them: its kB is 1024 bytes."""
MOST_BYTES = 1 << 40  # more than any memory that is described


def in_unit(question: Any, answer: NotModelled | float, units: dict[str, float]) -> NotModelled | float:
    """`answer` in SI (float or NotModelled) in the unit of the row."""
    if isinstance(answer, NotModelled):
        return answer
    if question.unit not in units:
        return NotModelled(f"unit '{question.unit}' is not one of {', '.join(units)}")
    return answer / units[question.unit]


def in_time(question: Any, microseconds: NotModelled | float) -> NotModelled | float:
    """A time given in microseconds in the unit of the row."""
    return in_unit(question, microseconds if isinstance(microseconds, NotModelled) else microseconds * 1e-6, SECONDS)


def in_cycles(question: Any, cycles: NotModelled | float, clock_hz: float) -> NotModelled | float:
    """A latency in SM cycles, or as a time where the row asks for one."""
    if isinstance(cycles, NotModelled) or question.unit.startswith("cyc"):
        return cycles
    return in_unit(question, cycles / clock_hz, SECONDS)


def size(question: Any) -> Stated:
    """Bytes of x, or NotModelled."""
    found = question.x * PRINTED_BYTES[question.x_name] if question.x and question.x_name in PRINTED_BYTES else 0
    if not 0.5 < found <= MOST_BYTES:
        return NotModelled(f"x is no size: {question.x_name or 'no name'} {question.x_value or 'without value'}")
    return round(found)


def operand(name: str) -> str:
    """The type of operands as the kernel models name it."""
    return OPERANDS.get(name, name)


def out_of_range(*numbers: int, most: int = 1 << 30) -> NotModelled | None:
    """None, or NotModelled where one of a shape's `numbers` is not from 1 to `most`."""
    off = [n for n in numbers if not 1 <= n <= most]
    return NotModelled(f"a size of the row is not from 1 to {most}: {off[0]}") if off else None


def no_gate(experts: int, top_k: int, ranks: int) -> NotModelled | None:
    """None, or NotModelled where tokens cannot choose `top_k` of `experts`, or these do not divide over `ranks`."""
    if top_k > experts:
        return NotModelled(f"a token cannot choose {top_k} of {experts} experts")
    if ranks < 2:
        return NotModelled("one GPU exchanges nothing")
    return NotModelled(f"{experts} experts do not divide over {ranks} ranks") if experts % ranks else None


def no_power(balance: str, most: int = 16) -> NotModelled | None:
    """None, or NotModelled where `balance` is a power law whose exponent is no number up to `most`."""
    if not balance.startswith("power_law_"):
        return None
    words = balance.removeprefix("power_law_")
    known = re.fullmatch(r"\d+(\.\d+)?", words) and float(words) <= most
    return None if known else NotModelled(f"the exponent of the power law is no number up to {most}: {words}")


def count(question: Any, *names: str, most: int = 1 << 30) -> Stated:
    """x as a whole number from 1 to `most` under one of these names, or NotModelled."""
    found = stated_x(question, most=most)
    if question.x_name not in names or isinstance(found, NotModelled):
        return NotModelled(
            f"x is not {' or '.join(names)}, a whole number: "
            f"{question.x_name or 'no name'} {question.x_value or 'without value'}"
        )
    return found


def stated_x(question: Question, least: int = 1, most: int = MOST_BYTES) -> Stated:
    """x as a whole number from `least` to `most`, whatever its name, or NotModelled."""
    x = question.x
    if x is None or not least <= x <= most or x != int(x):
        words = f"{question.x_name or 'x'} from {least} to {most}: {question.x_value or 'nothing'}"
        return NotModelled(f"the row states no whole number of {words}")
    return int(x)


def first_missing(*parts: Any) -> NotModelled | None:
    """The first of `parts` that is a NotModelled, or None."""
    return next((p for p in parts if isinstance(p, NotModelled)), None)
