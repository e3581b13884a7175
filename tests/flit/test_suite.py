"""Does suite booksim judge any subset of the reference files, with what it cannot model named?"""

import shutil

import pytest

from chipweave.errors import BadInput
from chipweave.validation import suite_booksim

from .booksim_traces import FOLDER


def test_exact_rows_hold():
    rows = suite_booksim.results(groups=("traces", "microbench"))
    assert len(rows) == 34 and {r.status for r in rows} == {"holds"}
    assert all(r.error == 0 for r in rows if r.group == "traces")


@pytest.mark.slow
def test_only_rows_limited_by_their_source_are_drawn_and_the_rest_equal_the_printed_digits():
    rows = suite_booksim.results(groups=("microbench",))
    assert [r.id for r in rows if "Bernoulli" in r.why] == ["M11", "M15", "M19", "M23"]
    for row in rows:
        close = 0.04 if "Bernoulli" in row.why else 1.5e-4 / row.reference
        assert row.tolerance <= close and abs(row.simulated / row.reference - 1) <= row.tolerance
        assert row.simulated < 1 or row.x_value == "1"


def test_linear_rows_of_a_curve_hold():
    rows = suite_booksim.results(groups=("curves",), device="O02:1")
    assert [r.status for r in rows] == ["holds"] and rows[0].tolerance >= 0.02


def test_where_the_reference_seeds_disagree_the_accepted_rate_alone_decides():
    (mixed,) = suite_booksim.results(groups=("curves",), device="O15:7")
    assert mixed.status == "holds" and mixed.tolerance == 0.03


def test_a_row_called_unstable_below_saturation_is_a_gap(tmp_path):
    lines = (FOLDER / "reference.csv").read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("O15,1,"))
    (tmp_path / "reference.csv").write_text("\n".join([lines[0], row.replace(",stable,", ",unstable,").replace(",linear", ",overload")]) + "\n")
    (found,) = suite_booksim.results(reference=tmp_path)
    assert found.status == "gap" and "ours is not" in found.why


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


def test_a_reference_that_is_no_folder_is_refused():
    with pytest.raises(BadInput, match="wants a folder"):
        suite_booksim.results(reference="/nowhere")
