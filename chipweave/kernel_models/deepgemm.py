"""What DeepGEMM (deepseek-ai/DeepGEMM, MIT) does that its times depend on, by release: choice of tile, clusters,
epilogue.

Its FP8 kernels are persistent: a tile's epilogue is not overlapped with its SM's next main loop, but the next tile's
operands are fetched meanwhile (a warp group of their own runs ahead), so `overlapped=False`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from chipweave.kernel_models.tiles import Tile

BANK_ROW, CHUNK = 128, 16
"""Bytes that the banks of shared memory take in one pass, and of them what one lane of a warp's matrix store writes."""

NARROW = tuple(range(16, 129, 8))


@dataclass(frozen=True)
class Release:
    """One state of the library.

    widths, heights  of the tiles tried; `heights` by kind, () where the rows alone decide: 64 up to 64 rows, else 128
    multicast_from   rows from which pairs of blocks share an operand
    padded           the output tile has rows padded in shared memory, so that a store's lanes meet no bank twice
    ties             which of two tiles with the same waves wins
    """

    widths: tuple[int, ...]
    heights: dict[str, tuple[int, ...]]
    multicast_from: int
    padded: bool
    ties: Callable[[tuple[int, int], tuple[int, int]], bool]


def _wider(new: tuple[int, int], old: tuple[int, int]) -> bool:
    return new[1] >= old[1] and new[0] <= old[0]


def _taller_then_narrower(new: tuple[int, int], old: tuple[int, int]) -> bool:
    return new[0] > old[0] or (new[0] == old[0] and new[1] < old[1])


def _least_waste(new: tuple[int, int], old: tuple[int, int]) -> bool:
    (rows, columns), (old_rows, old_columns) = new, old
    if rows == old_rows:
        return columns < old_columns
    return rows < old_rows if columns == old_columns else columns > old_columns


ONE_HEIGHT: dict[str, tuple[int, ...]] = {"dense": (), "masked": (), "contiguous": (128,)}
RELEASES = {
    "2025-02": Release(NARROW, ONE_HEIGHT, 1024, False, _wider),
    "2025-03": Release((*NARROW, 144, 160), ONE_HEIGHT, 512, False, _taller_then_narrower),
    "2025-04": Release(
        (*NARROW, 144, 160),
        {"dense": (64, 128, 256), "masked": (64, 128, 256), "contiguous": (128,)},
        512,
        True,
        _least_waste,
    ),
    "trtllm": Release(NARROW, ONE_HEIGHT, 1024, False, _taller_then_narrower),
}
"""Commits 5da24e2, 55ab91f and 327ec92; the copy in TensorRT-LLM 1.3 (fp8_blockscale_gemm, deep_gemm)."""

SWAPPED_BELOW = 32
"""Rows a group below which TensorRT-LLM's copy swaps the operands: the weights are a tile's rows then (64 on H20)."""


def choose(sms: int, m: int, n: int, groups: int = 1, kind: str = "dense", release: str = "2025-04") -> Tile:
    """The tile for `groups` groups of `m` expected rows and `n` columns; kind: dense, contiguous or masked.

    Fewest waves first, then the fullest last wave, then as the release breaks ties.
    """
    rule = RELEASES[release]
    best: tuple[tuple[int, int], tuple[int, int]] | None = None
    for rows in rule.heights[kind] or ((64,) if m <= 64 else (128,)):
        for columns in (w for w in rule.widths if rows <= 128 or w <= 128):
            waves, last = _waves(sms, m, n, groups, rows, columns)
            new = (-waves, last), (rows, columns)
            if best is None or new[0] > best[0] or (new[0] == best[0] and rule.ties(new[1], best[1])):
                best = new
    assert best is not None  # every release has a tile
    return _paired(Tile(*best[1]), m, n, groups, kind, release)


def choose_swapping(sms: int, m: int, n: int, groups: int) -> Tile:
    """The tile of TensorRT-LLM's copy for `groups` groups of `m` expected rows, as rows x columns of the output."""
    if m >= SWAPPED_BELOW:
        return choose(sms, m, n, groups, "masked", "trtllm")
    tile = choose(sms, n, m, groups, "masked", "trtllm")
    return Tile(tile.columns, tile.rows, tile.beside, tile.over)


def _waves(sms: int, m: int, n: int, groups: int, rows: int, columns: int) -> tuple[int, int]:
    tiles = ceil(m / rows) * ceil(n / columns) * groups
    return ceil(tiles / sms), tiles % sms or sms


def _paired(tile: Tile, m: int, n: int, groups: int, kind: str, release: str) -> Tile:
    """Add the cluster of two, where the release allows it."""
    many = m >= RELEASES[release].multicast_from
    beside = many and n % (2 * tile.columns) == 0
    over = many and m % (2 * tile.rows) == 0
    if release == "2025-02":
        over = False
    if release in ("2025-02", "2025-03", "trtllm"):
        over, beside = (pair and groups == 1 for pair in (over, beside))
    else:
        over = over and kind == "dense"
    if over and (tile.rows <= tile.columns or not beside):
        return Tile(tile.rows, tile.columns, 2, 1)
    return Tile(tile.rows, tile.columns, 1, 2) if beside else tile


def store_conflicts(columns: int, release: str) -> int:
    """Passes of the banks for one store of eight rows of 16 bytes, which lie a row of the output tile apart."""
    if RELEASES[release].padded:
        return 1
    places = [row * columns * 2 // CHUNK % (BANK_ROW // CHUNK) for row in range(8)]
    return max(places.count(p) for p in places)
