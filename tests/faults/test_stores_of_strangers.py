"""Is a store whose description is not ours refused in a line, and are names of strangers shown without harm?"""

import json

import pyarrow.parquet as pq
import pytest

from chipweave.__main__ import main
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
