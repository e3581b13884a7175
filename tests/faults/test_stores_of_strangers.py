"""Is a store whose description is not ours refused in a line, and are names of strangers shown without harm?"""

import json

import pyarrow.parquet as pq
import pytest

from chipweave.__main__ import main
from chipweave.errors import BadInput
from chipweave.trace.show import verify
from chipweave.trace.store import open_store
from chipweave.trace.writer import METADATA_KEY

ROWS = {"trace": [{"0": [[1, 2]]}, {"0": [[3, 4]]}]}


@pytest.fixture
def shown(tmp_path, capsys):
    """arguments -> (exit code, output, standard error)."""

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main(list(map(str, arguments)))
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return run


@pytest.fixture
def store(tmp_path, shown):
    """name of a request -> a store that has it."""

    def make(name="a"):
        (tmp_path / "t.jsonl").write_text(json.dumps({"path": name, **ROWS}) + "\n")
        assert shown("trace", "import", tmp_path / "t.jsonl", "--out", tmp_path / "t.parquet", "--experts", 8)[0] == 0
        return tmp_path / "t.parquet"

    return make


def described(path, **changes):
    """The store with other things in its description."""
    table = pq.read_table(path)
    metadata = dict(table.schema.metadata or pq.read_metadata(path).metadata)
    facts = {**json.loads(metadata[METADATA_KEY]), **changes}
    pq.write_table(table.replace_schema_metadata({**metadata, METADATA_KEY: json.dumps(facts)}), path)
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"provenance": None},
        {"names": [7]},
        {"names": None},
        {"shape": []},
        {"sha256": 5},
        {"prompt_rows": [10**30]},
        {"model": None},
    ],
)
@pytest.mark.parametrize("command", ["show", "stats"])
def test_a_description_that_is_not_ours_is_refused(store, shown, changes, command):
    code, _, err = shown("trace", command, described(store(), **changes))
    assert code == 2 and "its description cannot be read" in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("name", ["\x1b[2Jgone", "a\udcffb", "[bold]x[/bold]", "[/]", "right\u202eleft", "a\nb"])
def test_a_name_is_shown_without_harm(store, shown, name):
    code, out, err = shown("trace", "show", "--verify", store(name))
    assert code == 0, err
    assert "\x1b" not in out and "\u202e" not in out


def content(path):
    """All that a user of a store reads of it."""
    trace = open_store(path)
    verify(trace)
    ids = [[layer.tolist() for layer in step] for step in trace.steps_iter()]
    return ids, trace.header.to_json()


@pytest.mark.slow
def test_a_flipped_bit_is_found_or_changes_nothing_that_is_read(store):
    """One bit of every byte of the file."""
    path = store()
    good, data = content(path), path.read_bytes()
    found = 0
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        try:
            assert content(path) == good, f"byte {at}"
        except BadInput:
            found += 1
    assert found > len(data) / 3


def test_statistics_are_of_content_that_was_checked(store, shown):
    path = store()
    data = path.read_bytes()
    at = data.index(bytes([1, 2]))  # the ids of the prompt's row
    path.write_bytes(data[:at] + bytes([5]) + data[at + 1 :])
    for command in (["stats"], ["loads", "--out", str(path) + ".npz"], ["analyse", "--out", str(path) + ".d"]):
        code, _, err = shown("trace", command[0], path, *command[1:])
        assert code == 2 and "SHA-256" in err, command


def test_a_store_of_before_descriptions_had_a_checksum_is_read(store, shown):
    path = store()
    table = pq.read_table(path)
    metadata = dict(pq.read_metadata(path).metadata)
    facts = json.loads(metadata[METADATA_KEY])
    del facts["description_sha256"]
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(facts)}), path)
    assert shown("trace", "show", "--verify", path)[0] == 0
