"""Is nothing in a folder of `--out` lost unasked, and does a comparison that was interrupted end as if it had not
been?"""

import json

import pyarrow.parquet as pq
import pytest

from chipweave.__main__ import main
from chipweave.run import simulate as running

SMALL = ["--model", "deepseek-v2-lite", "--trace", "esft-law", "--batch", "4", "--steps", "2"]
FILES = ("result.json", "manifest.json", "layers.parquet", "statistics.parquet", "links.parquet")


@pytest.fixture
def compare(capsys):
    """arguments of compare -> (exit code, standard error)."""

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main(["compare", *SMALL, *map(str, arguments)])
        return end.value.code, capsys.readouterr().err

    return run


@pytest.fixture
def stop_after(monkeypatch):
    """After so many runs Ctrl-C is pressed; None: never again."""
    simulate = running.simulate

    def arrange(runs):
        done = []

        def counted(*arguments, **options):
            done.append(1)
            if runs is not None and len(done) > runs:
                raise KeyboardInterrupt
            return simulate(*arguments, **options)

        monkeypatch.setattr(running, "simulate", counted)
        return done

    return arrange


def result(folder):
    return json.loads((folder / "result.json").read_text())


def content(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def rows_of(folder, table):
    """The rows of a table without what depends on the machine, sorted."""
    return sorted(map(str, pq.read_table(folder / table).to_pylist()))


@pytest.mark.slow
@pytest.mark.parametrize(
    "other",
    [
        ["--batch", "8"],
        ["--steps", "3"],
        ["--preset", "paper"],
        ["--topology", "wafer_8x3"],
        ["--set", "die.hbm.bandwidth=3 TB/s"],
        ["--seed", "2"],
        ["--trace", "esft-translation"],
    ],
)
def test_results_of_another_run_are_not_overwritten(compare, tmp_path, other):
    assert compare("--strategies", "ep", "--out", tmp_path / "o")[0] == 0
    before = content(tmp_path / "o")
    code, err = compare("--strategies", "ep", "--out", tmp_path / "o", *other)
    assert code == 2 and "holds results of another run" in err and "--force" in err
    assert content(tmp_path / "o") == before
    assert compare("--strategies", "ep", "--out", tmp_path / "o", "--force", *other)[0] == 0
    assert content(tmp_path / "o") != before


@pytest.mark.parametrize("name, text", [("result.json", "[1, 2]"), ("result.json", "{"), ("manifest.json", "{}")])
def test_files_of_somebody_else_are_not_overwritten(compare, tmp_path, name, text):
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / name).write_text(text)
    code, err = compare("--strategies", "ep", "--out", tmp_path / "o")
    assert code == 2 and "--force" in err and (tmp_path / "o" / name).read_text() == text
    assert [path.name for path in (tmp_path / "o").iterdir()] == [name]


@pytest.mark.slow
def test_rows_of_the_same_run_are_added(compare, tmp_path):
    assert compare("--strategies", "ep", "--out", tmp_path / "o")[0] == 0
    assert compare("--strategies", "base,allo", "--out", tmp_path / "o")[0] == 0
    assert compare("--strategies", "ep,base,allo", "--out", tmp_path / "whole")[0] == 0
    added, whole = result(tmp_path / "o"), result(tmp_path / "whole")
    assert added["result_sha256"] == whole["result_sha256"]
    assert [row["speedup"] for row in added["rows"]] == [row["speedup"] for row in whole["rows"]]
    for table in ("layers.parquet", "statistics.parquet", "links.parquet"):
        assert rows_of(tmp_path / "o", table) == rows_of(tmp_path / "whole", table)


@pytest.mark.slow
def test_a_finished_comparison_is_run_again(compare, tmp_path, stop_after):
    done = stop_after(None)
    for _ in range(2):
        assert compare("--strategies", "ep", "--out", tmp_path / "o")[0] == 0
    assert len(done) == 2


@pytest.mark.parametrize("advice", [True, False])
@pytest.mark.parametrize("models", ["circuit", pytest.param("circuit,fair", marks=pytest.mark.slow)])
def test_an_interrupted_comparison_ends_as_if_it_had_not_been(compare, tmp_path, stop_after, models, advice):
    """By the advice it gives, and by the same command again, which runs only what is not there."""
    whole = ["--strategies", "ep,base,allo", "--link-models", models]
    assert compare(*whole, "--out", tmp_path / "whole")[0] == 0
    stop_after(2)
    code, err = compare(*whole, "--out", tmp_path / "o")
    assert code == 130 and "2 rows are complete" in err
    advised = err.rpartition("--strategies ")[2].split()[0]
    assert not json.loads((tmp_path / "o" / "manifest.json").read_text())["complete"]
    done = stop_after(None)
    again = [*whole[:1], advised, *whole[2:]] if advice else whole
    assert compare(*again, "--out", tmp_path / "o")[0] == 0
    assert len(done) == len(result(tmp_path / "whole")["rows"]) - 2
    ended, expected = result(tmp_path / "o"), result(tmp_path / "whole")
    assert ended["result_sha256"] == expected["result_sha256"]
    assert json.loads((tmp_path / "o" / "manifest.json").read_text())["complete"]
    for table in ("layers.parquet", "statistics.parquet", "links.parquet"):
        assert rows_of(tmp_path / "o", table) == rows_of(tmp_path / "whole", table)


@pytest.mark.slow
def test_what_another_program_made_is_not_mixed_with_ours(compare, tmp_path, monkeypatch):
    assert compare("--strategies", "ep", "--out", tmp_path / "o")[0] == 0
    monkeypatch.setattr("chipweave.run.resume.program_sha256", lambda: "another")
    code, err = compare("--strategies", "base", "--out", tmp_path / "o")
    assert code == 2 and "another state of chipweave made (ep)" in err
    assert compare("--strategies", "ep,base", "--out", tmp_path / "o")[0] == 0


@pytest.mark.slow
def test_ctrl_c_before_a_new_row_keeps_the_old_ones(compare, tmp_path, stop_after):
    assert compare("--strategies", "ep", "--out", tmp_path / "o")[0] == 0
    before = result(tmp_path / "o")["result_sha256"]
    stop_after(0)
    assert compare("--strategies", "base", "--out", tmp_path / "o")[0] == 130
    assert result(tmp_path / "o")["result_sha256"] == before


@pytest.mark.slow
def test_an_interrupted_sample_ends_as_if_it_had_not_been(compare, tmp_path, stop_after):
    """The sample of a strategy depends on the circuit runs of all: those that were kept count too."""
    work = ["--topology", "micro_2x2", "--preset", "artifact"]
    whole = [*work, "--strategies", "ep,base", "--link-models", "circuit,flit"]
    assert compare(*whole, "--out", tmp_path / "whole")[0] == 0
    stop_after(5)  # four circuit runs and one sampled
    code, err = compare(*whole, "--out", tmp_path / "o")
    assert code == 130 and "5 rows are complete" in err and "--strategies base" in err
    stop_after(None)
    assert compare(*whole[:-3], "base", *whole[-2:], "--out", tmp_path / "o")[0] == 0
    ended, expected = result(tmp_path / "o"), result(tmp_path / "whole")
    assert ended["result_sha256"] == expected["result_sha256"]
    assert ended["layer_steps"] == expected["layer_steps"]


def lose_a_column(folder):
    table = pq.read_table(folder / "links.parquet")
    pq.write_table(table.drop(["wire_bytes"]), folder / "links.parquet")


def lose_a_table(folder):
    (folder / "layers.parquet").unlink()


def cut_a_table(folder):
    (folder / "statistics.parquet").write_bytes((folder / "statistics.parquet").read_bytes()[:100])


def lose_a_key(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["planned"]
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.slow
@pytest.mark.parametrize("harm", [lose_a_column, lose_a_table, cut_a_table, lose_a_key])
def test_a_folder_that_is_not_as_it_was_written_is_refused_with_the_cure(compare, tmp_path, harm):
    """Rows of other strategies would have to be read from it."""
    assert compare("--strategies", "base", "--out", tmp_path / "o")[0] == 0
    harm(tmp_path / "o")
    code, err = compare("--strategies", "ep", "--out", tmp_path / "o")
    assert code == 2 and "not as they were written" in err and "--force" in err and "Traceback" not in err
    assert compare("--strategies", "ep", "--out", tmp_path / "o", "--force")[0] == 0
