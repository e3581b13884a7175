"""The board whose energies a run or a step is counted with: the system's own, else that of a package that is named."""

from __future__ import annotations

from chipweave import topology
from chipweave.errors import BadInput, Fault
from chipweave.kernel_models.board_power import Board, board_of
from chipweave.topology.system import System

OWN = "own"
"""`--energy` without a name: the system's own energies, else those of `DEFAULT`."""
DEFAULT = "b200"


def own_board(system: System) -> tuple[Board, int] | None:
    """(board of a package, its compute dies) that the system states, or None."""
    packages, dies = system.of_kind("gpu.package"), system.of_kind("gpu.compute_die")
    board = board_of(packages[0], system.name) if packages else None
    return (board, max(1, len(dies))) if board else None


def board_for(system: System, name: str = OWN) -> tuple[Board, int, bool]:
    """(board, compute dies of it, whether it is another device's).

    Args:
        name: OWN, or a topology whose energies are taken.

    Raises:
        BadInput: no such topology, or one that states no energies.
    """
    found = own_board(system if name == OWN else topology.load(name))
    if found:
        return (*found, name not in (OWN, system.name))
    if name == OWN:
        return board_for(system, DEFAULT)
    raise BadInput(
        Fault(f"--energy: {name} states no watts at rest, at work and at most", allowed=f"such as {DEFAULT}")
    )
