"""Plain twin of csrc/behaviours/sm/lsu.c: what one warp instruction costs the load-store unit."""

from __future__ import annotations

from chipweave.plain.sm_state import SmState

LINE = 128


def fold(line: int, banks: int) -> int:
    """Tag bank of a line: exclusive or of its number in digits of `banks`, a power of two."""
    bank = 0
    while line and banks > 1:
        bank, line = bank ^ line % banks, line // banks
    return bank


def lines_of(addresses: list[int], size: int) -> dict[int, int]:
    """{line: sectors} in the order in which the lanes want them."""
    lines: dict[int, int] = {}
    for a in addresses:
        for at in range(a & ~31, a + size, 32):
            lines[at // LINE] = lines.get(at // LINE, 0) | 1 << at // 32 % 4
    return lines


class PlainLsu(SmState):
    """A part of the SM."""

    def wavefronts(self, lanes: int, size: int) -> int:
        """Cycles of the data path alone."""
        return -(-lanes * size // self.p["lsu_bytes"])

    def bank_cycles(self, addresses: list[int], size: int) -> int:
        """Most words of one bank, of each group of lanes that fills the data path."""
        cycles, group, banks = 0, max(1, self.p["lsu_bytes"] // size), self.p["lsu_banks"]
        for i in range(0, len(addresses), group):
            words = {(a + b) // 4 for a in addresses[i : i + group] for b in range(0, size, 4)}
            cycles += max(1, *(sum(1 for word in words if word % banks == k) for k in range(banks)))
        return cycles

    def tag_cycles(self, lines: dict[int, int]) -> int:
        """Most lines of one tag bank."""
        banks = [fold(line, self.p["lsu_tags"]) for line in lines]
        return max(1, *(banks.count(k) for k in range(self.p["lsu_tags"])))

    def lsu_take(self, start: int, cycles: int) -> int:
        """Hold the unit from `start` (fs) or from when it is free; returns when it begins."""
        start, slots = max(start, self.lsu), self.p["lsu_slots"]
        if slots:
            lost, self.lsu_used = divmod(self.lsu_used + cycles, slots - 1)
            cycles += lost
        self.lsu = start + cycles * self.period
        self.stats["lsu_busy"] += cycles * self.period // 1000
        return start
