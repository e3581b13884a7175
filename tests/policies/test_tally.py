"""Are choices counted, and ranked by first appearance, as a reader of the rows would?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chipweave.errors import BadInput
from chipweave.plain import tally as plain
from chipweave.policy.tally import tally


def test_counts_and_order_by_hand():
    counts, first = tally(np.array([[7, 3], [3, 9], [7, 1]], np.uint8), 10, times=16)
    assert counts.tolist() == [0, 16, 0, 32, 0, 0, 0, 32, 0, 16]
    assert first.tolist() == [-1, 3, -1, 1, -1, -1, -1, 0, -1, 2]


@given(
    st.data(),
    st.sampled_from([(np.uint8, 3), (np.uint8, 256), (np.uint16, 384), (np.uint16, 2000)]),
    st.sampled_from([1, 16]),
)
def test_the_kernel_equals_the_plain_twin(data, width, times):
    dtype, experts = width
    shape = data.draw(st.tuples(st.integers(0, 200), st.integers(1, 8)))
    ids = data.draw(hnp.arrays(dtype, shape, elements=st.integers(0, min(experts - 1, np.iinfo(dtype).max))))
    for ours, theirs in zip(tally(ids, experts, times), plain.tally(ids, experts, times), strict=False):
        assert ours.dtype == theirs.dtype == np.int32 and (ours == theirs).all()


@pytest.mark.parametrize("row", [0, 63, 64, 129])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_id_out_of_range_is_named_with_its_place(row, dtype):
    ids = np.zeros((130, 2), dtype)
    ids[row, 1] = 128
    tally(ids, 129)
    with pytest.raises(BadInput, match=f"expert id 128 in row {row}, column 1; allowed: 0 .. 127"):
        tally(ids, 128)
    with pytest.raises(BadInput, match="expert id -1"):
        tally(np.array([[-1]]), 4)


def test_a_count_past_31_bits_is_refused_and_not_wrapped():
    ids = np.zeros((4, 1), np.uint8)
    assert tally(ids, 1, times=2**29 - 1)[0][0] == 2**31 - 4
    with pytest.raises(BadInput, match="tokens one expert can count"):
        tally(ids, 1, times=2**29)


def test_ids_that_are_not_contiguous_are_read_right():
    ids = np.arange(24, dtype=np.uint8).reshape(6, 4)[::2, ::3]
    assert tally(ids, 24)[0].nonzero()[0].tolist() == sorted(ids.ravel().tolist())
