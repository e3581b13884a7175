"""Ranks of MPI: `mpiexec -n 9 python -m mpi4py.futures -m chipweave sweep FILE --out DIR --executor mpi`."""

from concurrent.futures import Executor

from mpi4py.futures import MPIPoolExecutor

from chipweave.study.executors import take_no_others


def make(workers: int, options: dict) -> Executor:
    """The ranks that mpiexec started but one, which hands out the points; without any, `workers` are spawned."""
    take_no_others("mpi", options)
    return MPIPoolExecutor(max_workers=workers)
