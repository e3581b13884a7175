"""Do the examples do what they say: each run file gives the result committed beside it, and a swapped part only what it
should.

`python tests/test_examples.py` writes the expected results anew, after a change that is meant to change them.
"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from chipweave import topology
from chipweave.cli.compare import command
from chipweave.errors import BadInput
from chipweave.run import simulate as serving
from chipweave.run.record import COLUMNS
from chipweave.run.spec import RunSpec
from chipweave.validation.suites import artifact as suite_artifact

EXAMPLES = Path(__file__).parent.parent / "examples"
RUN_FILES = [EXAMPLES / "demo.yaml", *sorted(EXAMPLES.glob("*/run.yaml"))]
FIGURES = (
    "strategy",
    "decode_time_ns",
    "prefill_time_ns",
    "hops",
    "local_read_bytes",
    "remote_read_bytes",
    "copies",
    "local_llc_hits",
    "remote_llc_hits",
)
HBM4 = f"die.hbm.kind={EXAMPLES}/my_hbm/hbm4.py:Hbm4"


def expected_path(run_file):
    return run_file.with_name(run_file.stem + ".expected.json")


def compared(run_file, folder):
    """The key figures of an example as the command line gives them."""
    out = Path(folder) / "result.json"
    done = CliRunner().invoke(command, [str(run_file), "--allow-code", "--json", str(out)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    result = json.loads(out.read_text())
    return {
        "result_sha256": result["result_sha256"],
        "rows": [{name: row[name] for name in FIGURES} for row in result["rows"]],
    }


@pytest.mark.parametrize(
    "run_file",
    [
        pytest.param(
            f, id=str(f.relative_to(EXAMPLES)), marks=[pytest.mark.slow] * (not f.parent.name.startswith("my_"))
        )
        for f in RUN_FILES
    ],
)
def test_an_example_gives_the_result_committed_beside_it(run_file, tmp_path):
    expected = json.loads(expected_path(run_file).read_text())
    found = compared(run_file, tmp_path)
    assert found["rows"] == expected["rows"]
    assert found["result_sha256"] == expected["result_sha256"]


@pytest.mark.parametrize("folder, name", [("my_hbm", "hbm4.py"), ("my_predictor", "last_seen.py")])
def test_code_of_ones_own_does_not_run_unasked(folder, name):
    with pytest.raises(BadInput, match=f"{name}.*--allow-code"):
        serving.load(
            RunSpec(
                topology=str(EXAMPLES / folder / "wafer_hbm4.yaml") if folder == "my_hbm" else "wafer_5x5",
                model="deepseek-v2-lite",
                trace="esft-law",
                batch=16,
                steps=2,
                strategy="base" if folder == "my_hbm" else str(EXAMPLES / folder / "last_seen.yaml"),
            )
        )


def micro(case, mesh, hbm=None):
    """(time ps, hops) of each step of a micro-case, under our HBM or the user's."""
    found, _ = suite_artifact.run_micro("qwen3-235b", mesh, case, [hbm] if hbm else (), allow_code=bool(hbm))
    return [(int(row[COLUMNS.index("time_ps")]), int(row[COLUMNS.index("hops")])) for row in found]


def test_with_the_users_hbm_only_what_passes_through_hbm_takes_another_time():
    """M8a: a read, then an LLC hit; M8r: a remote read, then a hit in the home LLC; M2 crosses HBM and mesh."""
    ours, theirs = micro("M8a", "1x1"), micro("M8a", "1x1", HBM4)
    assert theirs[0] != ours[0] and theirs[1] == ours[1] == (1_898_000, 0)
    ours, theirs = micro("M8r", "2x1"), micro("M8r", "2x1", HBM4)
    assert theirs[0] != ours[0] and theirs[1] == ours[1] == (10_440_000, 1)


def test_the_users_hbm_takes_exactly_what_its_file_says():
    """M2 at 3.35 TB/s: lookup 110, request 201, then 300 ns + 12,582,912 B / 3.35 TB/s = 4,056.094 ns, refreshes due at
    0, 3,900, ... ns: one falls into 311-4,367; then data 8,231 and GEMM 1,798."""
    read = 300_000 + -(-12_582_912 * 10**12 // (3_350 * 10**9))
    assert read == 4_056_094
    assert micro("M2", "2x1", HBM4) == [(110_000 + 201_000 + read + 350_000 + 8_231_000 + 1_798_000, 1)]


def test_refreshes_are_met_at_their_own_instants():
    hbm = topology.load(str(EXAMPLES / "my_hbm" / "wafer_hbm4.yaml"), allow_code=True).parts["die[0][0].hbm"]
    assert [hbm.lasts(now, 100) - 100 for now in (3_899_900, 3_899_901, 3_900_000, 3_900_001)] == [
        0,
        350_000,
        350_000,
        0,
    ]
    assert hbm.lasts(1, 11_000_000) == 11_000_000 + 3 * 350_000  # the third is due while the first two are made up for
    assert hbm.refreshes == 5


def test_the_users_predictor_copies_what_was_busy_a_token_ago_and_base_nothing(tmp_path):
    rows = {
        row["strategy"]: row
        for row in json.loads(expected_path(EXAMPLES / "my_predictor" / "run.yaml").read_text())["rows"]
    }
    assert rows["base"]["copies"] == 0
    assert 0 < rows["last_seen"]["copies"] and rows["last_seen"]["hops"] < rows["base"]["hops"]


def test_the_dead_die_is_gone_and_nothing_is_routed_through_it():
    system = topology.load(str(EXAMPLES / "dead_die" / "wafer_dead_die.yaml"), preset="artifact")
    network = system.networks["d2d"]
    dead = "die[2][2].d2d"
    assert dead not in network.endpoints and len(network.endpoints) == 24
    assert all(dead not in link for a in range(24) for b in range(24) for link in network.route(a, b))
    assert network.hops(network.endpoints.index("die[2][1].d2d"), network.endpoints.index("die[2][3].d2d")) == 4


def test_the_slow_link_is_slow_both_ways_and_alone():
    edges = (
        topology.load(str(EXAMPLES / "one_slow_link" / "wafer_slow_link.yaml"), preset="artifact")
        .networks["d2d"]
        .graph.edges
    )
    slow = {link for link in edges if edges[link]["bandwidth"] == 170 * 10**9}
    assert slow == {("die[2][1].d2d", "die[2][2].d2d"), ("die[2][2].d2d", "die[2][1].d2d")}


def test_two_wafers_meet_in_one_slow_link():
    network = topology.load(str(EXAMPLES / "two_wafers" / "two_wafers.yaml")).networks["d2d"]
    slow = [i for i, rate in enumerate(network.bandwidth) if rate == 100 * 10**9]
    assert len(slow) == 2 and all(slow[0] in network.link_route(a, b) for a in range(9) for b in range(9, 18)) ^ all(
        slow[1] in network.link_route(a, b) for a in range(9) for b in range(9, 18)
    )


def test_gpus_of_equal_number_meet_on_their_rail_and_others_by_one_more_switch():
    network = topology.load(str(EXAMPLES / "two_nodes" / "two_nodes.yaml")).networks["d2d"]
    assert {network.hops(i, i + 8) for i in range(8)} == {1} and network.hops(0, 9) == 3 and network.hops(0, 7) == 2


def test_the_ring_with_a_dead_die_is_a_line_round_the_other_way():
    network = topology.load(str(EXAMPLES / "dead_ring" / "dead_ring.yaml")).networks["d2d"]
    before, after = (network.endpoints.index(f"die[0][{x}].d2d") for x in (2, 4))
    assert network.hops(before, after) == 4 and network.rule.kind == "up_down"


def test_only_links_through_the_stack_are_short_and_wide():
    edges = topology.load(str(EXAMPLES / "stack_3d" / "stack_3d.yaml")).networks["d2d"].graph.edges
    through = {link for link in edges if edges[link]["bandwidth"] == 5 * 10**12}
    assert len(through) == 2 * 8 and all(a[:6] != b[:6] and a[6:] == b[6:] for a, b in through)


@pytest.mark.parametrize("folder", sorted(p.parent.name for p in EXAMPLES.glob("*/run.yaml")))
def test_a_system_is_described_in_under_40_lines(folder):
    assert all(len(p.read_text().splitlines()) < 40 for p in (EXAMPLES / folder).glob("*.yaml"))


if __name__ == "__main__":
    import tempfile

    for file in RUN_FILES:
        with tempfile.TemporaryDirectory() as temporary:
            expected_path(file).write_text(json.dumps(compared(file, temporary), indent=1) + "\n")
