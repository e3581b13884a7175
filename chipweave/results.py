"""Writing results: to a temporary name first, then renamed, so that nothing half-written is ever found."""

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path


@contextlib.contextmanager
def replacing(path, mode="w"):
    """Open a temporary file beside `path`; on success it takes the name `path`, on failure it is gone."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, mode) as file:
            yield file
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def write_json(path, document):
    """Write a document as JSON to a file, or to standard output where `path` is "-"."""
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
        return
    with replacing(path) as file:
        file.write(text)


def canonical_sha256(value):
    """SHA-256 of the canonical JSON of `value` (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
