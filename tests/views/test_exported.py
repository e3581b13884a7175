"""Do SST's JSON and DOT say the same system: each part once, each link once, with its figures?"""

import json
import re

import pytest

import chipweave as cw
from chipweave.errors import BadInput
from chipweave.views import exported


@pytest.mark.parametrize("name", ["wafer_5x5", "dgx_h100", "mesh_4x4"])
def test_sst_json_has_each_part_and_each_link_once(name):
    system = cw.load(name)
    found = json.loads(exported.export(system, "sst-json"))
    slots = [f"{c['name']}.{s['slot_name']}" for c in found["components"] for s in c.get("subcomponents", ())]
    assert len(found["components"]) + len(slots) == len(system.graph)
    names = {c["name"] for c in found["components"]}
    assert len(names) == len(found["components"])
    ends = [(link["left"]["component"], link["right"]["component"]) for link in found["links"]]
    assert {end for pair in ends for end in pair} <= names | set(slots)
    networks = sum(len(n.pair_numbers()) for n in system.networks.values())
    assert len(ends) == networks + len(system.wires())
    assert all(link[side]["latency"].endswith("ps") for link in found["links"] for side in ("left", "right"))


def test_sst_json_carries_parameters_and_slots():
    found = exported.sst_json(cw.load("wafer_5x5", sets=("die.hbm.bandwidth=4 TB/s",)))
    by_name = {c["name"]: c for c in found["components"]}
    assert by_name["die[0][0].hbm"]["type"] == "chipweave.memory.hbm"
    assert by_name["die[0][0].hbm"]["params"]["bandwidth"] == "4 TB/s"
    assert [s["slot_name"] for s in by_name["die[0][0].d2d"]["subcomponents"]] == ["atu", "pdu"]
    d2d = [link for link in found["links"] if link["name"].startswith("d2d.")]
    assert len(d2d) == 40 and d2d[0]["left"]["latency"] == "200000ps"


def test_dot_has_nodes_edges_and_escapes():
    system = cw.load("wafer_5x5")
    text = exported.export(system, "dot")
    assert len(re.findall(r"^    \"", text, re.M)) == len(system.graph)
    assert text.count(" -> ") == 40 + len(system.wires())
    assert '200 ns, 1.7 TB/s" dir=both' in text
    assert exported.quoted('a"b\\\n') == '"a\\"b\\\\\\n"'


def test_the_command_replaces_nothing_unasked(tmp_path, capsys):
    from chipweave.cli.export import command

    file = tmp_path / "x.dot"
    command.main(["mesh_4x4", "--format", "dot", "-o", str(file)], standalone_mode=False)
    before = file.read_text()
    with pytest.raises(BadInput, match="is there; allowed: another name, or --force"):
        command.main(["mesh_4x4", "-o", str(file)], standalone_mode=False)
    command.main(["mesh_4x4", "-o", str(file), "--force"], standalone_mode=False)
    assert before.startswith("digraph") and json.loads(file.read_text())["links"]
