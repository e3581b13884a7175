"""Is the die of the case study one die at two speeds? Tables against line-rate runs, stage kinds against tables, the
fits, bad files."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave import topology
from chipweave.component import characterised
from chipweave.declare import yamlfile
from chipweave.errors import BadInput
from chipweave.topology import preset as topology_preset
from chipweave.trace import models
from chipweave.validation.characterise import table as characterise
from chipweave.validation.characterise.bench import expert_ps, tile_model
from chipweave.validation.characterise.gemm import BOUND, fit_utilisation, token_counts
from chipweave.validation.characterise.stage_transfers import Transfers
from chipweave.validation.characterise.table import Transfer

ROOT = Path(__file__).resolve().parents[2]
DIE = "h100_sxm_d2d"
SHIPPED = files("chipweave.topologies") / "tables" / "h100_sxm.yaml"
SMALLEST = 3_145_728
QWEN = 12_582_912
CURE = "run: chipweave characterise h100_sxm_d2d --jobs 2 --out topologies/tables/h100_sxm.yaml"
HELD = 0.05


@pytest.fixture(scope="module")
def table():
    return characterised.load("h100_sxm")


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))


def ps(text):
    return int(text.removesuffix(" ps"))


def recorded(document):
    """{Transfer: ps at line rate} of the shipped table."""
    said = {row["transfer"]: ps(row["line_rate"]) for row in document["residuals"]}
    return {t: said[t.words()] for t in characterise.transfers(sorted(characterise.shapes()), True)}


def test_every_transfer_of_the_shipped_table_is_within_5_percent_of_the_line_rate_die(document):
    said = {row["transfer"]: row for row in document["residuals"]}
    assert {t.words() for t in characterise.transfers(sorted(characterise.shapes()), True)} <= set(said)
    assert {
        words: row["error"] for words, row in said.items() if abs(ps(row["table"]) / ps(row["line_rate"]) - 1) > HELD
    } == {}


def both_speeds(transfer):
    """(ps by stages, ps at line rate): the chain of the case study's kinds, and every line through the die."""
    line_rate = characterise.time_ps(DIE, 1, transfer)
    return Transfers("h100").time_ps(transfer.what, transfer.size, transfer.local, transfer.remote), line_rate


@pytest.mark.slow
@pytest.mark.parametrize(
    "transfer",
    [
        Transfer("read", SMALLEST),
        Transfer("read", QWEN, 2),
        Transfer("read", QWEN, 1, 1),
        Transfer("again", QWEN),
        Transfer("again", SMALLEST, 1, 1),
    ],
    ids=Transfer.words,
)
def test_the_stage_kinds_and_the_line_rate_die_agree_when_both_are_run(transfer, document):
    stages, line_rate = both_speeds(transfer)
    assert stages == pytest.approx(line_rate, rel=HELD)
    assert line_rate == pytest.approx(recorded(document)[transfer], rel=1e-3), CURE


@pytest.mark.slow
@pytest.mark.parametrize(
    "transfer",
    [
        Transfer("read", SMALLEST, 2),
        Transfer("read", 5_767_168, 0, 1),
        Transfer("read", QWEN, 4),
        Transfer("again", 5_767_168, 2),
        Transfer("again", 29_360_128),
        Transfer("store", SMALLEST),
    ],
    ids=Transfer.words,
)
def test_more_transfers_agree_when_both_are_run(transfer, document):
    stages, line_rate = both_speeds(transfer)
    assert stages == pytest.approx(line_rate, rel=HELD)
    assert line_rate == pytest.approx(recorded(document)[transfer], rel=1e-3), CURE


def test_the_shipped_table_is_of_this_die_and_this_calibration(document):
    system = topology.load(DIE, preset=str(characterise.CALIBRATED))
    assert document["origin"] == characterise.origin(system, DIE, 1), CURE


def test_the_figures_of_the_shipped_table_follow_from_its_recorded_times(document):
    times = recorded(document)
    memory = {
        what: characterise.access(characterise.fit_line(rows), 3_352_320_000_000)
        for what, rows in characterise.memory_rows(times).items()
    }
    assert (memory, characterise.llc_rows(times)) == (document["memory"], document["llc"]), CURE


def test_the_docs_say_the_residuals_of_the_shipped_table(document):
    """Rows `| transfer | how many | least .. greatest |` of docs/reference/two_speeds.md."""
    kinds = {}
    for row in document["residuals"]:
        kinds.setdefault(row["transfer"].split(",")[0], []).append(row["error"])
    text = (ROOT / "docs" / "reference" / "two_speeds.md").read_text(encoding="utf-8")
    for kind, errors in kinds.items():
        line = f"| {kind} | {len(errors)} | {min(errors):+.1%} to {max(errors):+.1%} |"
        assert line in text, line


@pytest.mark.parametrize("name", ["deepseek-v3", "qwen3-235b", "llama4-maverick"])
def test_expert_gemms_hold_at_counts_that_the_table_was_not_fitted_at(table, name):
    model = models.load(name)
    tiles = tile_model(topology.load("h100_sxm", preset=str(characterise.CALIBRATED)))
    for tokens in (1, 7, 65, 100, 130, 200, 257, 777, 1025, 3000, 8191, 16000):
        assert characterise.gemm_ps(table, model.slice_bytes, tokens) == pytest.approx(
            expert_ps(tiles, model.hidden, model.intermediate, tokens), rel=HELD
        )


@pytest.mark.parametrize(
    "transfer",
    [
        Transfer("read", QWEN),
        Transfer("read", QWEN, 4),
        Transfer("read", QWEN, 1, 1),
        Transfer("again", QWEN),
        Transfer("again", QWEN, 1, 1),
        Transfer("store", QWEN),
    ],
    ids=Transfer.words,
)
@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_the_stage_kinds_do_what_the_table_says_to_a_few_picoseconds(table, transfer, engine):
    # the wafer rounds to 3.35 TB/s; shares are of the die's own pins
    pins = f"die.hbm.bandwidth={int(table.bandwidth)} B/s"
    mine = Transfers("h100", engine=engine, sets=(pins,)).time_ps(
        transfer.what, transfer.size, transfer.local, transfer.remote
    )
    assert mine == pytest.approx(characterise.predicted_ps(table, transfer), abs=8)


def test_a_gemm_of_the_stage_kind_is_the_table_s(table):
    for tokens in (1, 100, 5000):
        assert Transfers("h100").gemm_ps("qwen3-235b", tokens) == pytest.approx(
            characterise.gemm_ps(table, QWEN, tokens) / 3, abs=2
        )


@pytest.mark.slow
@settings(max_examples=30)
@given(
    st.floats(0, 2e6), st.floats(1e11, 1e13), st.lists(st.integers(10**6, 10**8), min_size=2, max_size=9, unique=True)
)
def test_the_line_through_exact_points_is_found(latency, rate, sizes):
    found, speed = characterise.fit_line([(n, latency + n * 1e12 / rate) for n in sizes])
    assert [found + n * 1e12 / speed for n in sizes] == pytest.approx(
        [latency + n * 1e12 / rate for n in sizes], rel=1e-6
    )


@given(st.lists(st.floats(1e3, 1e7), min_size=1, max_size=60))
def test_utilisation_rows_give_every_point_within_their_bound(times):
    points = [(n, time) for n, time in enumerate(np.maximum.accumulate(times), 1)]
    rows = fit_utilisation(points, 10**4, 10**15)
    for n, time in points:
        share = next(row["share"] for row in rows if row["tokens"] == "any" or n <= int(row["tokens"]))
        assert n * 10**4 / (share * 10**15) * 1e12 == pytest.approx(time, rel=BOUND + 2e-3)


def test_counts_stand_on_both_sides_of_every_step_of_64_rows():
    counts = set(token_counts())
    assert {edge + past for edge in range(64, 16384, 64) for past in (0, 1)} <= counts and max(counts) == 16384


def test_the_preset_differs_from_paper_in_the_die_alone():
    mine, paper = topology_preset.load("h100"), topology_preset.load("paper")
    tables = {"memory.hbm", "memory.llc", "sm.utilisation_table"}
    assert set(mine.kinds) - set(paper.kinds) == tables
    plain = yaml.safe_load((files("chipweave.topologies") / "presets" / "paper.yaml").read_text(encoding="utf-8"))
    other = yaml.safe_load((files("chipweave.topologies") / "presets" / "h100.yaml").read_text(encoding="utf-8"))
    assert {k: v for k, v in other["kinds"].items() if k not in tables} == plain["kinds"]
    assert (other["networks"], other["run"]) == (plain["networks"], plain["run"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "change, words",
    [
        (lambda d: d.pop("llc"), "lacks 'llc'"),
        (lambda d: d.update(hbm=1), "unknown key 'hbm'"),
        (lambda d: d["memory"].pop("write"), "must have read and write"),
        (lambda d: d["memory"]["read"].update(share=1.5), "share = 1.5 is out of range"),
        (lambda d: d["memory"].update(far={}), "memory has no 'far'"),
        (lambda d: d["gemm"][0]["utilisation"].pop(), "the last for any"),
        (lambda d: d["llc"][0].update(rate="1 GB"), "rate"),
        (lambda d: d.update(schema="chipweave.characterised/9"), "schema"),
        (lambda d: d.update(gemm={}), "gemm is a list"),
    ],
)
def test_a_bad_table_is_refused_in_words(document, change, words):
    spoilt = yaml.safe_load(yaml.safe_dump({**document, "gemm": document["gemm"][:1], "residuals": []}))
    change(spoilt)
    with pytest.raises(BadInput, match=words):
        characterised.read(yamlfile.loads(yaml.safe_dump(spoilt), "t.yaml"))


def test_a_size_that_was_not_measured_takes_the_next_larger_hit_and_no_gemm(table):
    assert table.hit(QWEN - 1) == table.hit(QWEN) and table.hit(10**12) == table.hits[-1][1:]
    assert table.utilisation_of(QWEN - 1) is None


def test_a_table_without_a_remote_reader_counts_it_as_a_local_one(table):
    memory = {k: v for k, v in table.memory.items() if k != "remote_read"}
    assert replace(table, memory=memory).access("remote_read") == table.access("read")
