"""The HBM of a GPU die at line rate: stacks x channels x pseudo channels (csrc/behaviours/hbm_channel/hbm_channel.c).

Models      bank groups, rows, the timing rules of JEDEC, first-ready access order, write drains, refresh by bank or all
            at once. Timing tables by generation: chipweave/data/hbm_timings.yaml.
Leaves out  ECC traffic, temperature-dependent refresh, power-down.
Checked by  tests/die
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cached_property
from importlib.resources import files
from typing import Any

import yaml

from chipweave.component import Component, Param, Port, component

TIMINGS = yaml.safe_load((files("chipweave") / "data" / "hbm_timings.yaml").read_text(encoding="utf-8"))
FEMTO = 10**15


@component("gpu.hbm")
class GpuHbm(Component):
    """All stacks of one die; channel c of stack s is number s * channels + c."""

    engine = "endpoint"
    behaviour = "hbm_channel"

    access = Port(provides="memory.bursts", doc="lines of the slices")

    generation = Param("choice", choices=sorted(TIMINGS), doc="timing table")
    stacks = Param("int", low=1, doc="stacks")
    clock = Param("frequency", low="1 MHz", doc="memory clock (CK): HBM2e moves 2 bits a pin and cycle, HBM3 moves 4")
    capacity = Param("bytes", low="1 GB", doc="all stacks together")
    high_mark = Param("int", default=48, low=1, doc="waiting writes that start a drain")
    low_mark = Param("int", default=16, low=0, doc="waiting writes that end it")
    controller_cycles = Param("int", low=0, doc="cycles of the controller between data bus and answer")
    controller_clock = Param("frequency", low="1 MHz", doc="clock of these cycles")
    refresh_all = Param(
        "bool",
        default="false",
        doc="refresh all banks at once where a refresh falls due in a pause; false: always bank by bank",
    )
    unit = Param(
        "int", default=2, low=1, doc="neighbouring lines in one row before the next pseudo channel's turn; a guess"
    )
    request_bytes = Param("int", default=0, low=0, doc="header of an answer")

    @property
    def table(self) -> dict[str, dict[Any, Any] | int | str]:
        """The timing table of the generation."""
        return TIMINGS[self.generation]

    @property
    def channel_count(self) -> int:
        """Channels of all stacks."""
        return self.stacks * self.table["channels"]

    @cached_property
    def bandwidth(self) -> Any:
        """Peak of all stacks, Fraction of bytes/s."""
        t = self.table
        return (
            Fraction(self.channel_count * t["pseudo_channels"] * t["burst_bytes"]) * self.clock / t["cycles"]["nCCDS"]
        )

    def cycles(self) -> Any:
        """JEDEC name -> cycles of this part's clock; times are rounded up."""
        ns = {name: math.ceil(Fraction(str(t)) * self.clock / 10**9) for name, t in self.table["ns"].items()}
        return self.table["cycles"] | ns

    def endpoints(self) -> list[dict[str, int]]:
        """Parameters of every channel; refreshes are spread over the channels."""
        t, cycles = self.table, self.cycles()
        common = cycles | {
            "tck": round(Fraction(FEMTO) / self.clock),
            "pseudo_channels": t["pseudo_channels"],
            "bank_groups": t["bank_groups"],
            "banks": t["banks"],
            "row_lines": t["row_bytes"] // 128,
            "high_mark": self.high_mark,
            "low_mark": self.low_mark,
            "controller": round(Fraction(self.controller_cycles * 10**12) / self.controller_clock),
            "request_bytes": self.request_bytes,
            "unit": self.unit,
            "refresh_all": int(self.refresh_all),
        }
        n = self.channel_count
        return [common | {"phase": cycles["nREFI"] * i // n // t["pseudo_channels"]} for i in range(n)]
