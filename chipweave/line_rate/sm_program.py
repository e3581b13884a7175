"""Programs of an SM at line rate: what every warp of a kernel does, op by op.

    from chipweave.line_rate.sm_program import Chase, Loop, Program

    Program([Chase(spacing=128), Loop(to=0, times=1000)], threads=1).attach(endpoints, sm)
    endpoints.start(sm, LAUNCH)

The operations, their operands and the ranges of these are declared once, in csrc/behaviours/sm/program.c; the classes
here give them names that an editor knows, and a test holds the two lists together. Addresses and steps are bytes,
`to` is the number of an op of the program. A lane's address is

    base + (block % block_mod) * block_step + warp * warp_step + count * loop_step + lane * lane_step
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from chipweave.errors import BadInput
from chipweave.io import native

if TYPE_CHECKING:
    from chipweave.line_rate.endpoints import Endpoints

ffi, lib = native.load("sm")
KERNEL, PAGES, ORDER = lib.SM_TABLE_KERNEL, lib.SM_TABLE_PAGES, lib.SM_TABLE_ORDER  # tables of Endpoints.attach
LAUNCH, STOP = lib.SM_LAUNCH, lib.SM_STOP  # codes of Endpoints.start
ENDLESS = 1 << 40  # blocks, or turns: more than any run reaches


@dataclass(frozen=True)
class Op:
    """One operation. Its operands are integers in the order of its fields; ranges are checked by `Program`."""

    code: ClassVar[int] = 0

    def words(self) -> list[int]:
        """Code and operands, padded with zeros: what the C behaviour reads."""
        given = [int(x) for x in astuple(self)]
        return [self.code, *given, *[0] * (lib.SM_OPERANDS - len(given))]


@dataclass(frozen=True)
class Load(Op):
    """A load of global memory by every lane; the warp goes on. `bytes` a lane; `past_l1`: L1 is not looked up."""

    code = lib.SM_OP_LOAD
    base: int = 0
    block_step: int = 0
    block_mod: int = ENDLESS
    warp_step: int = 0
    loop_step: int = 0
    lane_step: int = 8
    bytes: int = 8
    lanes: int = 32
    past_l1: int = 0


@dataclass(frozen=True)
class Store(Load):
    """A store to global memory; operands as of Load."""

    code = lib.SM_OP_STORE


@dataclass(frozen=True)
class Chase(Op):
    """Dependent loads: lane by lane the next place of the attached visiting order, at base + spacing * place."""

    code = lib.SM_OP_CHASE
    base: int = 0
    spacing: int = 128
    first: int = 0
    block_step: int = 0
    warp_step: int = 0
    lane_step: int = 0
    bytes: int = 8
    lanes: int = 1
    past_l1: int = 0


@dataclass(frozen=True)
class Gather(Chase):
    """As Chase, without the loop count and without waiting."""

    code = lib.SM_OP_GATHER


@dataclass(frozen=True)
class Wait(Op):
    """Until all loads of the warp are back."""

    code = lib.SM_OP_WAIT


@dataclass(frozen=True)
class Loop(Op):
    """Back to op `to`, at or before this one, until the ops between have been run `times` times."""

    code = lib.SM_OP_LOOP
    to: int = 0
    times: int = 1


@dataclass(frozen=True)
class Work(Op):
    """SM cycles without memory."""

    code = lib.SM_OP_WORK
    cycles: int = 1


@dataclass(frozen=True)
class Jump(Op):
    """Go on at op `to`, always."""

    code = lib.SM_OP_JUMP
    to: int = 0


@dataclass(frozen=True)
class Shared(Op):
    """Shared memory of the SM `peer` ranks further on in its cluster of `cluster` SMs; 0: the SM's own."""

    code = lib.SM_OP_SHARED
    base: int = 0
    cluster: int = 1
    peer: int = 0
    warp_step: int = 0
    loop_step: int = 0
    lane_step: int = 4
    bytes: int = 4
    lanes: int = 1
    store: int = 0


@dataclass(frozen=True)
class Copy(Op):
    """A bulk copy of one box of a TMA descriptor; its mbarrier expects `bytes` more."""

    code = lib.SM_OP_COPY
    descriptor: int = 0
    box: int = 0
    block_step: int = 0
    loop_step: int = 0
    bytes: int = 0
    barrier: int = 0
    store: int = 0


@dataclass(frozen=True)
class Barrier(Op):
    """Wait until an mbarrier expects no more bytes."""

    code = lib.SM_OP_BARRIER
    barrier: int = 0


OPERATIONS: tuple[type[Op], ...] = (Load, Store, Chase, Gather, Wait, Loop, Work, Jump, Shared, Copy, Barrier)


def declared() -> dict[str, list[tuple[str, str, int, int]]]:
    """Operation -> [(operand, unit, low, high)] as csrc/behaviours/sm/program.c declares them."""
    n = ffi.new("int32_t *")
    rows = lib.sm_operations(n)
    text = lambda p: ffi.string(p).decode()  # noqa: E731
    return {
        text(row.name): [(text(o.name), text(o.unit), o.low, o.high) for o in row.operands[0 : row.n_operands]]
        for row in rows[0 : n[0]]
    }


def check_words(words: Sequence[int]) -> None:
    """Refuse a kernel that the SM would refuse.

    Raises:
        BadInput: its first fault, with the number of the op, the operand, and what is allowed.
    """
    why = ffi.new("char[256]")
    if lib.sm_check_kernel([int(w) for w in words], len(words), why):
        raise BadInput(ffi.string(why).decode())


@dataclass(frozen=True)
class Program:
    """A kernel: its ops, and which blocks of it one SM runs.

    Attributes:
        ops: operations, the same for every warp.
        threads: of a block.
        blocks_at_once: blocks that are resident at a time.
        first, step, blocks: the SM runs blocks first, first + step, ... below `blocks`.
        count: loop count that the first block of place 0 starts with; place_count: the same of each further place.
    """

    ops: Sequence[Op]
    threads: int = 32
    blocks_at_once: int = 1
    first: int = 0
    step: int = 1
    blocks: int = 1
    count: int = 0
    place_count: int = 0

    def words(self) -> list[int]:
        """The table that the C behaviour reads; every fault of an operand is reported at once.

        Raises:
            BadInput: an operand out of its range, or a kernel that cannot run.
        """
        faults = list(self._faults())
        if faults:
            raise BadInput("\n".join(faults))
        numbers = [self.threads, self.blocks_at_once, self.first, self.step, self.blocks, self.count, self.place_count]
        words = [int(n) for n in numbers] + [word for op in self.ops for word in op.words()]
        check_words(words)
        return words

    def _faults(self) -> Iterable[str]:
        """Each operand out of the range that the C table declares, by number and name of its operation."""
        ranges = declared()
        for number, op in enumerate(self.ops):
            name = type(op).__name__
            for field, (operand, unit, low, high) in zip(fields(op), ranges[name], strict=True):
                given = getattr(op, field.name)
                if not low <= given <= high:
                    yield f"op {number}, {name}: {operand} = {given}; allowed: {low} to {high} {unit}"

    def attach(self, endpoints: Endpoints, sm: int) -> None:
        """Give the kernel to SM number `sm` of `endpoints`; `endpoints.start(sm, LAUNCH)` starts it."""
        endpoints.attach(sm, KERNEL, self.words())
