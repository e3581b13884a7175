"""Do equal instances of an assembly come out the same copied from the first as read one by one?"""

import pytest

from chipweave import topology
from chipweave.errors import BadInput
from chipweave.topology.parts import MAX_PARTS, Expander

OVERRIDDEN = """schema: chipweave.topology/1
extends: wafer
name: uneven
parts:
  die:
    grid: [3, 4]
    absent: ["[1][1]"]
    override:
      "[0][*]": {hbm: {bandwidth: 1 TB/s}}
      "[2][3]": {hbm: {bandwidth: 2 TB/s}}
networks:
  d2d: {routing: shortest}
"""


def looks(name):
    """All that parts and wires of a topology are, in order."""
    system = topology.load(name)
    parts = [
        (
            *(each.name, type(each), each.values, each.given_sources, each.index, each.assembly, each.stats),
            {slot: inner and inner.name for slot, inner in each.slots.items()},
            {port: [(peer.name, there) for peer, there in ends] for port, ends in each.links.items()},
        )
        for each in system.parts.values()
    ]
    return parts, system.joined, system.grids, [(path, value.text) for path, value, _ in system.sources]


@pytest.mark.parametrize("name", ["uneven", "wafer_5x5", "micro_2x2", "b200", "gb200_nvl72", "dgx_h800", "mi300x_node"])
def test_copies_are_what_reading_gives(name, tmp_path, monkeypatch):
    if name == "uneven":
        name = tmp_path / "uneven.yaml"
        name.write_text(OVERRIDDEN)
    copied, first = looks(name), Expander.expand_first

    def forgets(self, *arguments):
        first(self, *arguments)
        self.expanded.clear()

    monkeypatch.setattr(Expander, "expand_first", forgets)
    assert [repr(each) for each in looks(name)] == [repr(each) for each in copied]


def test_too_many_parts_are_refused_once_by_whichever_way(tmp_path):
    path = tmp_path / "vast.yaml"
    path.write_text(OVERRIDDEN.replace("[3, 4]", "[300, 300]"))
    with pytest.raises(BadInput) as refused:
        topology.load(path)
    assert [f"more than {MAX_PARTS} parts" in fault.what for fault in refused.value.faults].count(True) == 1
