"""Workers of a Dask cluster: `--executor dask --executor-option address=tcp://host:8786`."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from distributed import Client

from chipweave.study.executors import take_no_others


def make(workers: int, options: dict) -> Executor:
    """The workers behind a scheduler's address; without one, `workers` processes of this machine."""
    take_no_others("dask", options, ("address",))
    client = Client(options["address"]) if "address" in options else Client(n_workers=workers, threads_per_worker=1)
    executor = client.get_executor(pure=False)
    end = executor.shutdown

    def shutdown(wait: bool = True, **more: Any) -> None:
        """End the executor, and with it the connection that was made for it."""
        end(wait)
        client.close()

    executor.shutdown = shutdown
    return executor
