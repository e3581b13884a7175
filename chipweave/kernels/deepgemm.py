"""Tile choice of DeepGEMM (deepseek-ai/DeepGEMM, MIT), restated: its FP8 kernels take the tile with the fewest waves.

Its kernels are persistent; a tile's epilogue is not overlapped with the next tile's main loop, so `overlapped=False`.
"""

from math import ceil

from chipweave.kernels.tiles import Tile

NARROW = tuple(range(16, 129, 8))
RELEASES = {"2025-02": (NARROW, (), 1024), "2025-04": ((*NARROW, 144, 160), (256,), 512)}
"""Per release: widths tried, extra heights tried for dense shapes, rows from which pairs multicast."""


def choose(sms, m, n, groups=1, kind="dense", release="2025-04"):
    """The tile for `groups` groups of `m` expected rows and `n` columns; kind: dense, contiguous or masked.

    Fewest waves first, then the fullest last wave, then least waste, as its heuristics does.
    """
    widths, tall, multicast_from = RELEASES[release]
    heights = (128,) if kind == "contiguous" else (64,) if m <= 64 else (128,)
    if release != "2025-02" and kind != "contiguous":
        heights = (64, 128) + (tall if kind == "dense" else ())
    best = None
    for rows in heights:
        for columns in (w for w in widths if rows <= 128 or w <= 128):
            candidate = (*_waves(sms, m, n, groups, rows, columns), rows, columns)
            if best is None or _better(candidate, best):
                best = candidate
    return _paired(Tile(*best[2:]), sms, m, n, groups, kind, release, multicast_from)


def _waves(sms, m, n, groups, rows, columns):
    tiles = ceil(m / rows) * ceil(n / columns) * groups
    return ceil(tiles / sms), tiles % sms or sms


def _better(new, old):
    if new[0] != old[0]:
        return new[0] < old[0]
    if new[1] != old[1]:
        return new[1] > old[1]
    (rows, columns), (old_rows, old_columns) = new[2:], old[2:]
    if rows == old_rows:
        return columns < old_columns
    if columns == old_columns:
        return rows < old_rows
    return columns > old_columns


def _paired(tile, sms, m, n, groups, kind, release, multicast_from):
    """Add the cluster of two, where the release allows it."""
    over = m >= multicast_from and kind != "masked" and ceil(m / tile.rows) % 2 == 0
    beside = m >= multicast_from and n % (2 * tile.columns) == 0
    if release == "2025-02":
        over, beside = False, beside and groups == 1
    if over and (tile.rows <= tile.columns or not beside):
        return Tile(tile.rows, tile.columns, 2, 1)
    if beside:
        return Tile(tile.rows, tile.columns, 1, 2)
    return tile
