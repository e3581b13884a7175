"""A trace for people: shape, provenance, first rows; and the check of its hash."""

from __future__ import annotations

import hashlib
from typing import Any

from chipweave.errors import BadInput, Fault, Place
from chipweave.io.console import printable, say

FIRST_ROWS = 4
SHOWN = ("name", "model", "sha256", "requests", "steps", "has_prefill", "experts", "top_k")


def summary(header: Any) -> str:
    """One line: what was made of how much."""
    shape, model = header.shape, header.model or "unknown model"
    return (
        f"{len(header.names)} requests, {1 + int(header.decode_steps.max())} steps, {len(shape.layers)} MoE layers"
        f" ({shape.layers[0]} to {shape.layers[-1]}), top-{shape.top_k} "
        f"of {shape.experts} experts, {model}, sha256 {header.sha256[:16]}"
    )


def as_json(trace: Any) -> Any:
    """The document chipweave.trace.show/1: shape, requests, provenance, first rows."""
    return {
        "schema": "chipweave.trace.show/1",
        "name": trace.name,
        "model": trace.model or None,
        "sha256": trace.sha256,
        "requests": trace.requests,
        "steps": trace.steps,
        "has_prefill": trace.has_prefill,
        "layers": list(trace.layers),
        "layer_keys": trace.layer_keys,
        "experts": trace.experts,
        "top_k": trace.top_k,
        "prompt_rows": _spread(trace.prompt_rows),
        "decode_steps": _spread(trace.decode_steps),
        "provenance": trace.provenance,
        "first_rows": first_rows(trace),
    }


def first_rows(trace: Any) -> Any:
    """The first rows of step 0 and of step 1, in the first layer."""
    rows = []
    for step in range(min(2, trace.steps)):
        ids = trace.read(step)
        for row, owner in zip(ids[0][:FIRST_ROWS].tolist(), ids.owners(0).tolist(), strict=False):
            rows.append({"step": step, "layer": trace.layers[0], "request": trace.order[owner], "ids": row})
    return rows


def verify(trace: Any, progress: Any = lambda text, done, total: None) -> None:
    """Read a whole trace and raise `BadInput` where its ids are not those its SHA-256 was made of."""
    hashes = [hashlib.sha256() for _ in trace.layers]
    for step in range(trace.steps):
        for block in trace.read_blocks(step):
            for hashed, ids in zip(hashes, block.transpose(1, 0, 2), strict=False):
                hashed.update(ids.tobytes())
        progress("verifying", step + 1, trace.steps)
    found = trace.header.content_hash([h.digest() for h in hashes])
    if found != trace.sha256:
        raise BadInput(Fault(f"its ids have the SHA-256 {found}, not {trace.sha256}", Place(str(trace.path))))


def print_trace(trace: Any) -> None:
    """Shape, provenance and first rows, one a line, on standard output."""
    facts = as_json(trace)
    lines = [(key.replace("_", " "), facts[key]) for key in SHOWN]
    lines.append(("layers", f"{len(trace.layers)}: {trace.layers[0]} to {trace.layers[-1]}"))
    spread = "{least} to {most}, mean {mean}"
    lines += [(key.replace("_", " "), spread.format(**facts[key])) for key in ("prompt_rows", "decode_steps")]
    lines += [(f"provenance: {key}", value) for key, value in trace.provenance.items()]
    lines += [(f"step {r['step']}, layer {r['layer']}", f"{r['ids']}  {r['request']}") for r in facts["first_rows"]]
    wide = max(len(printable(name)) for name, _ in lines)
    for name, value in lines:
        say(f"{printable(name):{wide}}  {printable(value)}")


def _spread(values: Any) -> Any:
    """Least, mean and most of an array."""
    return {"least": int(values.min()), "mean": round(float(values.mean()), 3), "most": int(values.max())}
