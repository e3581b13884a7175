"""Small models and traces for systems of unequal parts."""

import json

import pytest
import yaml

from chipweave.run import compare
from chipweave.run.spec import RunSpec

MINI = {
    "schema": "chipweave.model/1",
    "name": "mini",
    "title": "mini",
    "layers": 3,
    "moe_layers": {"first": 1, "last": 2, "every": 1},
    "experts": 7,
    "top_k": 2,
    "groups": 1,
    "groups_used": 1,
    "shared_experts": 0,
    "hidden": 1024,
    "intermediate": 512,
    "weight_bytes": 2,
    "hbm_efficiency": 0.9,
    "utilisation": [{"tokens": "any", "share": 0.7}],
}


class Desk:
    """A folder with a model, traces and topologies, and runs of them."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "mini.yaml").write_text(yaml.safe_dump(MINI))

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
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path / "cache"))
    return Desk(tmp_path)
