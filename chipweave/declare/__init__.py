"""Declared parameters and statistics, and what reading them needs: units, YAML with places, sources, user code."""

from chipweave.declare.params import (
    REQUIRED,
    TYPES,
    Declared,
    Param,
    Stat,
    as_node,
    check_head,
    named,
    read_all,
)

__all__ = [
    "Declared",
    "Param",
    "REQUIRED",
    "Stat",
    "TYPES",
    "as_node",
    "check_head",
    "named",
    "read_all",
]
