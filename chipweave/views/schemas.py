"""JSON Schema of the YAML files, made from the declarations that `chipweave check` reads: editors complete and judge as
one types.

A schema knows one file. What needs several (an override whose kind stands in the file it extends, code of a user's, a
link that leads nowhere) it lets pass; `chipweave check` says it.
"""

from __future__ import annotations

from chipweave.component.component import RESERVED
from chipweave.declare import registry
from chipweave.errors import BadInput, Fault, nearest
from chipweave.io.shipped import shipped
from chipweave.noc.router_yaml import FlitRouter
from chipweave.noc.shape import shapes
from chipweave.policy import strategy
from chipweave.policy.roles import ROLES
from chipweave.run import file as run_file
from chipweave.run.spec import STRATEGIES
from chipweave.study import point, sweep_file
from chipweave.topology import preset, tree
from chipweave.topology.network_settings import SETTINGS, STRUCTURE
from chipweave.views import schemas_of_data as data
from chipweave.views.schema_words import CODE, Schema, closed, kinds_of, of_params

DRAFT = "http://json-schema.org/draft-07/schema#"  # what editors' YAML servers read
FILES = {
    "topology": ("chipweave.topology/1", lambda: topology()),
    "preset": ("chipweave.preset/1", lambda: of_preset()),
    "run": ("chipweave.run/1", lambda: of_run()),
    "strategy": ("chipweave.strategy/1", lambda: of_strategy()),
    "sweep": ("chipweave.sweep/1", lambda: of_sweep()),
    "model": ("chipweave.model/1", data.of_model),
    "law": ("chipweave.law/1", data.of_law),
    "schedule": ("chipweave.schedule/1", data.of_schedule),
    "server": ("chipweave.server/1", data.of_server),
    "serve_run": ("chipweave.serve_run/1", data.of_serve_run),
    "characterised": ("chipweave.characterised/1", data.of_characterised),
    "attention": ("chipweave.attention/1", data.of_attention),
    "moe": ("chipweave.moe/1", data.of_moe),
    "calibrated": ("chipweave.calibrated/1", data.of_calibrated),
    "study": ("chipweave.study/1", data.of_study),
    "hbm_timings": (None, data.of_hbm_timings),
    "figures": (None, data.of_figures),
}
"""Sort of file -> (what its `schema:` says, None where it has none; the schema's maker)."""


def schema(name: str) -> Schema:
    """The JSON Schema of one sort of file.

    Raises:
        BadInput: there is no such sort.
    """
    if name not in FILES:
        raise BadInput(Fault(f"no schema {name!r}", allowed=", ".join(FILES), nearest=nearest(name, FILES)))
    says, make = FILES[name]
    found = make()
    if says:
        found.setdefault("properties", {})["schema"] = {"const": says}
    return {"$schema": DRAFT, "title": says or name, **found}


def part() -> Schema:
    """An entry of `parts` or `slots`: of a kind it knows, with that kind's parameters and no others."""
    rules = []
    for kind in kinds_of(registry.components):
        params = registry.components.find(kind).params
        allowed = {"properties": of_params(params), "propertyNames": {"enum": [*RESERVED, *params]}}
        rules.append({"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": allowed})
    known = {
        "kind": {"anyOf": [{"enum": kinds_of(registry.components)}, CODE]},
        "assembly": {"type": "string"},
        "grid": {"type": ["array", "null"]},
        "slots": {"type": "object", "additionalProperties": {"anyOf": [{"$ref": "#/definitions/part"}, CODE, {}]}},
        "override": {"type": "object"},
    }
    return {"type": "object", "properties": known, "allOf": rules}


def network() -> Schema:
    """An entry of `networks`: its own settings and those of every shape."""
    of_shapes = [shapes.find(kind) for kind in shapes.kinds()]
    params = {name: param for shape in of_shapes for name, param in shape.params.items()} | dict(SETTINGS)
    more: Schema = {name: {} for name in (*STRUCTURE, *(key for shape in of_shapes for key in shape.structure))}
    properties: Schema = {**more, **of_params(params)}
    properties["router"] = router()
    for name in ("shape", "routing"):  # a package of one's own may add some
        properties[name]["anyOf"].append(CODE)
    return {"type": "object", "properties": properties, "additionalProperties": False}


def router() -> Schema:
    """A network's router under flit."""
    return {"type": "object", "properties": of_params(FlitRouter.params)}


def topology() -> Schema:
    """A topology."""
    parts = {"type": "object", "additionalProperties": {"anyOf": [{"$ref": "#/definitions/part"}, {"type": "null"}]}}
    assembly = {"type": "object", "properties": {"parts": {"$ref": "#/definitions/parts"}}}
    networks = {"type": "object", "additionalProperties": {"anyOf": [network(), {"type": "null"}]}}
    found = closed(
        tree.TOP,
        extends={"anyOf": [{"enum": list(shipped())}, {"type": "string"}]},
        parts={"$ref": "#/definitions/parts"},
        assemblies={"type": "object", "additionalProperties": assembly},
        networks=networks,
        links={"type": "array", "items": {"type": "object"}},
        expect={"type": "object"},
    )
    return {**found, "definitions": {"part": part(), "parts": parts}}


def of_preset() -> Schema:
    """A preset: parameters of kinds, settings of networks, habits of a run."""
    kinds = {}
    for family in (registry.components, registry.policies):
        for kind in kinds_of(family):
            params = of_params(family.find(kind).params)
            kinds[kind] = {"type": "object", "properties": params, "additionalProperties": False}
    settings = closed((*SETTINGS, "router"), **of_params(SETTINGS), router=router())
    return closed(
        preset.KEYS,
        kinds={"type": "object", "properties": kinds},
        networks={"type": "object", "additionalProperties": settings},
        run=closed(preset.RUN),
    )


def policy(role: str) -> Schema:
    """A policy: a kind alone, or a mapping of kind and parameters."""
    names = kinds_of(registry.policies, f"{role}.")
    rules = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": closed(
                ("kind", *registry.policies.find(kind).params), **of_params(registry.policies.find(kind).params)
            ),
        }
        for kind in names
    ]
    kind = {"anyOf": [{"enum": [*names, *(name.partition(".")[2] for name in names)]}, CODE]}
    return {"anyOf": [kind, {"type": "object", "properties": {"kind": kind}, "required": ["kind"], "allOf": rules}]}


def of_strategy() -> Schema:
    """A strategy: one policy for each role."""
    return closed(("schema", *strategy.WORDS, *ROLES), **{role: policy(role) for role in ROLES})


def of_run() -> Schema:
    """A run file."""
    written = {"type": "object", "properties": {role: policy(role) for role in ROLES}}
    texts = {"type": "array", "items": {"type": "string"}}
    params = run_file.RunFile.params
    one = {"anyOf": [{"enum": list(STRATEGIES)}, {"type": "string"}, written]}
    more = {"strategy": one, "strategies": {"type": "array", "items": one}, "set": texts, "link_models": texts}
    return closed(("schema", *params, *more), **{**of_params(params), **more})


def of_sweep() -> Schema:
    """A sweep file."""
    return closed(
        sweep_file.KEYS,
        run=closed((*point.SPEC_KEYS, "set")),
        vary={"type": "object", "additionalProperties": {"type": "array", "minItems": 1}},
        together={"type": "array", "items": {"type": "object"}},
        plot={"type": "array", "items": {**closed(sweep_file.PLOT_KEYS), "required": ["x", "y"]}},
    )
