"""BookSim 2's options that the flit kernel does not have, with the one value at which they change nothing.

A row with another value is `not modelled`. What BookSim 2 has beside these and `chipweave.noc.router.Router` is listed
in docs/reference/flit.md: it belongs to other routers and topologies, to options named here, or to what is printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chipweave.errors import BadInput

ANY = {  # of every row
    "router": ("iq", "another kind of router"),
    "subnets": (1, "several networks side by side, a packet in one of them by chance"),
    "classes": (1, "classes with queues and sources of their own"),
    "use_read_write": (0, "requests that are answered"),
    "vc_priority_donation": (0, "a head takes on the priority of what queues behind it"),
    "vc_prioritize_empty": (0, "empty VCs are asked for first"),
    "vc_shuffle_requests": (0, "requests in another order before the VC allocator"),
    "buffer_policy": ("private", "VCs that share buffers"),
    "link_failures": (0, "links left out by chance"),
}
RUN = {  # of rows whose packets are drawn and whose latencies are averaged
    "include_queuing": (1, "latencies without the time in the source"),
    "measure_stats": (1, "classes that are not measured"),
}
KINDS = ("latency", "throughput")


def check(row: dict[str, str], options: Mapping[str, tuple[object, str]] = ANY) -> None:
    """BadInput in words for every option of the row that we do not have."""
    found = [
        f"{name} = {row[name]}: {words}; only {name} = {neutral} is modelled"
        for name, (neutral, words) in options.items()
        if row.get(name) not in ("", None) and not _same(row[name], neutral)
    ]
    if row.get("routing_function") == "min_adapt" and not _same(row.get("speculative") or "0", 0):
        found.append(
            "min_adapt with speculation: BookSim 2 drops a bid for the switch "
            "where one of its two ranges of VCs cannot be had; not modelled"
        )
    if found:
        raise BadInput("; ".join(found))


def check_run(row: dict[str, str]) -> None:
    """check() for a row of a latency-load curve, whose warm-up and measurement must be of a length known beforehand."""
    check(row, RUN)
    if row.get("sim_type") not in KINDS:
        raise BadInput(f"sim_type = {row.get('sim_type')!r}; only {' and '.join(KINDS)} are modelled")
    if row["warmup_periods"].strip() == "0":
        raise BadInput("warmup_periods = 0: a warm-up that ends by itself; only a number of periods is modelled")


def _same(text: str, neutral: Any) -> bool:
    """Whether a value, perhaps in braces, is the neutral one for each class."""
    words = text.replace(" ", "").strip("{}").split(",")
    try:
        return all(float(word) == float(neutral) for word in words)
    except ValueError:
        return words == [str(neutral)]


def vc_depth(row: dict[str, str]) -> int | str | None:
    """Flits of a VC: `buf_size` shared out among the VCs where it is given, else `vc_buf_size`; None where neither
    is."""
    total = row.get("buf_size")
    try:
        if total and int(total) > 0:
            return int(total) // int(row["num_vcs"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        raise BadInput(f"buf_size = {total}, num_vcs = {row.get('num_vcs')}: no whole numbers") from None
    return row.get("vc_buf_size")
