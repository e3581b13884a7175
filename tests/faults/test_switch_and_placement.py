"""Is a switch of too many ports for a router of the kernel named with place and cure, and a spreadsheet's map read?"""

import json

import pytest

import chipweave as cw
from chipweave.views import filetypes

NVL72 = """schema: chipweave.topology/1
name: nvl72
networks:
  nvlink: {shape: switch, routers: PORTS, latency: 300 ns, bandwidth: 900 GB/s, link_model: MODEL}
"""


def test_a_switch_of_72_ports_is_refused_under_flit_alone(tmp_path):
    path = tmp_path / "nvl72.yaml"
    path.write_text(NVL72.replace("PORTS", "72").replace("MODEL", "flit"))
    with pytest.raises(cw.BadInput) as caught:
        filetypes.check(str(path))
    assert f"{path}:4:" in str(caught.value)
    assert "nvlink.switch has 72 ports under flit; allowed: at most 64; or link_model: fair" in str(caught.value)
    for ports, model in (("64", "flit"), ("72", "fair")):
        path.write_text(NVL72.replace("PORTS", ports).replace("MODEL", model))
        assert filetypes.check(str(path)) == "topology"


def test_a_map_of_experts_that_a_spreadsheet_saved_is_the_same_map(tmp_path, small_model):
    small_model(tmp_path / "mini.yaml")
    rows = [{"path": "a", "trace": [{"1": [[0, 1]], "2": [[4, 5]]}, {"1": [[2, 3]], "2": [[6, 0]]}]}]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cells = [f"{expert},{(expert * 3) % 4}" for expert in range(7)]
    strategy = (("placement", (("kind", "from_file"), ("path", "map.csv"))), ("allocation", "home"))
    strategy += (("prediction", "none"), ("replacement", "unbounded"))
    files = (str(tmp_path / "mini.yaml"), str(tmp_path / "t.jsonl"))
    spec = cw.RunSpec("micro_2x2", "paper", *files, 1, 2, strategy, "circuit").with_options(folder=str(tmp_path))
    tables = []
    others = [f"{expert},0" for expert in range(7)]
    for head, end, lines in (("", "\n", cells), ("\ufeff", "\r\n", cells), ("", "\n", others)):
        (tmp_path / "map.csv").write_bytes(end.join([f"{head}expert,die", *lines, ""]).encode())
        tables.append(cw.simulate(spec).table.tolist())
    assert tables[0] == tables[1] != tables[2]  # and another map is another run
