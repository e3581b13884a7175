"""Do the kernel cases answer every row, from calibration rows alone, within their bars?"""

import pytest
import yaml

from chipweave import ledger
from chipweave.validation.calibrate import kernels as calibrate_kernels
from chipweave.validation.rows import chips
from chipweave.validation.suites import h100 as suite_h100

GROUPS = ["gemm", "deepgemm", "moe", "moe_wideep", "launch", "smallk"]


@pytest.fixture(scope="module")
def results():
    return suite_h100.results(groups=GROUPS)


def test_every_row_is_modelled(results):
    assert len(results) == 847 and not [r for r in results if r.status == "not modelled"]


def test_every_group_keeps_its_bar(results):
    assert {r.group for r in results if r.tolerance} == set(GROUPS)
    assert ledger.missed_bars(results) == []


def test_the_shipped_figures_are_what_calibration_gives():
    fitted = calibrate_kernels.fit(calibrate_kernels.calibration_values())
    shipped = yaml.safe_load(chips.CALIBRATED.read_text(encoding="utf-8"))
    assert {name: (pytest.approx(value, rel=1e-6), rows) for name, (value, rows, _) in fitted.items()} == {
        name: (entry["value"], entry["rows"]) for name, entry in shipped.items()
    }


def test_calibration_does_not_read_predicted_rows(poisoned):
    assert calibrate_kernels.fit(calibrate_kernels.calibration_values(poisoned)) == calibrate_kernels.fit(
        calibrate_kernels.calibration_values()
    )


@pytest.mark.slow
def test_predictions_do_not_change_when_values_are_poisoned(poisoned, results):
    again = suite_h100.results(reference=poisoned, groups=GROUPS)
    assert [r.simulated for r in again] == [r.simulated for r in results]


def test_every_figure_names_calibration_rows():
    roles = {q.id: q.role for q, _ in ledger.read_references(suite_h100.REFERENCES)}
    shipped = yaml.safe_load(chips.CALIBRATED.read_text(encoding="utf-8"))
    assert {roles[r] for entry in shipped.values() for r in entry["rows"]} == {"calibration"}


@pytest.mark.parametrize(
    "device", ["H100 SXM5", "H100 PCIe", "H200 SXM", "GH200 (H100 96GB)", "H800 PCIe", "H800 SXM5"]
)
@pytest.mark.parametrize(
    "way", ["stream launches", "CUDA graph", "cooperative grid.sync", "persistent threads, atomic barrier"]
)
def test_every_device_and_way_of_launching_has_an_answer(device, way):
    q = ledger.Question(
        "x",
        "smallk",
        f"repeated SCALE kernel, {way}: time per kernel",
        "us",
        device,
        "",
        "",
        "B moved",
        "1000000",
        "predicted",
    )
    assert 0.5 < ledger.discover()["h100", "smallk"].predict([q])["x"] < 5


@pytest.mark.parametrize(
    "group, conditions, x",
    [
        ("moe", "f bfloat16 TP1 EP3 balanced; h=64 i=64 top2 E=8", "1"),
        ("moe", "f int4_wo TP1 EP1 balanced; h=64 i=64 top2 E=8", "1"),
        ("moe", "f bfloat16 TP1 EP1 balanced; h=64 i=64 top2 E=8", "1e12"),
        ("gemm", "odd", "1"),
        ("gemm", "int4 N=1 K=1", "1"),
        ("deepgemm", "sparse", ""),
        ("moe_wideep", "fp8_block EP7 uniform", "8"),
        ("smallk", "", "x"),
        ("smallk", "", "inf"),
        ("smallk", "", "nan"),
        ("deepgemm", "dense FP8 M=0 N=128 K=128", ""),
        ("deepgemm", "masked FP8 groups=123456789012 M/group=64 N=128 K=128", ""),
        ("moe_wideep", "fp8_block EP8 power_law_1000003.2,", "8"),
        ("moe", "f fp8 TP1 EP1 power_law_1.2.3; h=64 i=64 top2 E=8", "1"),
        ("moe", "f fp8 TP1 EP1 balanced; h=64 i=64 top2 E=99999999", "1"),
        ("gemm", "fp8 N=123456789012 K=1", "1"),
    ],
)
def test_what_cannot_be_modelled_says_why(group, conditions, x):
    quantity, x_name = (
        "repeated SCALE kernel, CUDA graph: y, DeepSeek-V3",
        {"smallk": "B moved", "gemm": "M"}.get(group, "tokens"),
    )
    q = ledger.Question("x", group, quantity, "us", "H100 SXM5", "", conditions, x_name, x, "predicted")
    assert isinstance(ledger.discover()["h100", group].predict([q])["x"], ledger.NotModelled)


def test_a_shape_of_many_waves_is_answered_at_once():
    shape = f"dense FP8 M={1 << 30} N={1 << 30} K=4096"
    q = ledger.Question("x", "deepgemm", "FP8 GEMM throughput", "TFLOP/s", "H800 SXM5", "", shape, "", "", "predicted")
    assert 900 < ledger.discover()["h100", "deepgemm"].predict([q])["x"] < 1700
