"""Fits the exchanges beyond a node from their calibration rows: the floor of each phase, and the share of a port it
reaches."""

from __future__ import annotations

from typing import Any

from ..cases.exchange import deepep, one_sided

NODES = {"dispatch": "a2a_nodes-00013", "combine": "a2a_nodes-00091"}
FLOORS = {"dispatch": "a2a_nvl72-00001", "combine": "a2a_nvl72-00002"}
RATES = {"write": ("a2a_nvl72-00023", "a2a_nvl72-00097", "a2a_nvl72-00098"), "read": ("a2a_nvl72-00024",)}
ROUNDS = 40


def fit(rows: Any) -> dict[str, tuple[float, list[str], str]]:
    """{figure: (value, row ids, words)} from the (Question, value) pairs of role calibration."""
    known = {q.id: (q, value) for q, value in rows}
    figures = {f"deepep_nodes.{p}_floor_s": 0.0 for p in NODES}
    out = {}
    for phase, row in NODES.items():
        q, value = known[row]
        out[f"deepep_nodes.{phase}_floor_s"] = ((value - deepep(q, figures)) * 1e-6, [row], "what the bytes leave")
    figures = {f"one_sided.{p}_floor_s": 0.0 for p in FLOORS} | {f"one_sided.{p}_share": 1.0 for p in RATES}
    for _ in range(2):
        for phase, row in FLOORS.items():
            q, value = known[row]
            name = f"one_sided.{phase}_floor_s"
            figures[name] = (value - one_sided(q, figures | {name: 0.0})) * 1e-6
            out[name] = (figures[name], [row], "one token, without its bytes")
        for way, ids in RATES.items():
            name = f"one_sided.{way}_share"
            figures[name] = _share(name, [known[i] for i in ids], figures)
            out[name] = (figures[name], list(ids), "of a port's payload, at 2,048 tokens")
    return out


def _share(name: Any, rows: Any, figures: Any) -> Any:
    """The share with which the mean error of `rows` is 0."""
    low, high = 0.05, 1.0
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        error = sum(one_sided(q, figures | {name: middle}) / value - 1 for q, value in rows)
        low, high = (middle, high) if error > 0 else (low, middle)
    return low
