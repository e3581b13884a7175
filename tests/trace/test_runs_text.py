"""Is a table in a trace's header read as it was written, and a damaged or swollen one refused at no cost?"""

import base64
import tracemalloc
import zlib

import numpy as np
import pytest

from chipweave.trace.runs_text import packed, unpacked


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_table_is_read_as_it_was_written(rows):
    table = np.arange(3 * rows, dtype="<i4").reshape(rows, 3) - 4
    read = unpacked(packed(table), 3, 5, "widths")
    assert read.shape == (rows, 3) and read.dtype == np.int32 and (read == table).all()


def test_as_many_rows_as_allowed_and_not_one_more():
    table = np.ones((6, 4), "<i4")
    assert len(unpacked(packed(table), 4, 6, "holes")) == 6
    with pytest.raises(ValueError, match="holes of a strange length"):
        unpacked(packed(table), 4, 5, "holes")


def test_half_a_row_is_refused():
    with pytest.raises(ValueError, match="widths of a strange length"):
        unpacked(packed(np.ones((2, 4), "<i4")), 3, 9, "widths")


@pytest.mark.parametrize("text", ["no base64!", base64.b64encode(b"no zlib").decode(), "QUJD" * 3])
def test_what_is_damaged_is_a_value_error(text):
    with pytest.raises(ValueError):
        unpacked(text, 3, 9, "widths")


def test_a_letter_that_is_none_of_base64_is_refused_and_not_skipped():
    text = packed(np.ones((2, 3), "<i4"))
    with pytest.raises(ValueError):
        unpacked(text[:4] + "!" + text[4:], 3, 9, "widths")


def test_a_small_text_that_swells_is_never_unpacked_whole():
    """32 MiB of zeros are 32 KiB of text; 9 rows allowed are 108 bytes."""
    text = base64.b64encode(zlib.compress(bytes(1 << 25), 9)).decode()
    tracemalloc.start()
    with pytest.raises(ValueError, match="of a strange length"):
        unpacked(text, 3, 9, "widths")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
