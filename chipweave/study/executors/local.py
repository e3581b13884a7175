"""Processes of this machine."""

import multiprocessing
import os
import threading
import time
from concurrent.futures import Executor, ProcessPoolExecutor

LOOK_EVERY_S = 1.0


def make(workers: int, options: dict) -> Executor:
    """`workers` processes, started anew rather than forked: the same on every system."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with, initargs=(os.getpid(),))


def _end_with(parent: int) -> None:
    """End this worker when the process that started it is gone, however it went."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
