"""Random systems of unequal dies: kernel and twin agree to the picosecond, and nothing is lost."""

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipweave.run.record import COLUMNS

FIGURES = {
    "sm": {"peak": ["1 TFLOPS", "500 TFLOPS", "989 TFLOPS"], "kind": ["sm.utilisation_table_plain"]},
    "llc": {
        "capacity": ["1 MiB", "8 MiB", "64 MiB"],
        "ways": [1, 2, 4],
        "hit_latency": ["1 ps", "250 ns"],
        "miss_latency": ["10 ns", "300 ns"],
        "kind": ["memory.llc_plain"],
    },
    "hbm": {
        "latency": ["10 ns", "1 us"],
        "bandwidth": ["100 GB/s", "8 TB/s"],
        "efficiency": [0.5, 1],
        "kind": ["memory.hbm_plain"],
    },
    "d2d": {"request_size": ["1 B", "4 KiB"], "round_to": ["1 ns"]},
    "cp": {"dispatch_time": ["0 ps", "700 ns"]},
}
PLACES = ["[0][0]", "[0][1]", "[1][0]", "[1][1]"]
TRACE = [[[0, 1], [2, 3], [4, 5], [6, 0]], [[0, 1], [3, 6]], [[5, 2], [0, 4]]]
SLICES, SLICE = 3, 1024 * 512 * 2


@st.composite
def changes(draw):
    """One die's parts -> values."""
    out = {}
    for part in draw(st.lists(st.sampled_from(sorted(FIGURES)), min_size=1, max_size=3, unique=True)):
        names = draw(st.lists(st.sampled_from(sorted(FIGURES[part])), min_size=1, max_size=3, unique=True))
        out[part] = {name: draw(st.sampled_from(FIGURES[part][name])) for name in names}
    return out


SYSTEMS = st.dictionaries(st.sampled_from(PLACES), changes(), min_size=1, max_size=4)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    override=SYSTEMS,
    strategy=st.sampled_from(["base", "ep", "allo", "pred"]),
    model=st.sampled_from(["circuit", "fair"]),
)
def test_kernel_and_twin_agree_and_every_slice_is_read_once(desk, override, strategy, model):
    text = "extends: micro_2x2\n" + yaml.safe_dump({"parts": {"die": {"override": override}}})
    system, trace = desk.topology(text), desk.trace(TRACE, TRACE)
    more = dict(preset="physical", batch=2, link_model=model)
    ours, plain = (desk.run(system, trace, strategy, engine=engine, **more) for engine in ("kernel", "plain"))
    assert (ours.table == plain.table).all() and sorted(ours.statistics) == sorted(plain.statistics)
    count = {}
    for _, name, _, value in ours.statistics:
        count[name] = count.get(name, 0) + value
    reads = count["local_reads"] + count["remote_reads"] + count["local_hits"] + count["remote_hits"]
    assert reads == SLICES * int(ours.table[:, COLUMNS.index("plan_entries")].sum())
    assert count["remote_bytes"] == SLICE * count["remote_reads"]
