"""Builds the plain stage engine."""

from chipweave.plain.stages import PlainEngine


def plain_engine(layout, rules, bin_ps, max_bins):
    return PlainEngine(layout, rules, bin_ps, max_bins)
