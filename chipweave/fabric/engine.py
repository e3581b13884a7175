"""A running layout: the one interface of the native stage engine and its plain twin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chipweave.chain.branches import Entry
from chipweave.chain.layout import Chain, Layout
from chipweave.chain.link_statistics import LinkStatistics
from chipweave.chain.nouns import Bits, Counter, Keyed, LayoutNetwork, Tags
from chipweave.errors import BadInput, ChipweaveError

NUMBER_LIMIT = 2**63
JOURNAL_FAMILY = {Tags: 0, Keyed: 1, Bits: 2}
NO_ROWS = np.empty((0, 5), np.int64)


class Engine:
    """A layout in motion. Times are absolute integer ps.

    A *barrier* is any moment at which nothing is in flight; the next `issue` starts from it: creation numbers restart,
    and nothing but tables, counters and statistics is carried over.
    """

    def __init__(self, layout: Layout, core: Any) -> None:
        self.layout, self.core, self.unread = layout, core, NO_ROWS

    @property
    def now_ps(self) -> int:
        """The present: time of the last event that ran, or the last `until_ps` reached."""
        return self.core.now_ps

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return self.core.idle

    @property
    def events(self) -> int:
        """Starts of stages plus completions of chains and side chains so far (as the published artifact counts)."""
        return self.core.events

    def issue(
        self,
        chain: str | Chain | Entry,
        rows: ArrayLike,
        starts_ps: ArrayLike | None = None,
        times: int = 1,
        counted: str | None = None,
    ) -> int:
        """Start transfers of rows of integers [n, operands], in row order; returns the number of the batch.

        starts_ps  delays of the rows from now (default: all now)
        times      transfers of each row, one after the other; the operand named `counted` is one larger each time
        """
        name: Any = chain if isinstance(chain, str) else getattr(chain, "name", chain)
        program = self.layout.chains.get(name)
        if program is None:
            raise BadInput(f"unknown chain '{chain}'; allowed: {', '.join(self.layout.chains)}")
        rows = np.ascontiguousarray(_integers(rows, f"chain {program.name}: rows"))
        if rows.ndim != 2 or rows.shape[1] != len(program.operands):
            raise BadInput(
                f"chain {program.name}: rows must be [n, {len(program.operands)}] "
                f"({', '.join(program.operands)}), not {rows.shape}"
            )
        if starts_ps is not None:
            starts_ps = np.ascontiguousarray(_integers(starts_ps, "starts_ps"))
            if starts_ps.shape != rows.shape[:1] or (len(starts_ps) and starts_ps.min() < 0):
                raise BadInput("starts_ps must hold one delay >= 0 for each row")
        if counted is not None and counted not in program.operands:
            raise BadInput(f"chain {program.name}: unknown operand '{counted}'; allowed: {', '.join(program.operands)}")
        return self.core.issue(
            program, rows, starts_ps, times, -1 if counted is None else program.operands.index(counted)
        )

    def advance(self, until_ps: int | None = None) -> list[tuple[int, int]]:
        """Run to the next instant at which batches complete, at most to `until_ps` (inclusive).

        Returns [(batch, time_ps), ...], all of one instant; empty when `until_ps` is reached or nothing is in flight.
        Stages answered by Python call their functions meanwhile. Raises `Stuck` if a wait can never end.
        """
        return self.core.advance(until_ps)

    def finish_ps(self, batch: int) -> np.ndarray:
        """int64 [n]: when each transfer of a batch finished (side chains apart); valid until the issue after the next
        barrier."""
        return self.core.finish_ps(batch)

    def array(self, part: Counter | Bits | Keyed | Tags) -> np.ndarray:
        """The live NumPy array of a part.

        Counter int64 [count]; Bits uint8 [instances, keys], writable; Keyed uint8 [instances, keys], 0 absent 1 held 2
        pinned (read only); Tags int64 [instances, sets, ways] (a copy, -1 empty)."""
        return self.core.array(part)

    def totals(self) -> Any:
        """The sum of each counter over its cells, by the counters' numbers."""
        return self.core.totals()

    def pin(self, keyed: Keyed, at: int, keys: ArrayLike) -> None:
        """Make keys present for good in one instance of a keyed store."""
        self.core.pin(keyed, at, keys)

    def copy_tables(self, other: Engine) -> None:
        """Take over tags, keyed stores and bits of another engine of the same layout, link models apart (kernel
        only)."""
        self.core.copy_tables(other.core)

    def image(self) -> bytes | None:
        """The state between two stretches, to be loaded by `restore` of an engine of the same layout: tables, counters,
        statistics, what networks keep. None while something is in flight, and where it cannot be taken: of the plain
        engine, and of a link model without one.

        Bytes of this build on this kind of machine.
        """
        image: bytes | None = self.core.image()
        if image is None:
            return None
        return len(self.unread).to_bytes(8, "little") + self.unread.tobytes() + image

    def restore(self, image: bytes) -> None:
        """Go on from an `image`, in an engine in which nothing has moved yet.

        Raises:
            BadInput: it is damaged or of another layout; the engine is of no use then.
        """
        rows = int.from_bytes(image[:8], "little")
        end = 8 + rows * NO_ROWS.shape[1] * NO_ROWS.itemsize
        if end > len(image):
            raise BadInput("the image of an engine is damaged")
        self.unread = np.frombuffer(image[8:end], np.int64).reshape(rows, NO_ROWS.shape[1]).copy()
        self.core.restore(image[end:])

    def journal(self, part: Tags | Keyed | Bits | None = None) -> np.ndarray:
        """Changes of the tables declared with `journal=True` since the last call: int64 rows (time_ps, table, instance,
        key, what).

        table = family * 1000 + number (families: tags 0, keyed 1, bits 2); what = 1 inserted, 2 evicted or cleared.
        With `part` only that table's rows are taken; the others stay for who asks for them.
        """
        rows = self.core.journal()
        if len(self.unread):
            rows, self.unread = np.concatenate([self.unread, rows]), NO_ROWS
        if part is None or not len(rows):
            return rows
        mine = rows[:, 1] == JOURNAL_FAMILY[type(part)] * 1000 + part.number
        self.unread = rows[~mine]
        return rows[mine]

    def link_statistics(self, network: LayoutNetwork) -> LinkStatistics:
        """`LinkStatistics` of a network: bytes, busy and stalled ps per link, and over time bins."""
        found, bundles = self.core.link_statistics(network), dict(network.options).get("bundles")
        if bundles is None:
            return found
        bins = bundles.dealt(found.bins)
        total = bundles.dealt(np.stack([found.bytes, found.busy_ps, found.stalled_ps], axis=-1))
        total[:, 0] = bins[:, :, 0].sum(axis=0) if len(bins) else total[:, 0]
        moved, busy, stalled = total.T
        return LinkStatistics(moved, busy, stalled, found.bin_ps, bins)

    def keeps_to_routes(self, network: LayoutNetwork) -> bool:
        """Whether each message of a pair takes the one route that `network.routes` names, over links counted singly."""
        options = dict(network.options)
        return not ("bundles" in options or "ways" in options) and self.core.keeps_to_routes(network)

    def record(self) -> None:
        """Keep, from now on, when each stage of each transfer requested, started and ended; nothing may be in flight.

        Off until called, and free then.
        """
        if not self.idle:
            raise ChipweaveError("recording cannot begin while transfers are in flight")
        self.core.record()

    def recorded(self, batch: int = -1, transfer: int = -1, ended_ps: int = -1) -> np.ndarray:
        """int64 [n, 9]: the stages that have started since the last barrier, in the order of their numbers.

        Columns: number, batch, transfer of the batch, chain (place in `layout.chains`), stage (place in its stages),
        1 for a side chain, and the absolute ps at which it requested its resources, started and ended (-1: not yet).

        batch, transfer, ended_ps  only those of a batch, of one transfer of it (of each, where `batch` is any), or that
                                   ended at an instant (-1: any)
        """
        return self.core.recorded(batch, transfer, ended_ps)

    def recorded_last(self) -> np.ndarray:
        """int64 [1 or 0, 9]: of `recorded` the first to end last."""
        return self.core.recorded_last()

    def path(self) -> np.ndarray:
        """int64 [n, 9]: the critical path since the last barrier, as `recorded`, last stage first.

        It begins with `recorded_last`; each row is the stage of the same transfer whose end created the one before it.
        """
        return self.core.path()

    def usage(self, used: np.ndarray, slot_of: np.ndarray, slots: int, rows: list[int], times: list[int]) -> np.ndarray:
        """Add up what has been recorded since the last barrier; its cost follows what was recorded, not what there is.

        used         int64 [resources, 3] in the order of the layout's arrays, which is added to: stages that held it,
                     ps held, and ps in which stages that take it first waited
        slot_of      int32: of each stage of each chain, in order, the slot that counts its starts; -1: none
        rows, times  of each batch issued since the barrier, in order: its rows, and `times` of `issue`

        Returns:
            int64 [rows of all batches, slots]: stages started.

        ChipweaveError where `used` is of another shape or type.
        """
        wanted = (sum(array.count for array in self.layout.parts["resources"]), 3)
        if used.shape != wanted or used.dtype != np.int64 or not used.flags.c_contiguous:
            found = f"{used.dtype} {list(used.shape)}"
            raise ChipweaveError(f"sums of resources stand in int64 {list(wanted)}, not {found}")
        return self.core.usage(used, slot_of, slots, rows, times)

    def trails(self, network: LayoutNetwork) -> np.ndarray:
        """int64 [n, 3], taken out: (number of the stage that sent it, link, ps) of a recorded network's messages.

        Of messages that have arrived since the last call; rows of a message stand together, in the order of its way:
        link -1 as its first flit left its endpoint, -1 as its last tail was behind the endpoint's port, then each link
        as its last tail was over it. Empty under link models that know no places (`circuit`, `fair`).
        """
        return self.core.trails(network)

    def check(self) -> None:
        """Assert every invariant of the engine (for tests and debugging; slow)."""
        self.core.check()

    def close(self) -> None:
        self.core.close()


def _integers(values: ArrayLike, what: str) -> np.ndarray:
    """int64 array; a number that does not fit is an error, never wrapped."""
    array = np.asarray(values)
    if array.dtype.kind == "f" and not isinstance(values, np.ndarray):
        array = np.asarray(values, dtype=object)  # NumPy makes floats of integers beyond 64 bits
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype == object:
        for value in array.flat:
            if not isinstance(value, (int, np.integer)) or not -NUMBER_LIMIT <= value < NUMBER_LIMIT:
                raise BadInput(f"{what}: {value!r} is no 64-bit integer")
    elif array.dtype.kind not in "iu" or (array.dtype.kind == "u" and array.max() >= NUMBER_LIMIT):
        raise BadInput(f"{what} must be 64-bit integers, not {array.dtype}")
    return array.astype(np.int64, copy=False)
