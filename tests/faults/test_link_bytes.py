"""Do bytes of links mean the same under every link model, whatever their flits hold? (SimAI #193)"""

from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from chipweave.__main__ import main
from chipweave.chain.link_statistics import LinkStatistics

MODEL = {"name": "one", "layers": 1, "moe_layers": {"first": 0, "last": 0, "every": 1}, "experts": 2, "top_k": 1}
TRACE = '{"path":"a","trace":[{"0":[[0],[0]]},{"0":[[0]]}]}\n'
SLICES, REQUESTS = 3 * 2**20, 3 * 16  # of one expert: three of 1 MiB, and what asks for them
WIRE = [3495936, 3 * 1024]  # flits of 1 KiB at an efficiency of 0.9


@pytest.mark.parametrize("link_model", ["circuit", "fair", "flit"])
def test_three_slices_are_three_slices_under_every_link_model(link_model, tmp_path, monkeypatch, small_model):
    monkeypatch.chdir(tmp_path)
    small_model(tmp_path / "one.yaml", **MODEL)
    (tmp_path / "one.jsonl").write_text(TRACE)
    words = "compare --topology micro_line_2 --model one.yaml --trace one.jsonl --batch 1 --steps 1 --preset paper"
    with pytest.raises(SystemExit) as end:
        main([*words.split(), "--strategies", "base", "--link-model", link_model, "--out", "out"])
    assert end.value.code == 0
    moved, wire = Counter(), Counter()
    for row in pq.read_table("out/links.parquet").to_pylist():
        moved[row["link"]] += row["bytes"]
        wire[row["link"]] += row["wire_bytes"] or 0
    assert sorted(moved.values(), reverse=True) == [SLICES, REQUESTS]
    assert sorted(wire.values(), reverse=True) == (WIRE if link_model == "flit" else [0, 0])


def counted(wire):
    bins = np.zeros((len(wire), len(wire[0]), 3), np.int64)
    bins[:, :, 0] = wire
    return LinkStatistics(bins[:, :, 0].sum(axis=0), *np.zeros((2, len(wire[0])), np.int64), 1, bins)


def test_bytes_move_over_time_as_their_flits_do_and_none_is_lost():
    found = LinkStatistics.of_flits(counted([[10, 0], [20, 0], [3, 0]]), [16, 0], 16, 33)
    assert found.bins[:, :, 0].tolist() == [[4, 0], [10, 0], [2, 0]] and found.bytes.tolist() == [16, 0]
    assert found.wire.tolist() == [[10, 0], [20, 0], [3, 0]]


def test_products_beyond_64_bits_stay_exact():
    found = LinkStatistics.of_flits(counted([[2**61], [2**61]]), [2**61 + 1], 2**61 + 1, 2**62)
    assert found.bytes.tolist() == [2**61 + 1]


def test_where_packets_choose_their_way_each_link_has_its_share():
    assert LinkStatistics.of_flits(counted([[64, 32]]), None, 30, 64).bytes.tolist() == [30, 15]


def test_nothing_sent_is_no_fault():
    assert LinkStatistics.of_flits(counted([[0]]), None, 0, 0).bytes.tolist() == [0]
