"""The HBM of a GPU die at line rate: stacks x channels x pseudo channels (csrc/behaviours/hbm_channel/hbm_channel.c).

Models      bank groups, rows, the timing rules of JEDEC, first-ready access order, write drains, refresh by bank or all
            at once. Timing tables by generation: chipweave/data/hbm_timings.yaml.
Leaves out  ECC traffic, temperature-dependent refresh, power-down.
Checked by  tests/die
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from chipweave.component import Component, Param, Port, component
from chipweave.declare import yamlfile
from chipweave.line_rate.passed import Passed, passed

FEMTO = 10**15


@lru_cache(maxsize=1)
def timings() -> dict[str, Any]:
    """Generation -> timing table; read when a die has HBM, not when the kinds of parts are looked through."""
    table: dict[str, Any] = yamlfile.load(Path(str(files("chipweave") / "data" / "hbm_timings.yaml"))).plain()
    return table


def generations() -> list[str]:
    """The generations that have a table."""
    return sorted(timings())


@component("gpu.hbm")
class GpuHbm(Component):
    """All stacks of one die; channel c of stack s is number s * channels + c."""

    engine = "endpoint"
    behaviour = "hbm_channel"

    access = Port(provides="memory.bursts", doc="lines of the slices")

    generation = Param("choice", choices=generations, doc="timing table")
    stacks = Param("int", low=1, doc="stacks")
    clock = Param("frequency", low="1 MHz", doc="memory clock (CK): HBM2e moves 2 bits a pin and cycle, HBM3 moves 4")
    capacity = Param("bytes", low="1 GB", doc="all stacks together")
    high_mark = Passed("hbm_channel", "high_mark", default=48)
    low_mark = Passed("hbm_channel", "low_mark", default=16)
    controller_cycles = Param("int", low=0, doc="cycles of the controller between data bus and answer")
    controller_clock = Param("frequency", low="1 MHz", doc="clock of these cycles")
    refresh_all = Param(
        "bool",
        default="false",
        doc="refresh all banks at once where a refresh falls due in a pause; false: always bank by bank",
    )
    unit = Passed("hbm_channel", "unit", default=2, more="a guess")
    request_bytes = Passed("hbm_channel", "request_bytes", default=0)

    @property
    def table(self) -> dict[str, Any]:
        """The timing table of the generation."""
        return timings()[self.generation]

    @property
    def channel_count(self) -> int:
        """Channels of all stacks."""
        return self.stacks * self.table["channels"]

    @cached_property
    def bandwidth(self) -> Fraction:
        """Peak of all stacks, Fraction of bytes/s."""
        t = self.table
        return (
            Fraction(self.channel_count * t["pseudo_channels"] * t["burst_bytes"]) * self.clock / t["cycles"]["nCCDS"]
        )

    def cycles(self) -> dict[str, int]:
        """JEDEC name -> cycles of this part's clock; times are rounded up."""
        ns = {name: math.ceil(Fraction(str(t)) * self.clock / 10**9) for name, t in self.table["ns"].items()}
        return self.table["cycles"] | ns

    def endpoints(self) -> list[dict[str, int]]:
        """Parameters of every channel; refreshes are spread over the channels."""
        t, cycles = self.table, self.cycles()
        common = (
            cycles
            | passed(self)
            | {
                "tck": round(Fraction(FEMTO) / self.clock),
                "pseudo_channels": t["pseudo_channels"],
                "bank_groups": t["bank_groups"],
                "banks": t["banks"],
                "row_lines": t["row_bytes"] // 128,
                "controller": round(Fraction(self.controller_cycles * 10**12) / self.controller_clock),
                "refresh_all": int(self.refresh_all),
            }
        )
        n = self.channel_count
        return [common | {"phase": cycles["nREFI"] * i // n // t["pseudo_channels"]} for i in range(n)]
