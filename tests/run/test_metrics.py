"""Does a metric that a part declares reach every result, and is a wrong one refused before the run?"""

import json

import pyarrow.parquet as pq
import pytest

import chipweave as cw
from chipweave.components.hbm import Hbm
from chipweave.declare import registry
from chipweave.run import output_folder
from chipweave.run.compare import document, fill_speedups

SPEC = cw.RunSpec(batch=16, steps=3, strategy="ep", preset="paper")


@pytest.fixture
def declared():
    """Runs SPEC with the shipped HBM and one more Stat; the kind is gone afterwards."""

    def run(stat):
        cls = type("MeasuredHbm", (Hbm,), {"__doc__": "The shipped HBM and a statistic.", "more": stat})
        stat.__set_name__(cls, "more")
        cw.register("memory.measured_hbm")(cls)
        return SPEC.with_options(sets=("die.hbm.kind=memory.measured_hbm",))

    yield run
    registry.components.classes.pop("memory.measured_hbm", None)


def test_a_new_metric_is_a_key_of_the_row_and_a_column_of_the_layers(declared, tmp_path):
    spec = declared(cw.Stat("slices", "reads, counted anew", metric="new_reads"))
    cls = registry.components.find("memory.measured_hbm")
    declare = cls.declare

    def declare_more(self, layout, work):
        declare(self, layout, work)
        self.counters["more"] = self.counter("local_reads")

    cls.declare = declare_more
    outcome = cw.simulate(spec)
    row = outcome.row
    assert row["new_reads"] == row["local_slice_reads"] > 0
    fill_speedups([row])
    output_folder.write(tmp_path, document(spec, outcome.facts, [row]), [spec], [outcome.outcome])
    assert json.loads((tmp_path / "result.json").read_text())["rows"][0]["new_reads"] == row["new_reads"]
    layers = pq.read_table(tmp_path / "layers.parquet")
    assert layers.column_names[-1] == "new_reads"
    assert layers.schema.field("new_reads").metadata[b"unit"] == b"slices"
    assert layers["new_reads"].to_pylist() == layers["local_slice_reads"].to_pylist()
    assert layers.schema.field("local_read_bytes").metadata[b"unit"] == b"B"


def test_no_new_metric_no_new_column(declared):
    plain, more = cw.simulate(SPEC), cw.simulate(declared(cw.Stat("slices", "for itself")))
    assert set(plain.row) == set(more.row) and plain.columns == more.columns


@pytest.mark.parametrize(
    "unit, metric, message",
    [
        ("x", "Refreshes!", "statistic more counts for metric 'Refreshes!'; allowed: small letters"),
        ("ns", "decode_time_ns", "which the run itself states"),
        ("x", "layer", "which the run itself states"),
        ("GB", "local_read_bytes", "metric 'local_read_bytes' in GB; allowed: its unit, B, or another name"),
    ],
)
def test_a_metric_that_cannot_be_counted_is_refused_before_the_run(declared, monkeypatch, unit, metric, message):
    spec = declared(cw.Stat(unit, "wrong", metric=metric))
    monkeypatch.setattr("chipweave.run.simulate.Simulation", lambda *_: pytest.fail("worked first"))
    with pytest.raises(cw.BadInput, match="die.*hbm") as error:
        cw.simulate(spec)
    assert message in str(error.value)
