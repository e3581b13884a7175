"""Does suite booksim judge any subset of the reference files, with what it cannot model named?"""

import shutil

import pytest

from chipweave.errors import BadInput
from chipweave.validation.booksim import seeded_source as booksim_source
from chipweave.validation.suites import booksim as suite_booksim

from .booksim_traces import FOLDER


@pytest.mark.slow
def test_exact_rows_hold():
    rows = suite_booksim.results(groups=("traces", "microbench"))
    assert len(rows) == 34 and {r.status for r in rows} == {"holds"}
    assert all(r.error == 0 for r in rows if r.group == "traces")


@pytest.mark.slow
def test_every_rate_of_one_stream_equals_the_printed_digits():
    rows = suite_booksim.results(groups=("microbench",))
    assert len(rows) == 24 and all(f"{row.simulated:.4f}" == f"{row.reference:.4f}" for row in rows)
    assert all(row.tolerance <= 5.1e-5 / row.reference and not row.why for row in rows)


def test_the_draws_are_those_that_the_book_gives_for_its_seed():
    """TAOCP volume 2, section 3.6: the first number of the 2010th block of 1009 from seed 310952, and of the 1010th of
    2009."""
    for block in (1009, 2009):
        state = booksim_source.seeded(310952)
        for _ in range(3018 - block):
            state = booksim_source._continue(state, block)[1]
        assert state[0] / 2**52 == 0.36410514377569680455


def test_a_source_of_another_phase_is_a_gap(tmp_path, monkeypatch):
    """M15 is limited by its source: the fourth digit is that of the reference's own draws."""
    monkeypatch.setattr(booksim_source, "draws", lambda seed, draws=booksim_source.draws: draws(seed + 1))
    (row,) = suite_booksim.results(groups=("microbench",), device="M15")
    assert row.status == "gap" and abs(row.error) < 0.02


def test_linear_rows_of_a_curve_hold():
    rows = suite_booksim.results(groups=("curves",), device="O02:1")
    assert [r.status for r in rows] == ["holds"] and rows[0].tolerance >= 0.02


def test_where_the_reference_seeds_disagree_the_accepted_rate_alone_decides():
    (mixed,) = suite_booksim.results(groups=("curves",), device="O15:7")
    assert mixed.status == "holds" and mixed.tolerance == 0.03


def test_a_row_called_unstable_below_saturation_is_a_gap(tmp_path):
    lines = (FOLDER / "reference.csv").read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("O15,1,"))
    (tmp_path / "reference.csv").write_text(
        "\n".join([lines[0], row.replace(",stable,", ",unstable,").replace(",linear", ",overload")]) + "\n"
    )
    (found,) = suite_booksim.results(reference=tmp_path)
    assert found.status == "gap" and "ours is not" in found.why


@pytest.mark.slow
def test_a_folder_with_some_files_has_their_rows_alone(tmp_path):
    for name in ("packet_traces.csv", "packet_traces_index.csv"):
        shutil.copy(FOLDER / name, tmp_path / name)
    rows = {r.id: r for r in suite_booksim.results(reference=tmp_path)}
    assert len(rows) == 10 and rows["T01"].status == "holds"
    assert rows["T07"].status == "not modelled" and "anynet_links.csv" in rows["T07"].why


def test_a_trace_with_one_wrong_cycle_is_a_gap(tmp_path):
    shutil.copy(FOLDER / "packet_traces_index.csv", tmp_path)
    lines = (FOLDER / "packet_traces.csv").read_text().splitlines()
    lines[1] = "T01,0,4,6,1,0,0,18,18,18,0,3"
    (tmp_path / "packet_traces.csv").write_text("\n".join(lines) + "\n")
    (row,) = suite_booksim.results(reference=tmp_path, device="T01")
    assert row.status == "gap" and row.simulated == row.reference - 1


@pytest.mark.slow
def test_a_file_of_the_folder_stands_for_it():
    ids = [r.id for r in suite_booksim.results(reference=FOLDER / "microbench.csv", groups=("traces",))]
    assert ids == [r.id for r in suite_booksim.results(reference=FOLDER, groups=("traces",))] and len(ids) > 5


def test_a_reference_that_is_no_folder_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a\n")
    for path in (tmp_path / "nowhere", tmp_path / "other.csv"):
        with pytest.raises(BadInput, match="wants a folder"):
            suite_booksim.results(reference=path)
