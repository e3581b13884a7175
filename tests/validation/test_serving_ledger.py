"""The ledger `serving`: are the fitted figures those of the calibration rows, and do samples of the groups keep their
bars?"""

from statistics import fmean

import pytest

from chipweave import ledger
from chipweave.serving import library
from chipweave.validation.calibrate import serving as calibrate
from chipweave.validation.suites import serving

EVERY = 24  # of the rows of a group; the bar of moe_balanced is that of the whole group and a sample's margin


def sample(group):
    rows = [r for r in serving.references(groups=[group]) if r[0].role == "predicted"]
    return ledger.judge("serving", rows[:: EVERY if len(rows) > 500 else 1], ledger.discover())


@pytest.mark.slow
def test_the_fitted_figures_follow_from_the_calibration_rows():
    fitted = {name: value for name, (value, _, _) in calibrate.fit().items()}
    assert fitted == pytest.approx(library.figures(), rel=1e-6)


@pytest.mark.parametrize(
    ("group", "bar"),
    [
        ("attention_mla", 0.12),
        ("attention_gqa", 0.12),
        ("moe_balanced", 0.17),
        pytest.param("moe_skew", 0.10, marks=pytest.mark.slow),
        ("a2a_nodes", 0.15),
        ("a2a_nvl72", 0.15),
    ],
)
def test_a_sample_of_a_group_keeps_its_bar(group, bar):
    results = sample(group)
    answered = [r for r in results if r.error is not None]
    assert all("concurrency" in r.why for r in results if r.error is None)
    assert fmean(abs(r.error) for r in answered) <= bar


def test_a_calibration_row_is_never_scored():
    assert not [r for r in calibrate.calibration_rows("attention_mla", "attention_gqa") if r[0].role != "calibration"]
