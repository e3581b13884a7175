"""Builds the plain stage engine with the plain twins of the link models."""

from chipweave.plain.fair import PlainFair
from chipweave.plain.stages import PlainEngine


def plain_engine(layout, rules, bin_ps, max_bins):
    networks = {n: PlainFair(n, bin_ps, max_bins) for n in layout.parts["networks"] if n.model == "fair"}
    return PlainEngine(layout, rules, bin_ps, max_bins, networks)
