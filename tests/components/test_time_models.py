"""Are formulas that are no parts a sort of their own, and refused where a part is wanted?"""

import pytest
from click.testing import CliRunner

from chipweave import topology
from chipweave.cli.info import command
from chipweave.component.component import Component
from chipweave.component.time_model import TimeModel, time_model
from chipweave.declare import registry
from chipweave.errors import BadInput

KINDS = [
    "comm.custom_allreduce",
    "comm.deepep_low_latency",
    "comm.deepep_normal",
    "comm.nccl",
    "comm.one_sided",
    "comm.pplx",
]


def test_every_kind_that_is_no_part_is_a_time_model():
    assert registry.time_models.kinds() == [*KINDS, "node.copy_engine"]
    assert not set(registry.components.kinds()) & set(registry.time_models.kinds())
    for kind in registry.time_models.kinds():
        assert issubclass(registry.time_models.find(kind), TimeModel)
        assert not issubclass(registry.time_models.find(kind), Component)


def test_info_lists_them_apart_and_shows_one():
    listed = CliRunner().invoke(command, []).output
    assert listed.index("time models (of one call; no parts)") < listed.index("comm.nccl") < listed.index("policies")
    shown = CliRunner().invoke(command, ["comm.nccl"])
    assert shown.exit_code == 0 and "Collectives as NCCL" in shown.output and "ll_rate" in shown.output


def test_one_in_a_topology_is_refused_with_what_it_is():
    with pytest.raises(BadInput, match="unknown component kind 'comm.nccl'; it is a time model, not a component"):
        topology.load("wafer_5x5", sets=("die.hbm.kind=comm.nccl",))


def test_one_in_a_preset_is_refused(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("schema: chipweave.preset/1\npreset: own\nkinds:\n  comm.nccl: {floor: 1 us}\n")
    with pytest.raises(BadInput, match="it is a time model"):
        topology.load("wafer_5x5", preset=str(path))


def test_only_a_time_model_is_registered_as_one():
    with pytest.raises(TypeError, match="is not a TimeModel"):
        time_model("comm.mine")(int)
