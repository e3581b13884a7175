"""Fits the framework's host time of a step and of a sequence from the servers of one dense model: the calibration rows
of `step`."""

from __future__ import annotations

from typing import Any

from ..cases.step import setup_of, token_seconds

FIGURES = ("framework.step_s", "framework.sequence_s")


def fit(rows: Any) -> dict[str, tuple[float, list[str], str]]:
    """{figure: (value, row ids, words)}: the non-negative pair with the least mean absolute error.

    A closed form is enough: both times add to every decode step and prefill, and the model's kernels do not change with
    them."""
    samples = []
    for q, value in rows:
        made: Any = setup_of(q)
        figures = made.kernels.figures
        kept = {name: figures.pop(name, 0.0) for name in FIGURES}
        bare: Any = token_seconds(q)
        unit = []
        for name in FIGURES:
            figures[name] = 1e-3
            unit.append((token_seconds(q) - bare) / 1e-3)
            figures[name] = 0.0
        figures.update(kept)
        samples.append((value * 1e-3, bare, *unit))
    best = min(((_error(samples, a, b), a, b) for a, b in _grid()), key=lambda t: t[0])
    words = ("host time of a step", "host time of a sequence in a step")
    ids = [q.id for q, _ in rows]
    return {name: (value, ids, w) for name, value, w in zip(FIGURES, best[1:], words, strict=True)}


def _grid() -> Any:
    """Pairs from 0 to 2 ms a step and 0 to 40 us a sequence."""
    return ((a * 2e-5, b * 5e-7) for a in range(101) for b in range(81))


def _error(samples: Any, step: Any, sequence: Any) -> Any:
    return sum(abs((bare + step * us + sequence * uq) / value - 1) for value, bare, us, uq in samples) / len(samples)
