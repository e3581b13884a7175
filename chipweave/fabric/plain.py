"""Builds the plain stage engine with its networks' link models in Python."""

from __future__ import annotations

from typing import Any

from chipweave.chain.layout import Layout
from chipweave.declare import registry
from chipweave.plain.stages import PlainEngine


def plain_engine(layout: Layout, rules: Any, bin_ps: int, max_bins: int) -> PlainEngine:
    """The PlainEngine of a checked layout."""
    made = {n: registry.link_models.find(n.model).plain(layout, n, bin_ps, max_bins) for n in layout.parts["networks"]}
    return PlainEngine(layout, rules, bin_ps, max_bins, {n: model for n, model in made.items() if model is not None})
