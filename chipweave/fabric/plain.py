"""Builds the plain stage engine with the plain twins of the link models."""

from chipweave.fabric.sends import flit_plan, speeds
from chipweave.plain.fair import PlainFair
from chipweave.plain.flit import PlainFlit
from chipweave.plain.stages import PlainEngine


def plain_engine(layout, rules, bin_ps, max_bins):
    networks = {}
    for n in layout.parts["networks"]:
        if n.model == "fair":
            networks[n] = PlainFair(n, bin_ps, max_bins, speeds(layout, n))
        elif n.model == "flit":
            networks[n] = PlainFlit(n, flit_plan(layout, n), bin_ps, max_bins)
    return PlainEngine(layout, rules, bin_ps, max_bins, networks)
