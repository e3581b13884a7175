"""Is a row of suite booksim with an option that we do not have told apart from one that we do, by name?"""

import csv

import pytest

from chipweave.validation.booksim import options as booksim_options
from chipweave.validation.suites import booksim as suite_booksim

from .booksim_traces import index, rows

OTHER = {"router": "event", "buffer_policy": "shared", "include_queuing": "0", "measure_stats": "0"}
ADAPTIVE = """\
1,2,2,0,0,18,2 3,7,2,0,0,23,3 4,4,2,0,0,13,1 8,1,2,0,0,28,4 0,6,2,1,1,24,3 5,3,2,2,2,25,3 2,8,2,3,3,26,3
6,0,2,3,3,26,3 7,4,2,3,3,26,2 1,5,2,1,7,34,3 3,1,2,4,7,42,3 4,8,2,1,7,33,3 8,8,2,5,7,21,1 0,7,2,4,8,37,4
5,5,2,4,9,22,1 2,4,2,4,10,57,3 6,4,2,4,10,45,3 7,4,2,4,10,50,2 1,4,2,5,14,33,2 3,5,2,7,14,46,3 4,6,2,5,14,38,3
8,3,2,8,14,44,4 0,7,2,5,15,52,4 5,4,2,13,16,38,2 2,6,2,7,17,55,5 6,0,2,6,17,42,3 1,6,2,15,21,50,4
4,3,2,6,21,39,2 3,4,2,14,33,62,2 8,4,2,10,23,69,3 2,4,2,8,31,74,3 5,0,2,19,25,53,4 6,6,2,7,30,43,1"""


def write(path, table):
    with open(path, "w", newline="") as file:
        out = csv.DictWriter(file, table[0].keys())
        out.writeheader()
        out.writerows(table)


def judged(folder, **changes):
    """The row of trace T02 (2 VCs of 4 flits) with other columns."""
    write(folder / "packet_traces_index.csv", [index()["T02"] | changes])
    if not (folder / "packet_traces.csv").exists():
        write(folder / "packet_traces.csv", [r for r in rows("packet_traces.csv") if r["trace_id"] == "T02"])
    (row,) = suite_booksim.results(reference=folder)
    return row


@pytest.mark.slow
@pytest.mark.parametrize("name", booksim_options.ANY)
def test_an_option_that_we_do_not_have_is_named(tmp_path, name):
    row = judged(tmp_path, **{name: OTHER.get(name, "2")})
    assert row.status == "not modelled" and f"{name} = {OTHER.get(name, '2')}" in row.why and row.simulated is None


def test_options_that_change_nothing_are_no_reason(tmp_path):
    neutral = {name: str(value) for name, (value, _) in (booksim_options.ANY | booksim_options.RUN).items()}
    without_effect = {
        "alloc_iters": "4",
        "arb_type": "matrix",
        "private_bufs": "2",
        "max_held_slots": "3",
        "vct": "1",
        "write_request_size": "7",
    }
    assert judged(tmp_path, **neutral, **without_effect).status == "holds"
    assert judged(tmp_path, classes="{1}", use_read_write="{0}", subnets="").status == "holds"


@pytest.mark.slow
@pytest.mark.parametrize(
    "total, status", [("8", "holds"), ("9", "holds"), ("-1", "gap"), ("7", "gap"), ("1", "not modelled")]
)
def test_buf_size_is_shared_out_among_the_vcs(tmp_path, total, status):
    """2 VCs: 8 and 9 flits are 4 each, as recorded; 7 are 3; where it is not positive vc_buf_size holds, here a wrong
    one."""
    assert judged(tmp_path, buf_size=total, vc_buf_size="5").status == status


@pytest.mark.parametrize(
    "changes, why",
    [
        ({"include_queuing": "0"}, "include_queuing = 0"),
        ({"measure_stats": "{0}"}, "measure_stats"),
        ({"warmup_periods": "0"}, "warmup_periods = 0"),
        ({"sim_type": "batch"}, "sim_type = 'batch'"),
        ({"subnets": "2"}, "subnets = 2"),
    ],
)
def test_a_curve_that_is_measured_otherwise_is_not_modelled(tmp_path, changes, why):
    write(tmp_path / "reference.csv", [rows("reference.csv")[1] | changes])
    (row,) = suite_booksim.results(reference=tmp_path)
    assert row.status == "not modelled" and why in row.why


@pytest.mark.parametrize(
    "changes, status", [({}, "holds"), ({"routing_function": "dor"}, "gap"), ({"speculative": "1"}, "not modelled")]
)
def test_min_adapt_is_that_of_booksim_with_one_direction_a_rank(tmp_path, changes, status):
    """A recorded run on a mesh of 3x3 with 2 VCs of one flit: the escape VC and one other, both in the same
    direction."""
    columns = ("src", "dst", "size", "ctime", "itime", "atime", "hops")
    packets = [dict(zip(columns, map(int, line.split(",")), strict=False), trace_id="A") for line in ADAPTIVE.split()]
    write(tmp_path / "packet_traces.csv", packets)
    shape = {
        "trace_id": "A",
        "network": "",
        "topology": "mesh",
        "k": "3",
        "n": "2",
        "routing_function": "min_adapt",
        "num_vcs": "2",
        "vc_buf_size": "1",
    }
    write(tmp_path / "packet_traces_index.csv", [shape | changes])
    (row,) = suite_booksim.results(reference=tmp_path)
    assert row.status == status
