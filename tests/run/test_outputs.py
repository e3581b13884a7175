"""Is nothing lost by a wrong place to write to: refused before the work, with exit 2, and never in place of what it is
not?"""

import os
import stat

import pytest

from chipweave.__main__ import main
from chipweave.errors import BadInput
from chipweave.io.atomic import check_file, check_folder, replacing, write_json

from .test_bad_input import WORK


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")


def ended(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([*WORK, "--json", "folder"], "folder is a folder"),
        ([*WORK, "--json", "file/x.json"], "file/x.json|file is not a folder"),
        ([*WORK, "--out", "file/x"], "file is not a folder"),
        (["validate", "analytic", "--json", "folder"], "folder is a folder"),
        (["validate", "analytic", "--out", "file/x"], "file is not a folder"),
        (["trace", "stats", "esft-law", "--json", "folder"], "folder is a folder"),
        (
            ["trace", "generate", "deepseek-v2-lite", "--requests", "2", "--steps", "2", "--out", "file/x.parquet"],
            "file is not a folder",
        ),
        (["draw", "mesh_4x4", "-o", "file/x.svg"], "file is not a folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_the_work(capsys, monkeypatch, arguments, words):
    def never(*_, **__):
        raise AssertionError("worked first")

    monkeypatch.setattr("chipweave.run.simulate.simulate", never)
    monkeypatch.setattr("chipweave.ledger.suites.run_suite", never)
    code, err = ended(capsys, *arguments)
    assert code == 2 and any(w in err for w in words.split("|")) and len(err.splitlines()) == 1


def test_a_device_is_written_to_and_stays_one(tmp_path):
    """A named pipe stands for /dev/stdout: no test should gamble with the real one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_json(pipe, {"a": 1})
    assert os.read(reader, 100) == b'{\n "a": 1\n}\n' and stat.S_ISFIFO(os.stat(pipe).st_mode)
    os.close(reader)


def test_a_link_stays_a_link_and_what_it_names_is_replaced(tmp_path):
    (tmp_path / "link").symlink_to("file")
    write_json(tmp_path / "link", [])
    assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_text() == "[]\n"


def test_what_was_there_stays_where_writing_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "file") as file:
        file.write("half")
        raise ZeroDivisionError
    assert (tmp_path / "file").read_text() == "mine" and sorted(p.name for p in tmp_path.iterdir()) == [
        "file",
        "folder",
    ]


def test_places_that_can_be_written_pass(tmp_path):
    for path in (None, "-", "new.json", "file", "a/b/c.json", "/dev/null"):
        check_file(path)
    for folder in (None, "folder", "new/er"):
        check_folder(folder)
    with pytest.raises(BadInput, match="no folder|not a folder"):
        check_folder("file")


def test_an_import_never_replaces_what_it_reads_nor_a_file_that_is_no_store(capsys, tmp_path):
    line = '{"path": "0", "trace": [%s, %s]}\n' % (
        ("{" + ", ".join(f'"{layer}": [[0, 1, 2, 3, 4, 5]]' for layer in range(1, 27)) + "}",) * 2
    )
    (tmp_path / "log.jsonl").write_text(line)
    code, err = ended(capsys, "trace", "import", "log.jsonl", "--out", "./log.jsonl")
    assert code == 2 and "log.jsonl is what is imported" in err and (tmp_path / "log.jsonl").read_text() == line
    code, err = ended(capsys, "trace", "import", "log.jsonl", "--out", "file")
    assert code == 2 and "no Parquet file" in err and (tmp_path / "file").read_text() == "mine"
    for _ in range(2):  # a store may be written again
        assert ended(capsys, "trace", "import", "log.jsonl", "--out", "log.parquet")[0] == 0
