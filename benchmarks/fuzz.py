"""Mutated inputs of all kinds: YAML files, traces, packet lists, tables, result folders, pickles and command lines,
each run as a user would.

    python -m benchmarks.fuzz [NUMBER] [SEED]

Every command must end with exit 0 or 2 (3: the simulation is stuck, 4: a bar is missed), without a traceback, within
20 s of CPU time and 8 GB, by no signal, with no control character on the terminal, with nothing half-written and with
its inputs as they were. Commands run in a worker process that is started anew when it dies. Prints what did not, with
the seed of each input, and how many each command had; exits 1 where there is any. A load on the machine counts for
nothing: the limit is of CPU time, and of five minutes in which little of it was taken.
"""

import contextlib
import io
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks._fuzz_inputs import COMMANDS, LINES, MADE, PREPARE, WORDS, seeds

LIMIT_S, WALL_S, LIMIT_BYTES = 20, 300, 8 << 30
ALLOWED = (0, 2, 3, 4)
BELOW = {line.split()[1] for lines in (*COMMANDS.values(), LINES) for line in lines if line[:5] in ("trace", "study")}
CONTROL = {chr(c) for c in (*range(9), 11, 12, *range(14, 32), 127)} | {"\u202e"}


def mutated(raw: bytes, draw: random.Random) -> bytes:
    """A file changed in one to three places: words, lines and bytes put in, taken away, doubled or swapped."""
    try:
        data = raw.decode()
    except UnicodeDecodeError:
        return _bytes_changed(raw, draw, draw.choice((1, 1, 3, 20)))
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        lines, kind = data.splitlines(keepends=True), draw.randrange(8)
        at = draw.randrange(len(lines)) if lines else 0
        if kind == 0 and lines:
            del lines[at]
            data = "".join(lines)
        elif kind == 1 and lines:
            data = "".join([*lines[:at], lines[at], *lines[at:]])
        elif kind == 2 and lines:
            other = draw.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
            data = "".join(lines)
        elif kind == 3:
            data = data[: draw.randrange(len(data) + 1)]
        else:
            data = _word_changed(data, draw)
    raw = data.encode("utf-8", "surrogatepass")
    return _bytes_changed(raw, draw, 1) if draw.random() < 0.1 else raw


def _bytes_changed(raw: bytes, draw: random.Random, times: int) -> bytes:
    """Bytes replaced, put in, or all that follows one taken away."""
    for _ in range(times if raw else 0):
        where = draw.randrange(len(raw))
        rest = b"" if draw.random() < 0.1 else raw[where + draw.randrange(2) :]
        raw = raw[:where] + bytes([draw.randrange(256)]) + rest
    return raw


def _word_changed(data: str, draw: random.Random) -> str:
    """One word (between blanks, commas, colons and brackets) replaced, or another put before it."""
    starts = [i for i in range(len(data)) if data[i].isalnum() and (i == 0 or not data[i - 1].isalnum())]
    if not starts:
        return data + draw.choice(WORDS)
    begin = draw.choice(starts)
    end = begin
    while end < len(data) and data[end].isalnum():
        end += 1
    return data[:begin] + draw.choice(WORDS) + data[end if draw.random() < 0.8 else begin :]


def case(seed: int) -> tuple[str, list[str], int]:
    """(file that is changed, or "" where the command line is, command line, seed of the change)."""
    draw = random.Random(seed)
    if draw.random() < 0.3:
        words = draw.choice(LINES).split()
        for _ in range(draw.choice((1, 1, 2))):
            at = draw.randrange(1, len(words))
            words[at : at + draw.randrange(2)] = [draw.choice(WORDS) or "''"]
        return "", [word for word in words if "\x00" not in word], 0
    name = draw.choice(list(COMMANDS))
    return name, draw.choice(COMMANDS[name]).split(), draw.getrandbits(32)


def command_of(words: list[str]) -> str:
    """The command of a command line, with the one below it where it stands there: `trace import`."""
    return " ".join(words[: 2 if words[0] in ("trace", "study") and words[1:] and words[1] in BELOW else 1])


def called(words: list[str]) -> tuple[int, str, str, str]:
    """(exit code, standard output, standard error, what escaped) of a command in this process."""
    from chipweave.__main__ import main

    out, err, escaped, code = io.StringIO(), io.StringIO(), "", 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        code, escaped = 1, traceback.format_exc()[-800:]
    return code, out.getvalue(), err.getvalue(), escaped


def prepared(folder: Path) -> None:
    """Make the folder of all input files: seeds, and the results made of them."""
    folder.mkdir(parents=True)
    for name, data in seeds().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    os.chdir(folder)
    for line in PREPARE:
        code, _, said, escaped = called(line.split())
        assert code == 0, f"{line}: {said}{escaped}"
    assert all((folder / name).exists() for name in MADE)


def half_written(path: Path) -> bool:
    """Whether a file that a command left is no whole file of its name."""
    if path.name.startswith("."):
        return True
    data = path.read_bytes()
    try:
        if path.suffix == ".json":
            json.loads(data)
        elif path.suffix == ".parquet":
            import pyarrow.parquet as pq

            pq.read_table(path)
    except (ValueError, OSError):  # of json and UTF-8, and all that Arrow says of a damaged file
        return True
    ends = {".svg": b"</svg>", ".png": b"IEND\xaeB`\x82", ".pdf": b"%%EOF"}.get(path.suffix, b"")
    return not data.rstrip().endswith(ends)


def run_case(seed: int, template: Path, here: Path) -> tuple[int, str]:
    """(exit code, what is wrong with it or "") of a seed, run in this process."""
    os.chdir(template.parent)
    shutil.rmtree(here, ignore_errors=True)
    shutil.copytree(template, here)
    name, words, change = case(seed)
    if name:
        (here / name).write_bytes(mutated((here / name).read_bytes(), random.Random(change)))
    inputs = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    os.chdir(here)
    _forget()
    code, out, err, escaped = called(words)
    os.chdir(template.parent)
    lost = [str(path.relative_to(here)) for path, data in inputs.items() if _changed(path, data)]
    if words[0] == "compare" and code == 0:  # rows added to a folder of the same run
        lost = [path for path in lost if not path.startswith("r/")]
    new = [p for p in here.rglob("*") if p.is_file() and p not in inputs and p.name not in words]
    left = [str(p.relative_to(here)) for p in new if half_written(p)]
    if escaped:
        return code, f"escaped: {escaped}"
    if code not in ALLOWED:
        return code, f"exit {code}: {err.strip()[-400:]}"
    if "Traceback" in err + out:
        return code, "a traceback"
    if code == 2 and not err.strip():
        return code, "exit 2 without a word"
    if CONTROL & set(out + err):
        return code, f"control characters: {sorted(CONTROL & set(out + err))}"
    if left or lost:
        return code, f"half-written: {left}" if left else f"inputs replaced: {lost}"
    return code, ""


def _changed(path: Path, data: bytes) -> bool:
    return not path.is_file() or path.read_bytes() != data


def _forget() -> None:
    """Clear what the process remembers of files, as a new process would not know it."""
    import functools
    import gc

    for each in gc.get_objects():
        if isinstance(each, functools._lru_cache_wrapper) and each.__module__.startswith("chipweave"):
            each.cache_clear()


def _worker(pipe: Any, folder: str) -> None:
    os.setsid()  # so that what it starts can be ended with it
    template = Path(folder) / "template"
    if not template.exists():
        prepared(template)
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    while (seed := pipe.recv()) is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + LIMIT_S + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        pipe.send(run_case(seed, template, Path(folder) / "case"))


class Worker:
    """A process that runs cases; it is ended and started anew where one takes too long or kills it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.process: Any = None  # of the spawn context, while it runs

    def run(self, seed: int) -> tuple[int, str]:
        if self.process is None or not self.process.is_alive():
            self.pipe, theirs = multiprocessing.Pipe()
            context = multiprocessing.get_context("spawn")
            self.process = context.Process(target=_worker, args=(theirs, self.folder))
            self.process.start()
            theirs.close()
        self.pipe.send(seed)
        if not self.pipe.poll(WALL_S):
            self._end()
            return -1, f"no end within {WALL_S} s"
        try:
            return self.pipe.recv()
        except EOFError:
            self.process.join(5)
            code = self.process.exitcode
            self._end()
            return -1, f"no end within {LIMIT_S} s of CPU" if code == -signal.SIGXCPU else f"the process died: {code}"

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None

    def close(self) -> None:
        if self.process is not None and self.process.is_alive():
            self.pipe.send(None)
            self.process.join(10)


def sample(number: int, seed: int = 0) -> tuple[Counter, Counter, dict[int, str]]:
    """(how many ended with each code, how many each command had, seed -> what is wrong) of `number` cases."""
    codes: Counter = Counter()
    commands: Counter = Counter()
    wrong: dict[int, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(folder)
        for each in range(seed, seed + number):
            code, words = worker.run(each)
            codes[code] += 1
            commands[command_of(case(each)[1])] += 1
            if words:
                wrong[each] = words
                print(f"seed {each}: {words}", file=sys.stderr, flush=True)
        worker.close()
    return codes, commands, wrong


def main(number: int = 5000, seed: int = 0) -> None:
    """Run the sample and print what was wrong."""
    codes, commands, wrong = sample(number, seed)
    for each, words in wrong.items():
        name, command, _ = case(each)
        print(f"seed {each}: chipweave {' '.join(command)} with {name or 'nothing'} changed: {words}")
    print("inputs a command: " + ", ".join(f"{name} {n}" for name, n in sorted(commands.items())))
    print(f"{number} inputs from seed {seed}: exits {dict(sorted(codes.items()))}; {len(wrong)} wrong")
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
