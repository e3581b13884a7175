"""Where JSON traces come from: folders, lines, archives, compressed or not, each read as a stream of bounded documents.

Nothing is unpacked to disk and no name found in an archive is ever used as a path.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import zstandard

from chipweave.errors import BadInput, Fault, Place
from chipweave.trace.limits import MAX_DOCUMENT_BYTES, MAX_UNPACKED_BYTES, MAX_ZSTD_WINDOW

ARCHIVES = (".tar", ".tgz", ".tar.gz", ".tar.zst")
DOCUMENTS = (".json", ".json.gz", ".json.zst")
LINES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
FEED_BYTES = 1 << 10  # a frame of zeros grows a hundred-thousandfold: feed little, so that little comes out at once
MAX_TAR_HEADER_BYTES = 1 << 20
READ_ERRORS = (EOFError, OSError, zlib.error, zstandard.ZstdError)


class _Zstd(io.RawIOBase):
    """Decompresses frame after frame and, unlike the library's own reader, notices a frame that is cut short."""

    def __init__(self, raw: Any) -> None:
        self._raw, self._fed = raw, False
        self._frame: Any = None
        self._out = memoryview(b"")

    def readable(self) -> bool:
        """Always: io.BufferedReader wants to know."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with decompressed bytes; 0 at the end, EOFError where a frame is cut short.

        A file may hold several frames one after the other, as `zstd -c a b` and parallel writers
        make them.
        """
        while not self._out:
            data = (self._frame.unused_data if self._frame and self._frame.eof else b"") or self._raw.read(FEED_BYTES)
            if not data:
                if self._fed and not self._frame.eof:
                    raise EOFError("compressed data ends in the middle")
                return 0
            if self._frame is None or self._frame.eof:
                self._frame = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW).decompressobj()
            self._out, self._fed = memoryview(self._frame.decompress(data)), True
        count = min(len(buffer), len(self._out))
        buffer[:count] = self._out[:count]
        self._out = self._out[count:]
        return count


class _Counted(io.RawIOBase):
    """Passes a stream on and stops it at the bound on decompressed bytes."""

    def __init__(self, raw: Any, place: Place) -> None:
        self._raw, self._place, self._count = raw, place, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Pass bytes on; BadInput once MAX_UNPACKED_BYTES have gone by, so that a small archive
        cannot fill the disk.
        """
        data = self._raw.read(len(buffer))
        self._count += len(data)
        if self._count > MAX_UNPACKED_BYTES:
            raise BadInput(Fault(f"more than {MAX_UNPACKED_BYTES >> 30} GiB when decompressed", self._place))
        buffer[: len(data)] = data
        return len(data)


def open_stream(path: Path, raw: Any) -> Any:
    """A buffered reader of the decompressed bytes of `raw`, the open file at `path`."""
    if path.name.endswith((".gz", ".tgz")):
        raw = gzip.GzipFile(fileobj=raw)
    elif path.name.endswith((".zst", ".zstd")):
        raw = _Zstd(raw)
    return io.BufferedReader(_Counted(raw, Place(str(path))), 1 << 18)


def documents(path: Path, progress: Any = lambda bytes_read: None) -> Iterator[tuple[Place, str | None, bytes]]:
    """Yield (place, name or None, text): one request each; `name` is None where the document itself says it.

    Sorted by path for a folder, in file order for lines, in archive order for an archive.
    """
    path = Path(path)
    if path.is_dir():
        yield from _folder(path, progress)
        return
    if path.exists() and not path.is_file():  # a device never ends, a pipe cannot be read twice
        raise BadInput(Fault("no plain file", Place(str(path)), "a file or a folder"))
    try:
        raw = open(path, "rb")
    except FileNotFoundError:
        raise BadInput(Fault("no such file or folder", Place(str(path)))) from None
    except OSError as error:
        raise BadInput(Fault(f"cannot be read: {error.strerror}", Place(str(path)))) from None
    with raw:
        try:
            stream = open_stream(path, raw)
            for document in _archive(path, stream) if path.name.endswith(ARCHIVES) else _file(path, stream):
                yield document
                progress(raw.tell())
        except (*READ_ERRORS, tarfile.TarError) as error:
            raise BadInput(Fault(f"cut short or damaged: {error}", Place(str(path)))) from None


def size_of(path: Path | str) -> int:
    """Bytes that `documents` will report to its progress in the end."""
    path = Path(path)
    return (
        sum(p.stat().st_size for p in files_of(path)) if path.is_dir() else path.stat().st_size if path.exists() else 0
    )


def files_of(folder: Path) -> list[Path]:
    """The documents under a folder, by their path from it, in the order of their names; hidden files are left out."""
    return sorted(
        (
            Path(root, file)
            for root, _, files in os.walk(folder)
            for file in files
            if file.endswith(DOCUMENTS) and not file.startswith(".")
        ),
        key=lambda p: p.relative_to(folder).as_posix(),
    )


def _folder(folder: Path, progress: Any) -> Iterator[tuple[Place, str, bytes]]:
    """Each file of a folder as a request named by its path; progress is called with bytes of files read."""
    files = files_of(folder)
    if not files:
        raise BadInput(
            Fault("no trace in this folder", Place(str(folder)), allowed="one .json, .json.gz or .json.zst per request")
        )
    done = 0
    for path in files:
        for place, _, text in documents(path):
            yield place, path.relative_to(folder).as_posix(), text
        done += path.stat().st_size
        progress(done)


def _file(path: Path, stream: Any) -> Iterator[tuple[Place, str | None, bytes]]:
    """A document, or lines of documents: by the file's name, else by whether it begins with "["."""
    if path.name.endswith(DOCUMENTS) or (
        not path.name.endswith(LINES) and stream.peek(4096)[:4096].lstrip().startswith(b"[")
    ):
        place = Place(str(path))
        yield place, path.name, _bounded(stream.read(MAX_DOCUMENT_BYTES + 1), place)
        return
    number, empty = 0, True
    while line := stream.readline(MAX_DOCUMENT_BYTES + 1):
        number += 1
        place = Place(str(path), number)
        if _bounded(line, place).strip():
            empty = False
            yield place, None, line
    if empty:
        raise BadInput(Fault("an empty file", Place(str(path)), allowed='lines of {"path": ..., "trace": [...]}'))


class _Member(tarfile.TarInfo):
    """tarfile reads extended headers whole, however long they say they are: refuse that."""

    def _proc_member(self, archive: tarfile.TarFile) -> _Member:
        if self.type not in tarfile.SUPPORTED_TYPES or self.isreg() or self.size <= MAX_TAR_HEADER_BYTES:
            return super()._proc_member(archive)  # type: ignore[misc]  # of CPython's tarfile, not of its types
        raise tarfile.ReadError(f"a header of {self.size} bytes")


def _archive(path: Path, stream: Any) -> Iterator[tuple[Place, str, bytes]]:
    """The .json files of a tar stream; BadInput for links, devices and paths that leave the archive.

    Read as a stream, so that an archive of any size needs the memory of one member.
    """
    empty = True
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as archive:
        for member in archive:
            archive.members.clear()  # type: ignore[attr-defined]  # or all names stay in memory; not in the types
            place = Place(f"{path}({_shown(member.name)})")
            if not (member.isfile() or member.isdir()):
                raise BadInput(Fault("a link or device in an archive", place, allowed="files and folders"))
            if member.name.startswith("/") or ".." in PurePosixPath(member.name).parts or "\\" in member.name:
                raise BadInput(Fault("a path that leaves the archive", place, allowed="relative paths without .."))
            if member.isfile() and member.name.endswith(".json"):
                empty = False
                yield place, member.name.removeprefix("./"), _member_text(archive, member, place)
    if empty:
        raise BadInput(Fault("no .json file in this archive", Place(str(path))))


def _member_text(archive: Any, member: tarfile.TarInfo, place: Place) -> bytes:
    """The text of one member; refused by its stated size before it is read."""
    if member.size > MAX_DOCUMENT_BYTES:
        _bounded(None, place)
    text = archive.extractfile(member).read()
    if len(text) < member.size:
        raise EOFError("the archive ends in the middle of a file")
    return text


def _bounded(text: bytes | None, place: Place) -> bytes:
    """`text`, or BadInput where it is longer than MAX_DOCUMENT_BYTES (None: is known to be)."""
    if text is None or len(text) > MAX_DOCUMENT_BYTES:
        raise BadInput(Fault(f"one request of more than {MAX_DOCUMENT_BYTES >> 20} MiB", place))
    return text


def _shown(name: str) -> str:
    """A name from outside, fit for a terminal."""
    return ascii(name)[1:-1][:200]
