"""Small models and traces for systems of unequal parts."""

import json
import sys
from pathlib import Path

import pytest

from chipweave.run import compare
from chipweave.run.spec import RunSpec

sys.path.insert(0, str(Path(__file__).parent))  # small_systems.py


class Desk:
    """A folder with the model mini.yaml, traces and topologies, and runs of them."""

    def __init__(self, folder):
        self.folder = folder

    def trace(self, *requests):
        """A trace file; a request is a list of steps, each a list of rows of expert ids, the same in both layers."""
        lines = [
            {"path": f"r{i}", "trace": [{"0": None, "1": step, "2": step} for step in request]}
            for i, request in enumerate(requests)
        ]
        path = self.folder / f"t{abs(hash(str(requests)))}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return str(path)

    def topology(self, text, name="system"):
        """The path of a topology written out."""
        path = self.folder / f"{name}.yaml"
        path.write_text(f"schema: chipweave.topology/1\nname: {name}\nabout: of a test\n{text}")
        return str(path)

    def run(self, topology, trace, strategy="ep", preset="paper", engine="kernel", **more):
        """The Outcome of one run."""
        spec = RunSpec(
            topology=str(topology),
            preset=preset,
            model=str(self.folder / "mini.yaml"),
            trace=trace,
            batch=more.pop("batch", 1),
            steps=more.pop("steps", 2),
            strategy=strategy,
            engine=engine,
            **more,
        )
        return compare.serving.simulate(spec)


@pytest.fixture
def light(desk, small_model):
    """(link model) -> under flit experts of the model are 256 times smaller: the plain router moves each flit."""
    return lambda link_model: link_model != "flit" or small_model(desk.folder / "mini.yaml", hidden=64, intermediate=32)


@pytest.fixture
def desk(tmp_path, monkeypatch, small_model):
    small_model(tmp_path / "mini.yaml")
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path / "cache"))
    return Desk(tmp_path)
