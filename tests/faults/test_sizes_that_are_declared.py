"""Is a size that a file declares looked at before memory is taken for it?"""

import io
import zipfile

import numpy as np
import pytest

from chipweave.errors import BadInput
from chipweave.io import numpyfile

HEAD = {"descr": "<i8", "fortran_order": False, "shape": (4, 10**10)}


def head():
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, HEAD)
    return file.getvalue()


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_an_array_that_says_it_is_huge(tmp_path, suffix, monkeypatch):
    path = tmp_path / f"loads{suffix}"
    if suffix == ".npy":
        path.write_bytes(head())
        with open(path, "ab") as file:
            file.truncate(len(head()) + 4 * 10**10 * 8)  # with a hole as large as it says
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("loads.npy", head())
    with pytest.raises(BadInput, match="320,000,000,000 bytes, more than 268,435,456"):
        numpyfile.read(path, ("loads",), "loads")


@pytest.mark.parametrize("write", [np.save, lambda path, array: np.savez(path, loads=array)])
def test_an_array_is_what_was_written(tmp_path, write):
    write(tmp_path / "loads", np.arange(6).reshape(2, 3))
    path = next(tmp_path.iterdir())
    assert numpyfile.read(path, ("loads",), "loads")["loads"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("local, central, value, words", [(6, 8, 1, "encrypted"), (8, 10, 93, "compression")])
def test_an_archive_that_zipfile_cannot_open_is_refused_with_its_word(tmp_path, local, central, value, words):
    """A bit or a number in both heads of the member: encrypted, or compressed as nothing here can (93: Zstandard)."""
    path = tmp_path / "f.npz"
    np.savez(path, loads=np.arange(6))
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"PK\3\4") + local] = whole[whole.index(b"PK\1\2") + central] = value
    path.write_bytes(whole)
    with pytest.raises(BadInput, match=f"f.npz: loads that cannot be read: .*{words}"):
        numpyfile.read(path, ("loads",), "loads")
