"""Traces that are cached go to a folder of the test session."""

import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
