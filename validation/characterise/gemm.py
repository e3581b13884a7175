"""Times of GEMMs over tokens -> rows of a utilisation table: as few as stay within a bound."""

from __future__ import annotations

from math import sqrt
from typing import Any

BOUND = 0.02
MOST_TOKENS = 1 << 14
EVERY = 256


def token_counts() -> Any:
    """Where the tile model is evaluated: every count while tiles are few, then counts 1.6 % apart, and both sides
    of every step of 64 rows."""
    counts, first = set(range(1, EVERY + 1)), EVERY
    while first < MOST_TOKENS:
        counts.update(range(first, 2 * first, first // 64))
        first *= 2
    edges = range(64, MOST_TOKENS + 1, 64)
    return sorted(n for n in counts.union(edges, (edge + 1 for edge in edges)) if n <= MOST_TOKENS)


def fit_utilisation(points: Any, flop_per_token: Any, peak: Any) -> Any:
    """[{tokens, share}] that give every (tokens, ps) of `points` within BOUND of flop / (peak x share).

    Rows end just before the first point that no share common with the row's points can give; the last is for any
    number."""
    rows: list[tuple[int | str, float]] = []
    low, high, last = 0.0, float("inf"), 0
    for tokens, time in points:
        share = flop_per_token * tokens * 1e12 / (time * peak)
        least, most = share / (1 + BOUND), share / (1 - BOUND)
        if max(low, least) > min(high, most):
            rows.append((last, sqrt(low * high)))
            low, high = 0.0, float("inf")
        low, high, last = max(low, least), min(high, most), tokens
    rows.append(("any", sqrt(low * high)))
    return [{"tokens": str(tokens), "share": _digits(share)} for tokens, share in rows]


def _digits(share: float) -> float:
    return float(f"{share:.4g}")
