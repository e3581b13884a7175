"""Do mutated inputs of all kinds end with 0 or 2, without a traceback, a hang, a signal or half a file? A fixed sample
of 500."""

import random
import subprocess
import sys
from pathlib import Path

import click
import pytest

from chipweave.__main__ import root

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fuzz(monkeypatch):
    """The program of the checkout."""
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import fuzz

    return fuzz


@pytest.mark.slow
def test_mutated_inputs_end_as_inputs_of_a_user_do():
    command = [sys.executable, "-m", "benchmarks.fuzz", "500", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "500 inputs" in done.stdout and "0 wrong" in done.stdout


def test_the_sample_tries_what_is_right_and_what_is_wrong(fuzz):
    """Seeds are the inputs: the same ones on every machine, three in ten of them command lines."""
    cases = [fuzz.case(seed) for seed in range(300)]
    assert cases[7] == fuzz.case(7)
    lines = [command for name, command, _ in cases if not name]
    assert 60 < len(lines) < 120
    assert {name for name, _, _ in cases if name} == set(fuzz.COMMANDS)


def test_every_command_is_tried(fuzz):
    """A new command stands in no list of the fuzzer: this fails."""
    context, found = click.Context(root), set()
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        found |= {f"{name} {more}" for more in command.commands} if isinstance(command, click.Group) else {name}
    lines = [line for lines in fuzz.COMMANDS.values() for line in lines]
    assert {fuzz.command_of(line.split()) for line in (*lines, *fuzz.LINES)} == found


def test_a_changed_file_is_another_and_the_same_for_a_seed(fuzz):
    for raw in (b"a: 1\nb: {c: 2}\n", bytes(range(256))):
        changed = [fuzz.mutated(raw, random.Random(seed)) for seed in range(30)]
        assert changed == [fuzz.mutated(raw, random.Random(seed)) for seed in range(30)]
        assert len(set(changed) - {raw}) > 20
