"""JSON Schema of the YAML files, made from the declarations that `chipweave check` reads: editors complete and judge as
one types.

A schema knows one file. What needs several (an override whose kind stands in the file it extends, code of a user's, a
link that leads nowhere) it lets pass; `chipweave check` says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chipweave.component.component import RESERVED
from chipweave.declare import registry
from chipweave.declare.params import WHOLE, Param
from chipweave.errors import BadInput, Fault, nearest
from chipweave.io.shipped import shipped
from chipweave.noc.router_yaml import FlitRouter
from chipweave.noc.shape import shapes
from chipweave.policy import strategy
from chipweave.policy.roles import ROLES
from chipweave.run import file as run_file
from chipweave.run.spec import STRATEGIES
from chipweave.serving import schedule, serve
from chipweave.study import point, sweep_file
from chipweave.topology import preset, tree
from chipweave.topology.network_settings import SETTINGS, STRUCTURE
from chipweave.trace import models

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"  # what editors' YAML servers read
CODE = {"type": "string", "pattern": ":", "description": "code of one's own: ./file.py:Class or module:Class"}
WRAPPER = ("value", "source", "kind", "instead_of", "yields")
FILES = {
    "topology": ("chipweave.topology/1", lambda: topology()),
    "preset": ("chipweave.preset/1", lambda: of_preset()),
    "run": ("chipweave.run/1", lambda: of_run()),
    "strategy": ("chipweave.strategy/1", lambda: of_strategy()),
    "sweep": ("chipweave.sweep/1", lambda: of_sweep()),
    "model": ("chipweave.model/1", lambda: closed(models.KEYS)),
    "schedule": ("chipweave.schedule/1", lambda: closed(schedule.KEYS)),
    "serve_run": ("chipweave.serve_run/1", lambda: closed(serve.KEYS)),
}


def schema(name: str) -> Schema:
    """The JSON Schema of one sort of file.

    Raises:
        BadInput: there is no such sort.
    """
    if name not in FILES:
        raise BadInput(Fault(f"no schema {name!r}", allowed=", ".join(FILES), nearest=nearest(name, FILES)))
    says, make = FILES[name]
    found = make()
    found.setdefault("properties", {})["schema"] = {"const": says}
    return {"$schema": DRAFT, "title": says, **found}


def value(param: Param) -> Schema:
    """What may be written for a parameter: the plain value, or a mapping of value and source."""
    plain = listed(param)
    wrapped = {
        "type": "object",
        "properties": {name: {} for name in WRAPPER} | {"value": plain},
        "required": ["value"],
        "additionalProperties": False,
    }
    words = f"{param.doc} [{param.allowed()}]" + ("" if param.required else f"; default {param.default}")
    return {"description": words, "anyOf": [plain, wrapped, {"type": "null"}]}


def listed(param: Param) -> Schema:
    """As `plain`, or a list of such where the parameter is one."""
    return {"type": "array", "items": plain(param)} if param.many and param.type != "table" else plain(param)


def plain(param: Param) -> Schema:
    """The value itself: one of the choices, or a number with its unit, within the range where it has no unit."""
    if param.type == "choice":
        texts = list(param.choices)
        return {"enum": texts + [v for text, v in (("true", True), ("false", False)) if text in texts] + numbers(texts)}
    if param.type == "bool":
        return {"type": "boolean"}
    if param.type == "str":
        return {"type": ["string", "number"]}
    if param.type == "table":
        return {"type": ["array", "string"]}
    bounds = {"minimum": param.low, "maximum": param.high} if param.type in WHOLE else {}
    bounds = {key: bound for key, bound in bounds.items() if isinstance(bound, (int, float))}
    return {"anyOf": [{"type": "number", **bounds}, {"type": "string", "pattern": r"^\s*[-+.\d]"}]}


def numbers(texts: Iterable[str]) -> list[int]:
    """Choices that YAML reads as whole numbers."""
    return [int(text) for text in texts if text.isdigit()]


def of_params(params: Mapping[str, Param]) -> Schema:
    """Properties of parameters."""
    return {name: value(param) for name, param in params.items()}


def closed(keys: Iterable[str], **known: Schema) -> Schema:
    """A mapping with these keys and no others."""
    return {"type": "object", "properties": {key: known.get(key, {}) for key in keys}, "additionalProperties": False}


def kinds_of(family: Any, prefix: str = "") -> list[str]:
    """The kinds of a registry."""
    return [kind for kind in family.kinds() if kind.startswith(prefix)]


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
