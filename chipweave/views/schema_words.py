"""Words that the JSON Schemas of YAML files are made of: parameters, mappings of known keys, code, kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chipweave.declare.params import WHOLE, Param

Schema = dict[str, Any]
CODE = {"type": "string", "pattern": ":", "description": "code of one's own: ./file.py:Class or module:Class"}
WRAPPER = ("value", "source", "kind", "instead_of", "yields")


def value(param: Param) -> Schema:
    """What may be written for a parameter: the plain value, or a mapping of value and source."""
    words = f"{param.doc} [{param.allowed()}]" + ("" if param.required else f"; default {param.default}")
    found = sourced(listed(param), words)
    return {**found, "anyOf": [*found["anyOf"], {"type": "null"}]}


def sourced(plain: Schema, words: str = "") -> Schema:
    """A value, or a mapping of it and where it is from."""
    wrapped = {**closed(WRAPPER, value=plain), "required": ["value"]}
    return {**({"description": words} if words else {}), "anyOf": [plain, wrapped]}


def number(least: float | None = None, most: float | None = None) -> Schema:
    """A number from `least` to `most`."""
    bounds = {"minimum": least, "maximum": most}
    return {"type": "number", **{key: bound for key, bound in bounds.items() if bound is not None}}


def whole(least: int, most: int) -> Schema:
    """A whole number."""
    return {"type": "integer", "minimum": least, "maximum": most}


def named(names: Iterable[str]) -> Schema:
    """One of these names, or a file."""
    return {"anyOf": [{"enum": list(names)}, {"type": "string", "pattern": r"\.ya?ml$"}]}


def map_of(inner: Schema) -> Schema:
    """A mapping whose keys are names of the file's own."""
    return {"type": "object", "additionalProperties": inner}


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
