"""Are the communication groups predicted from calibration rows alone, and do they keep their bars?"""

import pytest

from chipweave import ledger
from chipweave.validation.calibrate import comm as calibrate_comm
from chipweave.validation.rows import comm_stacks
from chipweave.validation.suites.h100 import REFERENCES

GROUPS = ("nccl", "custar", "deepep_ll", "deepep_normal", "deepep_readme", "pplx")


@pytest.fixture(scope="module")
def rows():
    return [(q, v) for q, v in ledger.read_references(REFERENCES) if q.group in GROUPS]


@pytest.fixture(scope="module")
def results(rows):
    return ledger.judge("h100", rows, ledger.discover())


@pytest.mark.slow
def test_the_calibrated_file_is_what_the_program_finds_also_from_poisoned_rows(poisoned):
    found = calibrate_comm.fit(calibrate_comm.calibration_rows(poisoned))
    written = {
        kind: {p: node.value["value"].text for p, node in params.items()}
        for kind, params in comm_stacks.fitted().items()
    }
    assert written == {kind: {p: entry[0] for p, entry in params.items()} for kind, params in found.items()}


@pytest.mark.slow
def test_poisoned_rows_change_no_prediction(results, poisoned):
    changed = [(q, v) for q, v in ledger.read_references(poisoned) if q.group in GROUPS]
    again = {r.id: r for r in ledger.judge("h100", changed, ledger.discover())}
    assert all(again[r.id].simulated == r.simulated for r in results if r.simulated is not None)
    assert again["nccl-0001"].reference == 123456


def test_every_fit_names_a_calibration_row(rows):
    roles = {q.id: q.role for q, _ in rows}
    assert {roles[fit[5]] for fit in calibrate_comm.FITS} == {"calibration"}


def test_calibration_rows_are_met(results):
    """All but nccl-0014, which sets the rate of LL and lies where NCCL already chooses Simple."""
    off = {r.id for r in results if r.role == "calibration" and abs(r.error) > 0.002}
    assert off == {"nccl-0014"}


def test_no_bar_is_missed(results):
    assert ledger.missed_bars(results) == []


def test_rows_that_cannot_be_modelled_say_why(results):
    found = {r.id: r for r in results}
    assert found["deepep_readme-0013"].why == "the reference value is not one number"
    assert found["deepep_readme-0003"].simulated > found["deepep_readme-0001"].simulated > 60
    assert "no calibration row" in found["pplx-0008"].why


@pytest.mark.parametrize("quantity", ["all_gather time", "alltoall time", "all_reduce time", "reduce_scatter time"])
@pytest.mark.parametrize("gpus", [2, 4, 8])
def test_every_word_that_may_occur_is_predicted(quantity, gpus):
    question = ledger.Question(
        "x", "nccl", quantity, "us", "H200 SXM", "-", f"{gpus} GPUs; nccl-tests", "B", "1048576", "predicted"
    )
    assert ledger.discover()["h100", "nccl"].predict([question])["x"] > 5


@pytest.mark.parametrize("device", ["H100 PCIe", "H800 PCIe", "GH200"])
def test_a_board_without_an_nvswitch_node_is_not_modelled(device):
    question = ledger.Question("x", "nccl", "all_gather time", "us", device, "-", "2 GPUs", "B", "1024", "predicted")
    assert isinstance(ledger.discover()["h100", "nccl"].predict([question])["x"], ledger.NotModelled)


@pytest.mark.parametrize(
    "group, quantity, conditions",
    [
        ("deepep_ll", "dispatch", "EP8; hidden 7168, top-0, 256 experts"),
        ("deepep_normal", "dispatch", "8 SMs; hidden 7168, top-8, 123456789012 experts"),
        ("pplx", "torch all-to-all", "EP8 256 experts, top-8, 123456789012"),
        ("deepep_readme", "low-latency dispatch", "0 tok/GPU, 7168, top-8"),
    ],
)
def test_a_size_that_nobody_has_is_refused(group, quantity, conditions):
    x_name = "EP" if group == "deepep_readme" else "tokens/GPU"
    question = ledger.Question(
        "x", group, quantity, "us", "H100 SXM5, 8 GPUs", "-", conditions, x_name, "8", "predicted"
    )
    assert "from 1 to" in ledger.discover()["h100", group].predict([question])["x"].why


@pytest.mark.parametrize(
    "words, on",
    [
        ("with NVLS", True),
        ("without NVLS", False),
        (", NVLS off", False),
        (", NCCL_NVLS_ENABLE=0", False),
        ("", True),
    ],
)
def test_a_row_may_say_that_in_switch_reduction_is_off(words, on):
    question = ledger.Question(
        "x", "nccl", f"all_reduce peak busbw {words}", "GB/s", "H100 SXM5", "-", "8 GPUs", "", "", "predicted"
    )
    assert (ledger.discover()["h100", "nccl"].predict([question])["x"] > 400) == on
