"""Does the store give back, step by step, what the requests said?"""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trace_requests import assert_same, expected_step, make_requests

from chipweave.errors import BadInput
from chipweave.trace import store, writer
from chipweave.trace.header import Header, Shape
from chipweave.trace.spill import Spill
from chipweave.trace.store import open_store


def write(path, requests, experts=16):
    layers, top_k = requests[0][1].shape[1:]
    with Spill(Shape(tuple(range(layers)), experts, top_k)) as spill:
        for number, (prompt, ids) in enumerate(requests):
            spill.add(f"r{number}", prompt, ids)
        header = Header("t", spill.shape, tuple(spill.names), np.array(spill.prompt_rows), np.array(spill.decode_steps))
        return writer.write_store(path, header, spill.by_step())


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 6),
    layers=st.integers(1, 3),
    top_k=st.integers(1, 4),
    experts=st.sampled_from([8, 256, 384]),
    tight=st.booleans(),
)
def test_what_goes_in_comes_out_for_any_shape_and_block_size(
    seed, count, layers, top_k, experts, tight, tmp_path_factory
):
    requests = make_requests(seed, count, layers, top_k, experts)
    path = tmp_path_factory.mktemp("store") / "t.parquet"
    with pytest.MonkeyPatch.context() as patch:
        if tight:  # blocks, row groups and whole-step reads so small that every border is crossed
            patch.setattr("chipweave.trace.spill.BLOCK_BYTES", 2 * layers * top_k * 2)
            patch.setattr(writer, "ROW_GROUP_ROWS", 3)
            patch.setattr(writer, "ROW_GROUP_MIN_ROWS", 2)
            patch.setattr(store, "WHOLE_STEP_BYTES", 0)
        header = write(path, requests, experts)
        trace = open_store(path)
        assert trace.sha256 == header.sha256
        assert_same(trace, requests)
        for cut in range(1, count + 1):
            assert_same(trace.take(cut), requests[:cut])
        blocks = np.concatenate(list(trace.read_blocks(0)))
        assert np.array_equal(blocks, expected_step(requests, 0)[1])


@pytest.mark.parametrize("more,plain", [({}, True), ({"compression": "zstd"}, False), ({"pages": 4}, False)])
def test_ids_are_read_as_they_stand_only_where_nothing_encodes_them(tmp_path, monkeypatch, more, plain):
    if "pages" in more:  # several pages a column: the file has headers between the ids
        of_arrow = writer.pq.ParquetWriter
        monkeypatch.setattr(
            writer.pq, "ParquetWriter", lambda *a, **k: of_arrow(*a, **k | {"data_page_size": 8, "write_batch_size": 1})
        )
    layers, requests = 3, make_requests(5, 6, 3, 4, 300)
    with Spill(Shape(tuple(range(layers)), 300, 4)) as spill:
        for number, (prompt, ids) in enumerate(requests):
            spill.add(f"r{number}", prompt, ids)
        header = Header("t", spill.shape, tuple(spill.names), np.array(spill.prompt_rows), np.array(spill.decode_steps))
        writer.write_store(tmp_path / "t", header, spill.by_step(), compression=more.get("compression", "none"))
    trace = open_store(tmp_path / "t")
    assert_same(trace, requests)
    assert (trace._pages.read(trace._file.metadata.row_group(0), trace.shape) is not None) == plain
    assert not trace.read(0)[0].flags.writeable


def test_the_hash_depends_on_content_and_not_on_row_groups(tmp_path, monkeypatch):
    requests = make_requests(1, 5)
    whole = write(tmp_path / "a.parquet", requests).sha256
    monkeypatch.setattr(writer, "ROW_GROUP_ROWS", 4)
    assert write(tmp_path / "b.parquet", requests).sha256 == whole
    prompt, ids = requests[2]
    changed = ids.copy()
    changed[-1, -1] = changed[-1, -1][::-1]
    assert write(tmp_path / "c.parquet", [*requests[:2], (prompt, changed), *requests[3:]]).sha256 != whole
    assert write(tmp_path / "d.parquet", requests[::-1]).sha256 != whole


def test_step_0_is_a_prefill_whatever_the_order_and_by_the_last_request_as_the_artifact_has_it(tmp_path):
    two, one = make_requests(3, 1)[0][1][:2], make_requests(3, 1)[0][1][:1]
    long_then_short, short_then_long = [(len(two), two), (1, one)], [(1, one), (len(two), two)]
    for name, requests, prefill in (("a", long_then_short, False), ("b", short_then_long, True)):
        write(tmp_path / name, requests)
        assert open_store(tmp_path / name).last_has_prefill is prefill
        assert open_store(tmp_path / name).has_prefill is open_store(tmp_path / name).take(1).has_prefill is True
    assert open_store(tmp_path / "b").take(1).last_has_prefill is False
    write(tmp_path / "c", [(1, one), (1, two)])
    assert open_store(tmp_path / "c").has_prefill is False


def test_taking_more_requests_than_there_are_is_refused(tmp_path):
    write(tmp_path / "a", make_requests(0, 2))
    with pytest.raises(BadInput, match="cannot take 3 requests; allowed: 1 to 2"):
        open_store(tmp_path / "a").take(3)


def test_a_store_cut_short_foreign_or_missing_is_bad_input(tmp_path):
    write(tmp_path / "a", make_requests(0, 2))
    (tmp_path / "short").write_bytes((tmp_path / "a").read_bytes()[:-7])
    (tmp_path / "text").write_text("hello")
    for name in ("short", "text", "missing"):
        with pytest.raises(BadInput, match=name):
            open_store(tmp_path / name)


def test_an_id_out_of_range_in_a_store_is_found_when_its_layer_is_read(tmp_path):
    ((prompt, ids),) = make_requests(0, 1, experts=16)
    write(tmp_path / "a", [(prompt, ids)], experts=9)
    with pytest.raises(BadInput, match="expert id 1[0-9] out of range; allowed: 0 to 8"):
        for step_ids in open_store(tmp_path / "a").steps_iter():
            list(step_ids)


def test_a_failed_write_leaves_nothing(tmp_path):
    def rows():
        yield 0, np.zeros(1, int), np.zeros((1, 1, 1), np.uint8)
        raise KeyboardInterrupt

    header = Header("t", Shape((0,), 4, 1), ("a",), np.array([1]), np.array([1]))
    with pytest.raises(KeyboardInterrupt):
        writer.write_store(tmp_path / "a.parquet", header, rows())
    assert list(tmp_path.iterdir()) == []


READER = """
import sys, time
from chipweave.trace.store import open_store
trace, start, most = open_store(sys.argv[1]), time.process_time(), 0
for step in trace.steps_iter():
    for ids in step:
        most = max(most, ids[0, 0])
peak_kib = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(time.process_time() - start, int(peak_kib) / 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_reading_60_million_ids_costs_under_half_a_second_and_150_mib(tmp_path, slowness):
    shape = Shape(tuple(range(3, 61)), 256, 8)
    block = np.random.default_rng(0).integers(0, 256, (4096, 58, 8), dtype=np.uint8)
    header = Header("t", shape, tuple(map(str, range(4096))), np.ones(4096, int), np.full(4096, 31))
    writer.write_store(tmp_path / "a", header, ((step, np.arange(4096), block) for step in range(32)))
    cpu_s, rss_mib = map(
        float,
        subprocess.run(
            [sys.executable, "-c", READER, tmp_path / "a"], capture_output=True, text=True, check=True
        ).stdout.split(),
    )
    assert cpu_s < 0.5 * slowness and rss_mib < 150
