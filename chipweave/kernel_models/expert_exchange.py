"""Tokens to the ranks of their experts and back over NVLink, as the libraries that were measured do it.

A floor, then bytes at the library's own rate; or, where tokens are told their places one by one, a time for each token
beside the links'. Both come from calibration rows (chipweave/data/serving/packages).
"""

from __future__ import annotations

from collections.abc import Mapping

ROW_SMS = 24
"""SMs that DeepEP's normal kernels have where rates are stated."""
WIDTHS = {"nvfp4": 0.5625, "bfloat16": 2.0, "fp8": 1.0}
"""Type of a dispatched token -> bytes of a value."""


def touched(ranks: int, top_k: int, own: bool) -> float:
    """Ranks that a token's experts lie on, expected; without the token's own where `own` is False."""
    return (ranks if own else ranks - 1) * (1.0 - (1.0 - 1.0 / ranks) ** top_k)


def token_bytes(library: str, what: str, dtype: str, ranks: int, hidden: int, top_k: int) -> float:
    """Bytes that one token puts on the links.

    Args:
        library: DeepEP_low_latency, DeepEP_normal, NVLinkOneSided or NVLinkTwoSided.
        what: dispatch, combine, combine_low_precision or prepare.
        dtype: of a dispatched token; the library's own where it is none of `WIDTHS`.
    """
    if what == "prepare":
        return 4.0 * top_k
    width = 2.0
    if what == "combine_low_precision":
        width = 1.0
    elif what == "dispatch":
        width = WIDTHS.get(dtype, 2.0 if library == "DeepEP_normal" else 1.0)
    if library == "DeepEP_low_latency":
        return top_k * hidden * width
    return touched(ranks, top_k, own=library != "NVLinkOneSided") * hidden * width


def exchange_seconds(
    figures: Mapping[str, float], prefix: str, tokens: float, each: float, links: float, slower: float = 1.0
) -> float:
    """Seconds of one call; KeyError where `figures` has none of it.

    Args:
        prefix: what the names of the call's figures begin with.
        tokens: of a rank; each: bytes that one puts on the links.
        links: bytes/s of a GPU's links beneath a kernel.
        slower: by which the library's rate is divided: SMs that its kernels lack.
    """
    floor = figures[f"{prefix}_floor_s"]
    if f"{prefix}_token_s" in figures:
        return floor + tokens * (figures[f"{prefix}_token_s"] + each / links)
    return floor + tokens * each * slower / figures[f"{prefix}_rate"]
