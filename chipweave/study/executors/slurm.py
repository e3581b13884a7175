"""Jobs of Slurm, by submitit.

`--executor slurm --executor-option slurm_partition=cpu --executor-option folder=/shared/jobs`.
"""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import submitit

QUIET_S = 0.5  # after so long without a further point those there are go out as one job array


def make(workers: int, options: dict) -> Executor:
    """Job arrays of at most `workers` tasks at a time.

    `cluster=local` runs them on this machine. Other options are submitit's.
    """
    options = dict(options)
    inner = submitit.AutoExecutor(options.pop("folder", "chipweave-jobs"), cluster=options.pop("cluster", None))
    if inner.cluster == "slurm":
        options.setdefault("slurm_array_parallelism", workers)
    inner.update_parameters(**{key: int(v) if str(v).isdigit() else v for key, v in options.items()})
    return Arrays(inner)


class Arrays(Executor):
    """Points that come one after the other go out together, as a job array."""

    def __init__(self, inner: Any) -> None:
        self._inner, self._lock = inner, threading.Lock()
        self._waiting: list[tuple[Future[Any], Any, Any, Any]] = []
        self._timer: threading.Timer | None = None
        self._threads = ThreadPoolExecutor(256)

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        """As an Executor has it."""
        future: Future[Any] = Future()
        with self._lock:
            self._waiting.append((future, function, arguments, named))
            if self._timer:
                self._timer.cancel()
            self._timer = threading.Timer(QUIET_S, self._send)
            self._timer.start()
        return future

    def _send(self) -> None:
        """Submit what has been collected as one job array, and watch each job in a thread."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        try:
            with self._inner.batch():
                jobs = [self._inner.submit(function, *arguments, **named) for _, function, arguments, named in waiting]
        except Exception as error:  # sbatch refused: or whoever waits for the points would wait for ever
            for future, *_ in waiting:
                future.set_exception(error)
            return
        for (future, *_), job in zip(waiting, jobs, strict=True):
            self._threads.submit(_wait, job, future)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As an Executor has it."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)


def _wait(job: Any, future: Future) -> None:
    try:
        future.set_result(job.result())
    except BaseException as error:
        future.set_exception(error)
