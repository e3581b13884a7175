"""Checkpoints of a long run: written at barriers under the folder of --out, and what takes a killed run up again.

A barrier is the end of a layer-step at which nothing is in flight. Two things make a run exact from there on:

* What the control side is (placement, policies, command processors, any Python part of the user's) is what it was
  answered: calls of the fabric and their answers are logged. To take a run up, Python runs again from the start with
  the log in the fabric's place; so nothing has to be declared that a policy remembers. It costs what Python costs, 1 to
  2 % of a run under flit.
* What the kernel is (tables, counters, statistics, turns of arbiters, credits on their way) is one image, loaded when
  the log has been played; accounts and samples beside the run are arrays.

Code that does not repeat itself (random numbers without a seed, the time of day) asks something else than the log has:
that is noticed at the first transfer that differs, and refused.
"""

from __future__ import annotations

import json
import time
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.chain.nouns import Bits
from chipweave.errors import BadInput, Fault
from chipweave.fabric import Engine
from chipweave.io.atomic import replacing
from chipweave.io.console import note
from chipweave.run.probe import asks_python

SCHEMA = "chipweave.checkpoint/1"
EVERY_S = 60.0
SHARE = 50  # writing takes at most one part in so many of the time
MOST_BYTES = 1 << 31  # of anything unpacked, and of the log: a run beyond it writes none
COLUMNS = 5  # of a journal's rows

ISSUE, ADVANCE, JOURNAL, TOTALS, EVENTS, NOW, IDLE, FINISH = range(8)
LOOKS = ("recorded", "recorded_last", "path", "usage", "trails", "link_statistics", "pin", "copy_tables")

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Keep:
    """Where the checkpoint of one run is kept.

    Attributes:
        path: its file.
        identity: what decides the run: the job, the state of the program, the labels of its row.
        every_s: seconds between two; 0: at every barrier.
    """

    path: Path
    identity: dict[str, Any]
    every_s: float = EVERY_S

    def begin(self, code: dict[str, Any]) -> Checkpoint:
        """The checkpoints of a run that is about to start; code: what it lets in of the user's, with its hashes."""
        return Checkpoint(replace(self, identity=json.loads(json.dumps({**self.identity, "code": code}))))

    def drop(self) -> None:
        """The run's row is written: its checkpoint is of no use any more."""
        self.path.unlink(missing_ok=True)


class Log:
    """Calls of a fabric with their answers: rows (call, what was asked, how many numbers, the numbers).

    Attributes:
        script: int64 of a log that is played, or None; at: how far.
        spoilt: what was called that no log can answer, or None.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = array("q")
        self.packed: list[bytes] = []
        self.size = 0
        self.script: np.ndarray | None = None
        self.at = 0
        self.spoilt: str | None = None

    def answer(self, call: int, asked: int, ask: Callable[[], list[int]]) -> list[int]:
        """What `ask()` says, logged; while a log is played, what it said then."""
        if self.script is None:
            said = ask()
            self.rows.extend((call, asked, len(said)))
            self.rows.extend(said)
            return said
        head = self.script[self.at : self.at + 3].tolist()
        if head[:2] != [call, asked]:
            raise self.diverged()
        self.at += 3 + head[2]
        return self.script[self.at - head[2] : self.at].tolist()

    def diverged(self) -> BadInput:
        """The run asks its fabric something else than it did."""
        cure = "policies and parts that repeat themselves (random numbers with a seed, no time of day), or --force"
        return BadInput(Fault(f"{self.path}: taken up, the run does not repeat what it did", allowed=cure))

    def pack(self) -> list[bytes]:
        """All rows so far, compressed in pieces."""
        if self.rows:
            self.size += len(self.rows) * self.rows.itemsize
            self.packed.append(zlib.compress(self.rows.tobytes(), 1))
            self.rows = array("q")
        return self.packed


class Logged:
    """A fabric whose calls are logged, or played; stands in for the run's own (`outside` of chipweave.run.simulate)."""

    def __init__(self, fabric: Any, log: Log) -> None:
        self.fabric, self.log = fabric, log
        if asks_python(fabric.layout):
            log.spoilt = "a part answers in Python while transfers are under way"

    def __getattr__(self, name: str) -> Any:
        """Everything else is the engine's own."""
        if name in LOOKS:
            self.log.spoilt = f"a part calls fabric.{name}"
        return getattr(self.__dict__["fabric"], name)

    def issue(self, chain: Any, rows: Any, starts_ps: Any = None, times: int = 1, counted: str | None = None) -> int:
        """See `Engine.issue`."""
        name = chain if isinstance(chain, str) else chain.name
        rows = np.asarray(rows)
        starts = b"" if starts_ps is None else np.asarray(starts_ps, np.int64).tobytes()
        crc = zlib.crc32(
            np.ascontiguousarray(rows).tobytes() + starts, zlib.crc32(f"{name} {times} {counted}".encode())
        )
        return self.log.answer(ISSUE, crc, lambda: [self.fabric.issue(chain, rows, starts_ps, times, counted)])[0]

    def advance(self, until_ps: int | None = None) -> list[tuple[int, int]]:
        """See `Engine.advance`."""
        ask = lambda: [n for pair in self.fabric.advance(until_ps) for n in pair]  # noqa: E731
        said = self.log.answer(ADVANCE, -1 if until_ps is None else until_ps, ask)
        return list(zip(said[::2], said[1::2], strict=True))

    def journal(self, part: Any = None) -> np.ndarray:
        """See `Engine.journal`."""
        which = -1 if part is None else part.number
        said = self.log.answer(JOURNAL, which, lambda: self.fabric.journal(part).ravel().tolist())
        return np.array(said, np.int64).reshape(-1, COLUMNS)

    def totals(self) -> list[int]:
        """See `Engine.totals`."""
        return self.log.answer(TOTALS, 0, lambda: list(self.fabric.totals()))

    def finish_ps(self, batch: int) -> np.ndarray:
        """See `Engine.finish_ps`."""
        return np.array(self.log.answer(FINISH, batch, lambda: self.fabric.finish_ps(batch).tolist()), np.int64)

    @property
    def events(self) -> int:
        """See `Engine.events`."""
        return self.log.answer(EVENTS, 0, lambda: [self.fabric.events])[0]

    @property
    def now_ps(self) -> int:
        """See `Engine.now_ps`."""
        return self.log.answer(NOW, 0, lambda: [self.fabric.now_ps])[0]

    @property
    def idle(self) -> bool:
        """See `Engine.idle`."""
        return bool(self.log.answer(IDLE, 0, lambda: [self.fabric.idle])[0])

    def array(self, part: Any) -> np.ndarray:
        """See `Engine.array`; what the kernel writes there is not in the log. Bits are what parts write."""
        if not isinstance(part, Bits):
            self.log.spoilt = "a part reads tables of the kernel"
        found: np.ndarray = self.fabric.array(part)
        return found

    def layer_ended(self, run: Any, job: Any, begin: int, end: int) -> None:
        """Hand on to a fabric that keeps accounts; those of a log that is played are loaded with the image."""
        ended = getattr(self.fabric, "layer_ended", None)
        if ended and self.log.script is None:
            ended(run, job, begin, end)


class Checkpoint:
    """The checkpoints of one run: written while it goes on, or played where its file has one of the same run."""

    def __init__(self, keep: Keep) -> None:
        self.keep, self.log = keep, Log(keep.path)
        self.fabric: Any = None
        self.layer_steps = 0
        self.said_why = False
        self.begun = self.written = time.monotonic()
        self.cpu, self.pause = time.process_time(), keep.every_s
        self.before = {"cpu_s": 0.0, "wall_s": 0.0}  # of the program that was killed
        self.found = read(keep.path, keep.identity)
        if self.found:
            header, arrays = self.found
            self.before = header["seconds"]
            self.log.script = np.frombuffer(unpacked(arrays["log"], header["pieces"]), np.int64)

    def outside(self, fabric: Any, work: Any) -> Logged:
        """What stands in for the run's fabric (`outside` of chipweave.run.simulate)."""
        self.fabric = fabric
        return Logged(fabric, self.log)

    def watching(self, on_layer: Any) -> Callable[[Any], None]:
        """`on_layer` of the run, with a look at each barrier."""

        def ended(job: Any) -> None:
            if on_layer:
                on_layer(job)
            if job is not None:
                self.layer_steps += 1
                if self.log.script is not None:
                    self.played()
                else:
                    self.look()

        return ended

    def played(self) -> None:
        """A layer-step of the log has been played; with the last one the run goes on by itself."""
        assert self.found and self.log.script is not None
        header, arrays = self.found
        if self.layer_steps < header["layer_steps"]:
            return
        if self.log.at != len(self.log.script):
            raise self.log.diverged()
        for each in stack(self.fabric):
            if isinstance(each, Engine):
                each.restore(unpacked(arrays["image"], [len(arrays["image"])]))
            else:
                head = f"{type(each).__name__}."
                each.restore({name[len(head) :]: value for name, value in arrays.items() if name.startswith(head)})
        self.log.size, self.log.packed = self.log.script.nbytes, pieces(arrays["log"], header["pieces"])
        self.found = self.log.script = None

    def look(self) -> None:
        """Write, where it is time to and nothing is in flight."""
        now = time.monotonic()
        if now - self.written < self.pause or not self.fabric.idle:
            return
        if self.log.spoilt is None and self.log.size < MOST_BYTES:
            self.write()
        self.why_not()
        self.written = time.monotonic()
        self.pause = max(self.keep.every_s, SHARE * (self.written - now)) if self.keep.every_s else 0.0

    def why_not(self) -> None:
        """Say once why no checkpoint is written."""
        why = self.log.spoilt or ("its log is too long" if self.log.size >= MOST_BYTES else None)
        if why and not self.said_why:
            self.said_why = True
            note(f"{self.keep.path.parent}: no checkpoint of this run: {why}; killed, it would begin anew")

    def write(self) -> None:
        """One checkpoint, in place of the one before."""
        arrays: dict[str, Any] = {}
        for each in stack(self.fabric):
            if isinstance(each, Engine):
                image = each.image()
                if image is None:
                    self.log.spoilt = "an engine or link model that has no image of its state"
                    return
                arrays["image"] = np.frombuffer(zlib.compress(image, 1), np.uint8)
            else:
                arrays |= {f"{type(each).__name__}.{name}": value for name, value in each.kept().items()}
        packed = self.log.pack()
        arrays["log"] = np.frombuffer(b"".join(packed), np.uint8)
        header = {
            "schema": SCHEMA,
            "identity": self.keep.identity,
            "layer_steps": self.layer_steps,
            "pieces": [len(piece) for piece in packed],
            "seconds": self.seconds(),
        }
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        with replacing(self.keep.path, "wb") as file:
            np.savez(file, **arrays)

    def seconds(self) -> dict[str, float]:
        """CPU and wall seconds of the run so far, in all the programs that it took."""
        now = {"cpu_s": time.process_time() - self.cpu, "wall_s": time.monotonic() - self.begun}
        return {name: self.before[name] + value for name, value in now.items()}


def stack(fabric: Any) -> Iterator[Any]:
    """What stands around an engine, from outside, and the engine."""
    while not isinstance(fabric, Engine):
        yield fabric
        fabric = fabric.fabric
    yield fabric


def pieces(packed: np.ndarray, lengths: list[int]) -> list[bytes]:
    """Compressed pieces that stand one behind the other."""
    ends = np.cumsum(lengths).tolist()
    return [packed[end - n : end].tobytes() for n, end in zip(lengths, ends, strict=True)]


def unpacked(packed: np.ndarray, lengths: list[int]) -> bytes:
    """Compressed pieces as one; zlib.error where one is damaged or too large."""
    found = []
    for piece in pieces(packed, lengths):
        unpacker = zlib.decompressobj()
        found.append(unpacker.decompress(piece, MOST_BYTES))
        if not unpacker.eof:
            raise zlib.error("cut short, or too large")
    return b"".join(found)


def read(path: Path, identity: dict[str, Any]) -> tuple[dict[str, Any], Arrays] | None:
    """(header, arrays) of a checkpoint of this run; None where there is none, which is said where a file is there."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(file["header"].tobytes())
            arrays = {name: file[name] for name in file.files if name != "header"}
        same = header["schema"] == SCHEMA and header["identity"] == identity
        unpacked(arrays["log"], header["pieces"])
        unpacked(arrays["image"], [len(arrays["image"])])
        steps, seconds = int(header["layer_steps"]), {k: float(header["seconds"][k]) for k in ("cpu_s", "wall_s")}
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        note(f"{path} is damaged and not used: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
        return None
    if not same:
        note(f"{path} is of another run, or of another state of chipweave: not used")
        return None
    note(f"{path.parent.name}: {identity.get('label', 'the run')} goes on after layer-step {steps:,}")
    return {**header, "layer_steps": steps, "seconds": seconds}, arrays
