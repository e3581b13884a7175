"""A trace for people: shape, provenance, first rows; and the check of its hash."""

import hashlib

from chipweave.errors import BadInput, Fault, Place

FIRST_ROWS = 4


def summary(header):
    """One line: what was made of how much."""
    shape, model = header.shape, header.model or "unknown model"
    return (
        f"{len(header.names)} requests, {1 + int(header.decode_steps.max())} steps, {len(shape.layers)} MoE layers"
        f" ({shape.layers[0]} to {shape.layers[-1]}), top-{shape.top_k} of {shape.experts} experts, {model}, sha256 {header.sha256[:16]}"
    )


def as_json(trace):
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


def first_rows(trace):
    """The first rows of step 0 and of step 1, in the first layer."""
    rows = []
    for step in range(min(2, trace.steps)):
        ids = trace.read(step)
        for row, owner in zip(ids[0][:FIRST_ROWS].tolist(), ids.owners(0).tolist()):
            rows.append({"step": step, "layer": trace.layers[0], "request": trace.order[owner], "ids": row})
    return rows


def verify(trace, progress=lambda text, done, total: None):
    """Read a whole trace and raise `BadInput` where its ids are not those its SHA-256 was made of."""
    hashes = [hashlib.sha256() for _ in trace.layers]
    for step in range(trace.steps):
        for block in trace.read_blocks(step):
            for hashed, ids in zip(hashes, block.transpose(1, 0, 2)):
                hashed.update(ids.tobytes())
        progress("verifying", step + 1, trace.steps)
    found = trace.header.content_hash([h.digest() for h in hashes])
    if found != trace.sha256:
        raise BadInput(Fault(f"its ids have the SHA-256 {found}, not {trace.sha256}", Place(str(trace.path))))


def print_trace(trace):
    """Shape, provenance and first rows as a table on standard output."""
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    facts = as_json(trace)
    for key in ("name", "model", "sha256", "requests", "steps", "has_prefill", "experts", "top_k"):
        table.add_row(key.replace("_", " "), str(facts[key]))
    table.add_row("layers", f"{len(trace.layers)}: {trace.layers[0]} to {trace.layers[-1]}")
    for key in ("prompt_rows", "decode_steps"):
        table.add_row(key.replace("_", " "), "{least} to {most}, mean {mean}".format(**facts[key]))
    for key, value in trace.provenance.items():
        table.add_row(f"provenance: {key}", str(value))
    for row in facts["first_rows"]:
        table.add_row(f"step {row['step']}, layer {row['layer']}", f"{row['ids']}  {row['request']}")
    Console().print(table, markup=False)


def _spread(values):
    return {"least": int(values.min()), "mean": round(float(values.mean()), 3), "most": int(values.max())}
