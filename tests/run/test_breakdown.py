"""Does the breakdown of a run account for all of it: time, parts, links, in both engines and under every link model?"""

import json
from dataclasses import replace

import pytest

from chipweave.__main__ import main
from chipweave.run import simulate
from chipweave.run.spec import RunSpec
from chipweave.run.why import breakdown, flows
from chipweave.run.why.recorded import Recorded

SMALL = RunSpec(topology="wafer_5x5", model="qwen3-30b-a3b", batch=16, steps=2, strategy="base", preset="physical")


@pytest.fixture(scope="module", params=["fair", "circuit", "early_booking", "allo+pred"])
def outcome(request):
    change = {"early_booking": {"link_model": "circuit", "admission": "early_booking"}}
    change["allo+pred"] = {"link_model": "fair", "strategy": "allo+pred", "batch": 64}
    return simulate.simulate(replace(SMALL, **change.get(request.param, {"link_model": request.param})))


def test_classes_of_each_layer_step_sum_to_its_time(outcome):
    sums = {}
    for step, layer, cause, ps in outcome.breakdown.critical:
        assert ps > 0 and cause
        sums[step, layer] = sums.get((step, layer), 0) + ps
    assert sums == {(row[0], row[1]): row[2] for row in outcome.table.tolist()}


def test_the_document_sums_to_the_decode_time(outcome):
    found = breakdown.document(outcome)
    decode = outcome.table[outcome.table[:, 0] >= outcome.prefill_steps]
    assert sum(found["critical"].values()) == found["time_ps"] == decode[:, 2].sum()
    assert sum(layer["time_ps"] for layer in found["layers"]) == found["time_ps"]
    assert all(sum(layer["critical"].values()) == layer["time_ps"] for layer in found["layers"])
    json.dumps(found)


def test_busy_and_idle_time_of_a_part_sum_to_the_run(outcome):
    run_ps = outcome.breakdown.run_ps
    assert run_ps == outcome.table[:, 2].sum()
    parts = outcome.breakdown.parts
    assert {cause for _, cause, *_ in parts} == {"compute", "llc", "hbm"} and len(parts) == 75
    assert all(0 <= busy <= run_ps and busy + idle == run_ps for *_, busy, idle, _ in parts)
    reads = {part: value for part, name, _, value in outcome.statistics if name == "slices" and part.endswith(".hbm")}
    assert all(served >= reads.get(part, 0) for part, _, served, *_ in parts if part.endswith(".hbm"))


@pytest.mark.slow
def test_flows_name_their_dies_where_one_has_parts_of_another_kind():
    found = simulate.simulate(replace(SMALL, sets=("die[0][0].sm.kind=sm.tile",))).breakdown.flows
    names = {die for *_, source, target, _ in found for die in (source, target)}
    assert names == {f"die[{x}][{y}]" for x in range(5) for y in range(5)}


@pytest.mark.slow
def test_all_flows_of_a_link_sum_to_its_bytes(monkeypatch):
    monkeypatch.setattr(flows, "TOP", 10**9)
    for link_model in ("circuit", "flit"):
        outcome = simulate.simulate(replace(SMALL, model="deepseek-v2-lite", link_model=link_model, batch=1))
        sums = {}
        for _, link, layer, expert, source, target, size in outcome.breakdown.flows:
            assert expert is not None and 0 <= layer < 27 and source != target
            sums[link] = sums.get(link, 0) + size
        ((_, names, stats),) = outcome.links
        assert sums == {name: size for name, size in zip(names, stats.bytes.tolist(), strict=True) if size}, link_model


@pytest.mark.slow
@pytest.mark.parametrize(
    "topology, link_model, sets, within",
    [
        ("wafer_5x5", "fair", ("d2d.routing=shortest", "d2d.spread=packet"), 1e-5),  # cut into pieces, a byte each
        ("examples/nvswitch_node/nvswitch_node.yaml", "circuit", (), 1e-9),
        ("examples/nvswitch_node/nvswitch_node.yaml", "flit", (), 0.05),  # packets in turn
    ],
)
def test_flows_that_are_dealt_over_ways_name_who_loads_a_link(monkeypatch, topology, link_model, sets, within):
    monkeypatch.setattr(flows, "TOP", 10**9)
    spec = replace(SMALL, topology=topology, model="deepseek-v2-lite", link_model=link_model, sets=sets, batch=2)
    outcome = simulate.simulate(spec)
    sums = {}
    for _, link, _, expert, source, target, size in outcome.breakdown.flows:
        assert expert is not None and source != target
        sums[link] = sums.get(link, 0) + size
    ((_, names, stats),) = outcome.links
    carried = {name: size for name, size in zip(names, stats.bytes.tolist(), strict=True) if size}
    assert sums.keys() == carried.keys()
    assert all(abs(sums[name] / size - 1) <= within for name, size in carried.items())
    monkeypatch.setattr(flows, "TOP", breakdown.TOP)
    for link in breakdown.document(outcome)["links"]:
        assert sum(flow["bytes"] for flow in link["flows"]) + link["others"] == link["bytes"] and link["others"] >= 0


def test_only_the_largest_flows_are_kept_largest_first_and_the_rest_is_stated(outcome):
    for link in breakdown.document(outcome)["links"]:
        sizes = [flow["bytes"] for flow in link["flows"]]
        assert len(sizes) <= breakdown.TOP and sizes == sorted(sizes, reverse=True)
        assert sum(sizes) + link["others"] == link["bytes"] and link["others"] >= 0


@pytest.mark.slow
def test_the_plain_engine_keeps_the_same_accounts():
    spec = replace(SMALL, model="deepseek-v2-lite", link_model="circuit", batch=1)
    kernel, plain = (simulate.simulate(replace(spec, engine=engine)).breakdown for engine in ("kernel", "plain"))
    assert kernel == plain and kernel.flows


@pytest.mark.slow
def test_the_path_is_that_of_why(outcome):
    watched = []

    def around(fabric, work):
        watched.append(Recorded(fabric, work))
        return watched[0]

    row = outcome.row
    spec = replace(SMALL, **{name: row[name] for name in ("strategy", "link_model", "admission")})
    batch = 64 if row["strategy"] != "base" else 16
    again = simulate.simulate(replace(spec, batch=batch), around=around, account=False)
    assert again.row["decode_time_ns"] == row["decode_time_ns"] and again.breakdown is None
    sums = {}
    for path in watched[0].paths:
        for span in path.spans:
            key = path.step, path.layer, span.cause
            sums[key] = sums.get(key, 0) + span.end - span.begin
    assert sums == {(step, layer, cause): ps for step, layer, cause, ps in outcome.breakdown.critical}


def test_accounts_change_no_figure():
    spec = replace(SMALL, link_model="circuit")
    on, off = (simulate.simulate(spec, account=account) for account in (True, False))
    assert off.breakdown is None and on.breakdown
    assert (on.table == off.table).all() and on.statistics == off.statistics


@pytest.mark.slow
def test_compare_writes_it_keeps_it_and_shows_it(tmp_path, capsys):
    import pyarrow.parquet as pq

    words = "compare --topology wafer_5x5 --model qwen3-30b-a3b --batch 16 --steps 2 --breakdown --out".split()
    documents = []
    for strategies in ("base,ep", "base,ep,allo"):
        with pytest.raises(SystemExit):
            main([*words, str(tmp_path), "--strategies", strategies])
        documents.append(json.loads((tmp_path / "result.json").read_text()))
        shown = capsys.readouterr().out
        assert "critical path" in shown and "decode steps alone, or the prefill where there are none" in shown
    first, second = documents
    assert [each["strategy"] for each in second["breakdown"]] == ["base", "ep", "allo"]
    assert first["breakdown"] == second["breakdown"][:2]
    rows = pq.read_table(tmp_path / "critical.parquet").to_pylist()
    of_base = [row for row in rows if row["strategy"] == "base" and row["step"] >= 1]
    assert sum(row["ps"] for row in of_base) == first["breakdown"][0]["time_ps"]
    assert pq.read_table(tmp_path / "flows.parquet").num_rows and pq.read_table(tmp_path / "parts.parquet").num_rows
