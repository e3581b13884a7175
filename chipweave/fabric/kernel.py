"""The stage engine in C behind the interface of `chipweave.fabric.Engine`.

Every method is one call of C; the documents of the interface stand there. C stops at a question for
Python (STAGES_QUESTION) and is called again with its answer, so that it never calls into Python
itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave._kernel import ffi, lib
from chipweave.chain.layout import Layout
from chipweave.chain.nouns import Bits, Counter, Keyed
from chipweave.chain.stage import MAX_OPERANDS, Question
from chipweave.errors import BadInput, ChipweaveError, Stuck
from chipweave.fabric.compile import Compiler

FOREVER = 2**63 - 1
ROOM = 1024  # completions fetched in one go
FEW = 256  # recorded stages fetched in one go


class KernelEngine:
    """The compiled twin of chipweave.plain.stages.PlainEngine: same interface, same order of events, same times.

    The handle is freed with the object; views of `array` keep it alive beyond that.
    """

    def __init__(self, layout: Layout, rules: Any, bin_ps: int, max_bins: int) -> None:
        """Build `layout` in C. rules: chipweave.chain.rules; bin_ps, max_bins: bins of link statistics."""
        self.layout = layout
        spec = ffi.new(
            "stages_rules *",
            {
                "booking": rules.booking,
                "barging": rules.barging,
                "wake_all": rules.wake == "all",
                "artifact_heap": rules.wait_queue == "artifact_heap" and rules.wake != "all",
                "bin_ps": bin_ps,
                "max_bins": max_bins,
            },
        )
        self.handle = ffi.gc(lib.stages_new(spec), lib.stages_free)
        if self.handle == ffi.NULL:
            raise ChipweaveError("no memory for the stage engine")
        self.compiled = Compiler(self.handle, layout, bin_ps, max_bins)
        self.batches, self.times = ffi.new("int32_t[]", ROOM), ffi.new("int64_t[]", ROOM)
        self.sums = ffi.new("int64_t[]", len(layout.parts["counters"]))
        self.arrays: dict[str, Any] = {}

    @property
    def now_ps(self) -> int:
        """Absolute time of the last event, ps."""
        return lib.stages_now(self.handle)

    @property
    def idle(self) -> bool:
        """Whether no batch is in flight."""
        return not lib.stages_in_flight(self.handle)

    @property
    def events(self) -> int:
        """Stages started and transfers ended so far."""
        return lib.stages_events(self.handle)

    def issue(
        self, chain: Any, rows: np.ndarray, starts_ps: np.ndarray | None = None, times: int = 1, counted: int = -1
    ) -> int:
        """Start transfers of `chain`; arguments, result and errors as in PlainEngine.issue.

        `rows` and `starts_ps` must be contiguous int64: C reads them in place, and copies before it
        returns.
        """
        starts = ffi.NULL if starts_ps is None else ffi.from_buffer("int64_t[]", starts_ps)
        program = self.compiled.programs[chain.name]
        begin = ffi.from_buffer("int64_t[]", rows) if rows.size else ffi.NULL
        batch = lib.stages_issue(self.handle, program, len(rows), begin, starts, times, counted)
        if batch < 0:
            self._raise_failure()
            raise BadInput(f"chain {chain.name}: {self._message()}")
        return batch

    def advance(self, until_ps: int | None = None) -> list[Any]:
        """Run to the next end of batches, at most to `until_ps`; returns [(batch, end in ps)].

        Raises Stuck where transfers wait for each other, BadInput for what the layout's rules led
        to, and whatever a Python callback raised.
        """
        until = FOREVER if until_ps is None else until_ps
        while True:
            status = lib.stages_advance(self.handle, until)
            if status == lib.STAGES_QUESTION:
                self._answer()
            elif status == lib.STAGES_OK:
                return self._completions()
            else:
                self._raise_failure()
                if status == lib.STAGES_STUCK:
                    raise Stuck(self._stuck())
                raise (BadInput if status == lib.STAGES_BAD else ChipweaveError)(self._message())

    def _completions(self) -> list[Any]:
        """Batches that have ended since the last call, with their ends in ps."""
        n = lib.stages_completed(self.handle, self.batches, self.times, ROOM)
        if n == 1:  # nearly always
            return [(self.batches[0], self.times[0])]
        if n <= ROOM:
            return [(self.batches[i], self.times[i]) for i in range(n)]
        batches, times = ffi.new("int32_t[]", n), ffi.new("int64_t[]", n)
        lib.stages_completed(self.handle, batches, times, n)
        return list(zip(batches, times, strict=False))

    def _answer(self) -> None:
        """One question of a stage that is answered in Python, at the instant the engine stands at."""
        kind, program, node, mark, batch, transfer = (ffi.new("int32_t *") for _ in range(6))
        operands = ffi.new("int64_t[]", MAX_OPERANDS)
        lib.stages_question(self.handle, kind, program, node, mark, batch, transfer, operands)
        chain = self.compiled.chains[program[0]]
        stage = list(chain.stages.values())[node[0]]
        question = Question(
            chain.name,
            stage.name,
            self.now_ps,
            batch[0],
            transfer[0],
            dict(zip(chain.operands, operands, strict=False)),
        )
        if kind[0] == lib.QUESTION_BRANCH:
            answer = stage.query.answer(question)
        elif kind[0] == lib.QUESTION_DURATION:
            answer = stage.lasts.answer(question)
        else:
            stage.marks[mark[0]].answer(question)
            answer = 0
        lib.stages_answer(self.handle, int(answer))

    def finish_ps(self, batch: int) -> np.ndarray:
        """int64 [transfers of the batch]: absolute ends, ps; BadInput where the batch was forgotten at a barrier."""
        n = lib.stages_finish(self.handle, batch, ffi.NULL)
        if n < 0:
            raise BadInput(
                f"batch {batch} is gone: its finishing times are kept until the issue after the next barrier"
            )
        out = np.empty(n, np.int64)
        lib.stages_finish(self.handle, batch, ffi.from_buffer("int64_t[]", out))
        return out

    def array(self, part: Any) -> np.ndarray:
        """The cells of a counter or the content of a table; a view of C memory, for tags
        [instances, sets, ways] a copy.

        The view changes with the run. That of a keyed store cannot be written to: use `pin`.
        """
        if part not in self.arrays:
            self.arrays[part] = self._view(part)
        view = self.arrays[part]
        return ~view if view.ndim == 3 else view  # of a key of tags the engine keeps the complement: 0 where empty

    def _view(self, part: Any) -> np.ndarray:
        """The view of a part, by its sort: counter [count], bits and keyed [instances, keys], tags."""
        if isinstance(part, Counter):
            return self._buffer(lib.stages_counter(self.handle, part.number), (part.count,), np.int64)
        if isinstance(part, Bits):
            return self._buffer(lib.stages_bits(self.handle, part.number), (part.instances, part.keys), np.uint8)
        if isinstance(part, Keyed):
            view = self._buffer(lib.stages_keyed(self.handle, part.number), (part.instances, part.keys), np.uint8)
            view.flags.writeable = False
            return view
        return self._buffer(lib.stages_tags(self.handle, part.number), (part.instances, part.sets, part.ways), np.int64)

    def _buffer(self, pointer: Any, shape: tuple[int, ...], dtype: type[Any]) -> np.ndarray:
        """C memory as an array that keeps the engine alive."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        owner = ffi.gc(pointer, lambda _, engine=self.handle: None)  # the view keeps the engine alive
        return np.frombuffer(ffi.buffer(owner, size), dtype).reshape(shape)

    def totals(self) -> Any:
        """The sum of each counter, by its number."""
        lib.stages_totals(self.handle, self.sums)
        return self.sums

    def copy_tables(self, other: KernelEngine) -> None:
        """Set the tables to those of `other`: same layout, both idle; BadInput otherwise."""
        if lib.stages_copy_tables(self.handle, other.handle):
            raise BadInput("tables can be copied between engines of one layout only, with nothing in flight")

    def image(self) -> bytes | None:
        """See `chipweave.fabric.Engine.image`."""
        size = lib.stages_image(self.handle, ffi.NULL, 0, 0)
        if size < 0:
            return None
        out = bytearray(size)
        written = lib.stages_image(self.handle, ffi.from_buffer("uint8_t[]", out), size, 0)
        return bytes(out) if written == size else None

    def restore(self, image: bytes) -> None:
        """See `chipweave.fabric.Engine.restore`."""
        failed = lib.stages_image(self.handle, ffi.from_buffer("uint8_t[]", bytearray(image)), len(image), 1) < 0
        try:
            assert not failed
            self.check()
            for network in self.compiled.networks.values():
                network.check()
        except AssertionError:
            raise BadInput("the image of an engine is damaged, or of another layout") from None

    def skipped(self, network: str) -> tuple[int, int, int, list[Any]] | None:
        """Of a flit network: (cycles of groups, those that were not stepped, jumps, FlitSimulator.unrepeated());
        None of others."""
        kernel = getattr(self.compiled.networks[network], "kernel", None)
        if kernel is None:
            return None
        report = kernel.skipped
        return report["group_cycles"], report["group_skipped"], report["jumps"], kernel.unrepeated()

    def pin(self, keyed: Any, at: Any, keys: Any) -> None:
        """Put `keys` into instance `at` of a keyed store, never to be evicted; BadInput for a key out of range."""
        for key in keys:
            if lib.stages_pin(self.handle, keyed.number, int(at), int(key)):
                raise BadInput(f"{keyed.name}: there is no key {key} in instance {at}")

    def journal(self) -> np.ndarray:
        """int64 [n, 5]: (ps, table, instance, key, change) of journalled tables since the last call."""
        n = lib.stages_journal(self.handle, ffi.NULL, 0)
        rows = np.empty((n, 5), np.int64)
        if n:
            lib.stages_journal(self.handle, ffi.from_buffer("int64_t[]", rows), n)
        return rows

    def keeps_to_routes(self, network: Any) -> bool:
        """See `chipweave.fabric.Engine.keeps_to_routes`."""
        return self.compiled.networks[network.name].fixed

    def record(self) -> None:
        """Keep every stage that starts from now on, for `recorded`."""
        if lib.stages_record(self.handle):
            raise ChipweaveError(self._message())
        for network in self.compiled.networks.values():
            network.record()

    def trails(self, network: Any) -> np.ndarray:
        """See `chipweave.fabric.Engine.trails`."""
        return self.compiled.networks[network.name].trails()

    def recorded(self, batch: int, transfer: int, ended_ps: int) -> np.ndarray:
        """int64 [stages, columns], as chipweave.plain.recorded.rows, without the resource column."""
        rows = np.empty((FEW, lib.RECORD_COLUMNS), np.int64)
        n = lib.stages_recorded(self.handle, batch, transfer, ended_ps, ffi.from_buffer("int64_t[]", rows), FEW)
        if n > FEW:
            rows = np.empty((n, lib.RECORD_COLUMNS), np.int64)
            lib.stages_recorded(self.handle, batch, transfer, ended_ps, ffi.from_buffer("int64_t[]", rows), n)
        return rows[:n, : lib.RECORD_RESOURCE]

    def recorded_last(self) -> np.ndarray:
        """int64 [0 or 1, columns]: the stage that ended last."""
        row = np.empty((1, lib.RECORD_COLUMNS), np.int64)
        missing = lib.stages_recorded_last(self.handle, ffi.from_buffer("int64_t[]", row))
        return row[: 0 if missing else 1, : lib.RECORD_RESOURCE]

    def path(self) -> np.ndarray:
        """int64 [n, columns]: the critical path, last stage first."""
        room = FEW
        while True:
            rows = np.empty((room, lib.RECORD_COLUMNS), np.int64)
            n = lib.stages_path(self.handle, ffi.from_buffer("int64_t[]", rows), room)
            if n <= room:
                return rows[:n, : lib.RECORD_RESOURCE]
            room = n

    def usage(self, used: np.ndarray, slot_of: np.ndarray, slots: int, rows: list[int], times: list[int]) -> np.ndarray:
        """See `chipweave.fabric.Engine.usage`."""
        started = np.zeros((sum(rows), slots), np.int64)
        firsts = np.cumsum([0, *rows])[:-1]
        at = [ffi.from_buffer("int64_t[]", np.asarray(each, np.int64)) for each in (used, firsts, times, started)]
        to, first, of, counts = at
        lib.stages_sums(self.handle, to, len(used), ffi.from_buffer("int32_t[]", slot_of), slots, first, of, counts)
        return started

    def link_statistics(self, network: Any) -> Any:
        """What the links of `network` carried and how long they were busy."""
        return self.compiled.networks[network.name].statistics()

    def check(self) -> None:
        """Every invariant of the C state; raises AssertionError with the first that fails."""
        if lib.stages_check(self.handle):
            raise AssertionError(self._message())

    def close(self) -> None:
        """Let go of the views, so that the engine can be freed."""
        self.arrays.clear()

    def _raise_failure(self) -> None:
        """What a network or its routes raised where C code had called them."""
        for called in (*self.compiled.routes.values(), *self.compiled.networks.values()):
            called.raise_if_failed()

    def _message(self) -> Any:
        """The last words of the engine."""
        return ffi.string(lib.stages_message(self.handle)).decode()

    def _stuck(self) -> Any:
        """Up to eight stages that wait, with the name of what each waits for."""
        node, chain, transfer, resource = (ffi.new("int32_t[]", 8) for _ in range(4))
        n = lib.stages_waiting(self.handle, node, chain, transfer, resource, 8)
        words = []
        for i in range(n):
            stages = self.compiled.chains[chain[i]]
            waits = self.compiled.label(resource[i]) if resource[i] >= 0 else "its turn"
            words.append(f"stage {list(stages.stages)[node[i]]} of transfer {transfer[i]} waits for {waits}")
        return "nothing will release what these wait for: " + "; ".join(words)
