"""Is a file that another one names held to what it should be?"""

import pytest

from chipweave import topology
from chipweave.errors import BadInput
from chipweave.policy import strategy
from chipweave.topology import preset

NETWORK = "networks: {m: {grid: [2, 2], shape: mesh, latency: 1 ns, bandwidth: 1 GB/s}}\n"


@pytest.fixture
def refused(tmp_path):
    """text of a base -> what is said of a topology that extends it."""

    def told(text, name="base.yaml"):
        (tmp_path / name).write_text(text)
        (tmp_path / "t.yaml").write_text(f"extends: {name}\nname: t\n{NETWORK}")
        with pytest.raises(BadInput) as error:
            topology.load(tmp_path / "t.yaml")
        return str(error.value).replace(f"{tmp_path}/", "")

    return told


def test_a_base_that_is_no_topology_is_refused(refused):
    assert "t.yaml:1:10: base.yaml is no topology: a topology is a mapping, not 'some text'" in refused("some text\n")
    assert "base.yaml is no topology: a topology is a mapping, not a list" in refused("- 1\n")
    assert "base.yaml is no topology: it has none of its keys" in refused("colour: red\n")
    assert "base.yaml:1:9: schema 'chipweave.topology/9'" in refused("schema: chipweave.topology/9\nname: x\n")
    assert "base.yaml:1:9: schema 'chipweave.model/1'" in refused("schema: chipweave.model/1\nname: x\n")
    assert "note.txt does not end in .yaml" in refused("name: x\n", "note.txt")


def test_a_preset_and_a_strategy_of_another_schema_are_refused(tmp_path):
    (tmp_path / "p.yaml").write_text("schema: chipweave.preset/9\nname: p\nkinds: {}\n")
    with pytest.raises(BadInput, match="p.yaml:1:9: schema 'chipweave.preset/9' is not a preset's"):
        preset.load(tmp_path / "p.yaml")
    roles = "placement: contiguous\nallocation: home\nprediction: none\nreplacement: unbounded\n"
    (tmp_path / "s.yaml").write_text("schema: chipweave.strategy/2\n" + roles)
    with pytest.raises(BadInput, match="s.yaml:1:9: schema 'chipweave.strategy/2' is not a strategy's"):
        strategy.load(str(tmp_path / "s.yaml"))
    (tmp_path / "s.yaml").write_text("schema: chipweave.strategy/1\n" + roles)
    assert strategy.load(str(tmp_path / "s.yaml")).name == "s"


@pytest.mark.parametrize("text", ["name: x\nnetworks: {}\n", "name: x\nparts: {}\n", "name: x\n"])
def test_a_topology_of_nothing_is_refused(tmp_path, text):
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(BadInput, match="a topology needs parts or networks"):
        topology.load(tmp_path / "t.yaml")


@pytest.mark.parametrize("name", ['""', '"a b"', "7up", '"a.b"', '"x\\e[2J"'])
def test_a_network_has_a_name(tmp_path, name):
    (tmp_path / "t.yaml").write_text(
        f"name: x\nnetworks:\n  {name}: {{grid: [2, 2], shape: mesh, latency: 1 ns, bandwidth: 1 GB/s}}\n"
    )
    with pytest.raises(BadInput, match="t.yaml:3:3: .* is not a network's name"):
        topology.load(tmp_path / "t.yaml")
