"""JSON Schemas of what systems run on and are measured by: models, laws, servers, schedules, tables, figures.

Each is made from the keys, ranges and fields that the file's own reader knows.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from chipweave.component import characterised
from chipweave.declare import registry
from chipweave.io.shipped import shipped
from chipweave.kernel_models.attention import SPLITS, AttentionKernel
from chipweave.kernel_models.fused_moe import TILES, MoeStack
from chipweave.serving import library, load, schedule, serve, system
from chipweave.study import printed
from chipweave.trace import law, models
from chipweave.views.schema_words import CODE, Schema, closed, map_of, named, number, of_params, sourced, whole

TEXT: Schema = {"type": "string"}
LIST: Schema = {"type": "array"}
SERVED: Schema = {"type": ["string", "number"]}  # words of a command, of which YAML reads some as numbers
TYPES: dict[str, Schema] = {
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "float": {"type": ["number", "string"]},
    "str": TEXT,
}


def of_model() -> Schema:
    """The shapes of a model, as traces and studies read them."""
    layers = sourced({"anyOf": [closed(("first", "last", "every")), LIST]})
    return {**closed(models.KEYS, moe_layers=layers), "required": list(models.KEYS)}


def of_law() -> Schema:
    """The law of a made-up trace: numbers with where they are from."""
    known = {key: sourced(number(least, most), words) for key, (least, most, _, words) in law.NUMBERS.items()}
    bounds = sourced({"type": "array", "items": number(), "minItems": 2, "maxItems": 2})
    more = {"name": TEXT, "title": TEXT, "family": sourced({"enum": list(law.FAMILIES)}), "targets": map_of(bounds)}
    needed = ["schema", "name", "family", *(key for key, (_, _, default, _) in law.NUMBERS.items() if default is None)]
    return {**closed((*law.WORDS, *law.NUMBERS), **known, **more), "required": needed}


def of_schedule() -> Schema:
    """How the works of a step overlap."""
    work = {"enum": list(schedule.NAMES)}
    streams = {**map_of(TEXT), "propertyNames": work}
    after = {**map_of({"type": "array", "items": work}), "propertyNames": work}
    found = closed(schedule.KEYS, name=TEXT, about=TEXT, micro_batches={"enum": [1, 2]}, streams=streams, after=after)
    return {**found, "required": ["schema", "name"]}


def of_server() -> Schema:
    """A die, and the node and how many, or the system that simulates experts."""
    place, count = named(shipped()), whole(1, system.MOST_NODES)
    places = {"die": place, "node": place, "composed": place}
    found = closed(system.KEYS, name=TEXT, about=TEXT, nodes=count, fp8_peak=sourced(SERVED), **places)
    one_of = [{"required": ["node"]}, {"required": ["composed"]}]
    return {**found, "required": ["schema", "name", "die"], "anyOf": one_of}


def of_serve_run() -> Schema:
    """Requests on a server."""
    limit = whole(1, 1 << 24)
    server = closed(
        serve.SERVER,
        batching=_policy("batching"),
        preemption=_policy("preemption"),
        **dict.fromkeys(("step_tokens", "running", "block"), limit),
    )
    known: dict[str, Schema] = {key: SERVED for key in serve.KEYS if key not in ("requests", "server", "prefill")}
    known |= {
        "requests": _requests(),
        "server": server,
        "prefill": closed(("system", "parallel"), system=SERVED, parallel=SERVED),
        "seed": {"type": "integer", "minimum": 0},
    }
    return {**closed(serve.KEYS, **known), "required": ["schema", "system", "model", "requests"]}


def _policy(role: str) -> Schema:
    """A policy of a server: its name, its kind, or code."""
    kinds = [kind for kind in registry.serving_policies.kinds() if kind.startswith(f"{role}.")]
    return {"anyOf": [{"enum": [*kinds, *(kind.partition(".")[2] for kind in kinds)]}, CODE]}


def _requests() -> Schema:
    """How many requests, when they come, how long they are."""
    length = _one_of(
        load.LENGTHS,
        constant=whole(1, load.MOST_TOKENS),
        uniform={"type": "array", "items": whole(1, load.MOST_TOKENS), "minItems": 2, "maxItems": 2},
        lognormal={"type": "array", "items": number(0), "minItems": 2, "maxItems": 2},
    )
    arrivals = _one_of(load.ARRIVALS, closed_loop=whole(1, 1 << 20), poisson=number(1e-6, 1e9))
    keys = ("count", "arrivals", "prompt", "output")
    found = closed(keys, count=whole(1, load.MOST_REQUESTS), arrivals=arrivals, prompt=length, output=length)
    return {**found, "required": list(keys)}


def _one_of(keys: tuple[str, ...], **known: Schema) -> Schema:
    """A mapping with one of these keys alone; `file` is a path."""
    return {**closed(keys, **{**known, "file": TEXT}), "minProperties": 1, "maxProperties": 1}


def of_characterised() -> Schema:
    """A die measured at line rate, as tables."""
    access = closed(characterised.ACCESS, **of_params(characterised.ACCESS))
    rows = {
        name: {"type": "array", "items": closed(columns, **of_params(columns))}
        for name, columns in (("llc", characterised.HIT), ("gemm", characterised.GEMM))
    }
    memory = closed(characterised.MEMORY, **dict.fromkeys(characterised.MEMORY, access))
    found = closed(characterised.HEAD, **of_params(characterised.RATES), memory=memory, **rows)
    return {**found, "required": list(characterised.NEEDED)}


def _kernels(kind: type[Any], choice: str, allowed: Any) -> Schema:
    """Entries by name, with the fields of a dataclass; `choice`: the field that names one of `allowed`."""
    known: dict[str, Schema] = {f.name: TYPES[str(getattr(f.type, "__name__", f.type))] for f in fields(kind)}
    known[choice] = {"enum": list(allowed)}
    return map_of(closed(known, **known))


def of_attention() -> Schema:
    """Attention kernels of the frameworks."""
    kernels = _kernels(AttentionKernel, "splits", SPLITS)
    found = closed(library.KEYS, about=TEXT, sources=map_of(TEXT), kernels=kernels, instead=map_of(TEXT))
    return {**found, "required": ["schema", "kernels", "instead"]}


def of_moe() -> Schema:
    """Fused MoE stacks of the frameworks."""
    found = closed(("schema", "about", "sources", "stacks"), stacks=_kernels(MoeStack, "tiles", TILES))
    return {**found, "required": ["schema", "stacks"]}


def _figure() -> Schema:
    """A number with where it is from: a source and its kind, or calibration rows and words."""
    value = {"type": ["number", "string", "boolean", "array"]}
    return {**closed(("value", "source", "kind", "rows", "words"), value=value), "required": ["value"]}


def of_calibrated() -> Schema:
    """What serving has from calibration rows: figures, and parameters of communication stacks."""
    keys = ("schema", "device", "figures", "stacks")
    return closed(keys, device=TEXT, figures=map_of(_figure()), stacks=map_of(map_of(SERVED)))


def of_figures() -> Schema:
    """Fitted figures of a device, or of the kinds of a family: validation/calibrated, data/serving/packages."""
    return map_of({"anyOf": [_figure(), map_of(_figure())]})


def of_study() -> Schema:
    """What a paper prints, bar by bar."""
    keys = ("schema", "name", *(f.name for f in fields(printed.Printed)))
    tables = dict.fromkeys(("bars", "averages", "earlier", "host_overhead"), LIST)
    return {**closed(keys, models=map_of(TEXT), topologies=map_of(TEXT), **tables), "required": list(keys)}


def of_hbm_timings() -> Schema:
    """Timing tables of memory generations: sizes, and constraints in cycles and ns by their JEDEC names."""
    sizes = ("channels", "pseudo_channels", "bank_groups", "banks", "row_bytes", "burst_bytes")
    times = {**map_of(number(0)), "propertyNames": {"pattern": "^n[A-Z]"}}
    known: dict[str, Schema] = {name: whole(1, 1 << 20) for name in sizes}
    known |= {"source": TEXT, "cycles": times, "ns": times}
    return map_of({**closed(known, **known), "required": list(known)})
