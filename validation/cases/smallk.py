"""smallk and launch: a repeated SCALE kernel on little data, by the way its repetitions are started.

A kernel-level model of the command processor (chipweave/kernels/launch.py); one element a thread, block size free.
"""

from chipweave.kernels.launch import launched_seconds, persistent_seconds
from chipweave.ledger import NotModelled, case
from chipweave.validation.chips import calibrated, chip_of
from chipweave.validation.calibrate_kernels import launch_path

WAYS = {"grid.sync": "grid.sync", "persistent": "persistent", "graph": "graph", "stream": "stream"}
"""Word in a row's quantity -> way of repeating; the first that occurs counts."""


@case("h100", "smallk", bar=0.10)
def predict(questions):
    """Microseconds per repetition."""
    figures = calibrated()
    return {q.id: answer(q, figures, q.x) for q in questions}


def answer(q, figures, moved_bytes):
    """Prediction for one row, or why there is none."""
    way = next((w for word, w in WAYS.items() if word in q.quantity), None)
    chip = chip_of(q.device, figures)
    if not way or not chip or not moved_bytes:
        return NotModelled("way of launching or device not recognised in the row")
    path = launch_path(figures)
    if way in path.gap_s:
        return 1e6 * launched_seconds(chip, path, moved_bytes, way)
    return 1e6 * persistent_seconds(chip, path, moved_bytes, cooperative=way == "grid.sync")
