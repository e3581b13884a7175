"""Are the tables of `validate --reference` held to their columns and ranges?"""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from chipweave.__main__ import main

SHIPPED = Path(str(files("chipweave.validation"))) / "references" / "booksim"


@pytest.fixture
def judged(tmp_path, capsys):
    """name of a file, change of its text -> (exit code, what is said)."""

    def run(name, change, *arguments):
        folder = tmp_path / "ref"
        folder.mkdir()
        for file in ("packet_traces_index.csv", "packet_traces.csv"):
            lines = (SHIPPED / file).read_text().splitlines()
            (folder / file).write_text(
                "\n".join([lines[0], *(line for line in lines if line.startswith("T01"))]) + "\n"
            )
        shutil.copy(SHIPPED / "microbench.csv", folder)
        (folder / name).write_text(change((folder / name).read_text()))
        with pytest.raises(SystemExit) as end:
            main(["validate", "booksim", "--reference", str(folder), *arguments])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return end.value.code, shown.out + shown.err

    return run


def test_the_rows_as_they_are_hold(judged):
    assert judged("microbench.csv", lambda text: text, "--group", "traces")[0] == 0


def test_a_missing_and_a_doubled_column_are_named(judged):
    code, told = judged("packet_traces.csv", lambda text: text.replace(",dst,", ",src,", 1))
    assert code == 2 and "packet_traces.csv:1: columns missing: dst" in told and "more than once: src" in told


def test_a_row_that_is_there_twice_is_named(judged):
    code, told = judged("packet_traces_index.csv", lambda text: text + text.splitlines()[1] + "\n")
    assert code == 2 and "packet_traces_index.csv:3: T01 is there already in line 2" in told


def test_packets_of_no_trace_are_named(judged):
    code, told = judged("packet_traces.csv", lambda text: text + text.splitlines()[1].replace("T01", "T99") + "\n")
    assert code == 2 and "T99" in told


def test_a_destination_beyond_the_network_is_no_row(judged):
    def far(text):
        lines = text.splitlines()
        cells = lines[1].split(",")
        cells[lines[0].split(",").index("dst")] = str(2**32)
        return "\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n"

    code, told = judged("packet_traces.csv", far, "--group", "traces")
    assert code == 0 and "column dst: '4294967296' is no whole number, 0 to 15" in told


def test_a_field_of_any_length_is_told(judged):
    code, told = judged("microbench.csv", lambda text: text + "x" * 140_000 + "\n")
    assert code == 2 and "microbench.csv:" in told
