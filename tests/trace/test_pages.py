"""Are row groups read as they stand only as far as the file goes?"""

from types import SimpleNamespace

import numpy as np

from chipweave.trace.header import Shape
from chipweave.trace.pages import Pages


def group(rows, size):
    """Metadata of a row group of one layer that claims `rows` rows in a page of `size` bytes."""
    column = SimpleNamespace(data_page_offset=0, total_compressed_size=size)
    return SimpleNamespace(num_rows=rows, column=lambda index: column)


def test_a_group_that_claims_more_than_the_file_holds_is_not_asked_for(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    path.write_bytes(bytes(1000))
    pages, asked = Pages(path), []
    monkeypatch.setattr("os.pread", lambda file, count, offset: asked.append(count) or b"")
    shape = Shape(layers=(3,), experts=256, top_k=8)
    assert shape.dtype == np.uint8
    assert pages.read(group(1 << 40, (8 << 40) + 32), shape) is None and not asked
    assert pages.read(group(100, 832), shape) is None and asked == [832]  # as large as it may be, but no such page
