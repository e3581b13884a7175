"""Matrix instructions of a fifth-generation tensor unit (tcgen05) and the main loop made of them.

Rates are the data sheet's: an instruction of N columns takes N / 2 cycles (M = 128 rows on one SM, or 256 on two), or
what its operands take from shared memory. The start-up is counted in trips through shared memory (a guess): the
descriptor, the arrival at the barrier, the poll; one more for operands in shared memory, one more for a pair of SMs.
"""

from __future__ import annotations

from typing import Any

OPERAND_BYTES = {16: 2.0, 32: 1.0, 64: 0.5}
"""Inner dimension of one instruction -> bytes of an operand."""


def rate_cycles(rows: int, columns: int, pair: bool) -> float:
    """Cycles of the products alone; 64 rows use half of a unit."""
    return columns / (4.0 if pair and rows == 128 else 2.0)


def operand_cycles(tensor: Any, rows: int, columns: int, shared: bool, pair: bool) -> float:
    """Cycles of the operands' way from shared memory; 32 bytes of a row and instruction, whatever the width."""
    sides = 2 if pair else 1
    a = rows / sides * 32.0 if shared else 0.0
    b = columns * 32.0 / sides * (1.5 if pair and rows == 256 else 1.0)
    return (a + b) / tensor.shared_bytes


def startup_cycles(tensor: Any, rows: int, shared: bool, pair: bool) -> float:
    """Cycles from issue to completion beside the products."""
    own = rows // (2 if pair else 1)
    return tensor.trip_cycles * (3.0 + pair + (own / 128.0 if shared else 0.0))


def latency(tensor: Any, rows: int, columns: int, shared: bool, pair: bool) -> float:
    """Cycles from issue to completion of one instruction."""
    return rate_cycles(rows, columns, pair) + startup_cycles(tensor, rows, shared, pair)


def mean_time(tensor: Any, rows: int, columns: int, depth: int, shared: bool, pair: bool) -> float:
    """Cycles per instruction of `depth` in a row, with one wait at the end."""
    each = max(rate_cycles(rows, columns, pair), operand_cycles(tensor, rows, columns, shared, pair))
    return each + startup_cycles(tensor, rows, shared, pair) / depth


def mainloop_flops(
    tensor: Any, clock: float, tile: tuple[int, int, int], width: int, stages: int, load_cycles: float
) -> float:
    """FLOP/s of one SM in the main loop of a tile.

    The copy engine takes a row of a tile a cycle, in pieces of 128 bytes. A stage is copied, multiplied and given
    back: `stages` of them are under way at once.

    Args:
        tile: rows, columns and inner edge of a stage.
        stages: 0: as many as shared memory holds.
        width: bytes of an operand.
        load_cycles: from the request for a stage to its first row.
    """
    m, n, k = tile
    each = max(rate_cycles(m, n, False), operand_cycles(tensor, m, n, True, False))
    products = each * max(1.0, k * width / 32.0)
    copied = float((m + n) * max(1, -(-k * width // 128)))
    trip = load_cycles + copied + products + 2 * tensor.trip_cycles
    stages = stages or max(1, int(tensor.shared_memory) // ((m + n) * k * width))
    step = max(products, copied, trip / stages)
    return 2.0 * m * n * k * clock / step
