"""Do runs, comparisons, sweeps and ledgers in Python say the figures of the commands, with units, and tell equal from
different?"""

import json
import re
import sys
from dataclasses import replace

import pyarrow as pa
import pytest

import chipweave as cw
from chipweave.__main__ import main

pytestmark = pytest.mark.slow

SMALL = {"model": "deepseek-v2-lite", "trace": "esft-law", "batch": 8, "steps": 3}
WAFER = "wafer_5x5"


@pytest.fixture(scope="module")
def run():
    return cw.simulate(WAFER, strategy="base", **SMALL)


@pytest.fixture(scope="module")
def pair():
    return cw.compare(WAFER, strategies=["base", "ep"], **SMALL)


def command(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    assert end.value.code == 0, capsys.readouterr().err
    return capsys.readouterr()


@pytest.mark.slow
def test_the_figures_are_those_of_the_command(pair, tmp_path, capsys):
    options = "--model deepseek-v2-lite --trace esft-law --batch 8 --steps 3 --strategies base,ep".split()
    command(capsys, "compare", "--topology", WAFER, *options, "--out", tmp_path / "out")
    document = json.loads((tmp_path / "out" / "result.json").read_text())
    assert pair.document["result_sha256"] == document["result_sha256"]
    assert pair == cw.read_results(tmp_path / "out")
    assert [r.row["speedup"] for r in pair] == [row["speedup"] for row in document["rows"]]


def test_a_saved_run_is_read_back_equal_and_no_other_is(run, pair, tmp_path):
    folder = run.save(tmp_path / "one")
    back = cw.read_results(folder)
    assert back[0] == run == pair["base"] and back["base"] == run and pair["ep"] != run
    assert back.layers.column_names[:3] == ["strategy", "link_model", "admission"]
    with pytest.raises(cw.BadInput, match="holds result.json; allowed: another folder, or force=True"):
        pair.save(folder)
    assert cw.read_results(pair.save(folder, force=True)) == pair
    assert json.loads((folder / "manifest.json").read_text())["runs"][1]["run"]["strategy"] == "ep"


def test_a_difference_in_one_figure_or_one_link_is_seen(run):
    other = cw.simulate(run.spec)
    assert other == run
    other.row["hops"] += 1
    assert other != run
    other.row["hops"] -= 1
    other.outcome.links[0][2].bins[0, 0, 0] += 1
    assert cw.Result(other.spec, other.outcome) != run


def test_tables_carry_units_and_sum_to_the_row(run):
    layers = run.layers
    assert layers.units["time_ps"] == "ps" and layers.units["remote_read_bytes"] == "B"
    assert layers.arrow.schema.field("time_ps").metadata[b"unit"] == b"ps"
    decode = [row for row in layers.to_pylist() if row["step"] > 0]
    assert round(sum(row["time_ps"] for row in decode) / 1000) == run.row["decode_time_ns"] == run.time_ns
    assert sum(row["remote_read_bytes"] for row in decode) == run.row["remote_read_bytes"]
    assert sum(run.links["bytes"].to_pylist()) == sum(int(s.bytes.sum()) for _, _, s in run.outcome.links) > 0
    assert {unit for _, _, unit, _ in run.statistics} >= {"slices"}
    assert pa.table(layers).equals(layers.arrow)  # by Arrow's C stream


def test_pandas_has_the_units_and_its_absence_a_cure(run, monkeypatch):
    pandas = pytest.importorskip("pandas")
    frame = run.layers.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and frame.attrs["units"]["time_ps"] == "ps"
    assert "time_ps [ps]" in run.layers.to_pandas(units=True).columns
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(cw.BadInput, match=re.escape("pip install 'chipweave[pandas]'")):
        run.layers.to_pandas()


def test_text_is_ten_lines_and_pages_escape_names(run, pair):
    assert len(repr(run).split("\n")) == 10 and "of decode" in repr(run)
    assert len(repr(pair).split("\n")) <= 10 and "1.00 x" in repr(pair)
    for page in (run._repr_html_(), pair._repr_html_(), run.layers._repr_html_()):
        assert page.startswith("<table>") and page.count("<tr") > 2
    nested = cw.Result(run.spec, replace(run.outcome, row={**run.row, "flit": {"difference": 0.1}}))
    assert nested._repr_html_() == run._repr_html_()
    evil = cw.Table(pa.table({"<script>": ["<b>&"]}), "<i>")._repr_html_()
    assert "<script>" not in evil and "<b>" not in evil and "<i>" not in evil


def test_pictures_are_drawn_of_what_was_carried(run, pair, tmp_path):
    from chipweave.views.notebook.plots import link_values

    _, values, network = link_values(run, "bytes", None)
    assert network == "d2d" and len(values) == 80
    assert sum(values.values()) * 1e9 == pytest.approx(sum(run.links["bytes"].to_pylist()))
    for figure in (run.plot.links("busy"), pair.plot.links("stalled"), pair.plot.times(), pair.plot.layers()):
        figure.savefig(tmp_path / "x.svg")
        assert (tmp_path / "x.svg").stat().st_size > 5000
    with pytest.raises(cw.BadInput, match="no picture of 'buzy'.*nearest: busy"):
        run.plot.links("buzy")
    with pytest.raises(cw.BadInput, match="no network 'x'; allowed: d2d"):
        run.plot.links(network="x")


@pytest.mark.slow
def test_why_says_where_the_time_went(run):
    found = run.why(layer=3)
    assert sum(found["breakdown"].values()) == found["time_ns"] > 0


def test_slips_are_refused_before_the_run(monkeypatch):
    monkeypatch.setattr("chipweave.views.notebook.called.engine.simulate", lambda *_: pytest.fail("ran"))
    with pytest.raises(cw.BadInput, match="unknown option 'stratgy'.*nearest: strategy"):
        cw.simulate(WAFER, stratgy="ep")
    with pytest.raises(cw.BadInput, match="unknown strategy 'bass'.*nearest: base"):
        cw.compare(WAFER, strategies="bass", **SMALL)
    with pytest.raises(cw.BadInput, match="no run alo.*nearest: allo"):
        cw.Comparison.__getitem__(
            type("Two", (), {"runs": [type("R", (), {"row": {"strategy": "allo"}, "strategy": "allo"})]})(), "alo"
        )


def test_overrides_may_be_a_mapping_and_act(run):
    slow = cw.simulate(WAFER, strategy="base", sets={"die.hbm.bandwidth": "300 GB/s"}, **SMALL)
    assert slow.spec.sets == ("die.hbm.bandwidth=300 GB/s",)
    assert slow.time_ns > 2 * run.time_ns


@pytest.mark.slow
def test_the_module_of_the_same_name_can_be_called(pair):
    import chipweave.compare

    assert chipweave.compare is sys.modules["chipweave.run.compare"]
    assert chipweave.compare(WAFER, strategies=["base", "ep"], **SMALL) == pair


def test_a_sweep_of_a_mapping_goes_on_where_it_stopped(tmp_path, run):
    what = {"run": {"topology": WAFER, "strategy": "base", **SMALL}, "vary": {"batch": [4, 8]}}
    found = cw.sweep(what, tmp_path / "sweep")
    assert len(found) == 2 and not found.failed and "2 of 2 points" in repr(found)
    assert found.points["decode_time_ns"].to_pylist()[1] == run.time_ns
    assert found.points.units["decode_time_ns"] == "ns"
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "sweep" / "points").iterdir()}
    assert cw.sweep(what, tmp_path / "sweep").points == found.points
    assert before == {p.name: p.stat().st_mtime_ns for p in (tmp_path / "sweep" / "points").iterdir()}
    with pytest.raises(cw.BadInput, match="nothing varies"):
        cw.sweep({"run": {}}, tmp_path / "other")


def test_a_ledger_is_that_of_the_command(tmp_path, capsys):
    found = cw.validate("analytic", groups=["zero_load"])
    assert capsys.readouterr() == ("", "")
    command(capsys, "validate", "analytic", "--group", "zero_load", "--json", tmp_path / "x.json")
    assert found.document == json.loads((tmp_path / "x.json").read_text())
    assert len(found.rows) == len(found.document["rows"]) and not found.missed and "zero_load" in repr(found)
    with pytest.raises(cw.BadInput, match="unknown suite 'analytics'.*nearest: analytic"):
        cw.validate("analytics")
