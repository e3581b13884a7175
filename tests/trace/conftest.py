"""Traces that are cached go to a folder of the test session; trace_requests.py is shared by the tests of this
folder."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
