"""Suite booksim: BookSim 2's packet traces, exact rates and latency-load curves against the flit kernel.

A reference folder may hold any of the files of validation/references/booksim; a file that is missing has no rows, and
one of them stands for its folder. Networks and options are read from the columns of the rows, so any run of BookSim 2
in that format is judged."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput
from chipweave.ledger import Result, relative_error

from ..booksim.curves import curve_rows
from ..booksim.files import FILES, Folder
from ..booksim.traces import micro_rows, trace_rows

REFERENCES = files("chipweave.validation") / "references" / "booksim"
GROUPS = ("traces", "microbench", "curves")


def results(
    reference: Path | None = None, groups: tuple[Any, ...] = (), device: Any = None, jobs: int = 1
) -> list[Result]:
    """Judge every row of the folder; `device` picks rows whose id begins with it, `jobs` spreads them over
    processes."""
    folder = Path(str(reference or REFERENCES))
    if folder.is_file() and folder.name in FILES:
        folder = folder.parent
    if not folder.is_dir():
        raise BadInput(f"{folder}: suite booksim wants a folder with reference.csv, packet_traces.csv, microbench.csv")
    data = Folder(folder)
    wanted = [g for g in GROUPS if not groups or g in groups]
    tasks = []
    if "traces" in wanted:
        tasks += trace_rows(data)
    if "microbench" in wanted:
        tasks += micro_rows(data)
    if "curves" in wanted:
        tasks += curve_rows(data)
    tasks = [t for t in tasks if not device or t.id.startswith(device)]
    if jobs <= 1 or len(tasks) < 2:
        return [judge(task) for task in tasks]
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(judge, tasks, chunksize=4))


def groups(reference: Any = None) -> tuple[str, ...]:
    """Its groups, of which a folder may lack some."""
    return GROUPS


def judge(task: Any) -> Result:
    """The Result of one task; a network or option that is not ours becomes a row `not modelled` with the reason."""
    error: float | None
    try:
        simulated, holds, tolerance, why = task.answer()
        error, status = relative_error(simulated, task.reference), "holds" if holds else "gap"
    except BadInput as fault:
        simulated = error = tolerance = None
        status, why = "not modelled", str(fault)
    return Result(
        task.id,
        task.group,
        "predicted",
        task.device,
        task.quantity,
        task.x_name,
        task.x_value,
        task.reference,
        simulated,
        error,
        tolerance,
        status,
        why,
    )
