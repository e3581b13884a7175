"""Does a node run the job: eight GPUs behind NVSwitch planes, under each preset."""

import pytest

from chipweave import topology

TRACE = [[[0, 1], [2, 3], [4, 5], [6, 0]], [[0, 1], [3, 6]]]


@pytest.mark.parametrize("name, payload", [("dgx_h100", 370_800_000_000), ("dgx_h800", 164_800_000_000)])
def test_a_node_is_eight_dies_on_the_payload_of_its_links(name, payload):
    nvlink, network = (topology.load(name).networks[key] for key in ("nvlink", "d2d"))
    assert (nvlink.bandwidth, nvlink.latency_ps.tolist()) == (network.bandwidth, network.latency_ps.tolist())
    assert [end.partition(".")[0] for end in network.endpoints] == [f"die[{i}]" for i in range(8)]
    assert set(network.bandwidth) == {payload} and int(network.distance.max()) == 2


@pytest.mark.parametrize("preset", ["artifact", "paper", "h100", "physical"])
def test_a_node_runs_the_job(desk, preset):
    """Whole experts dealt in turn are read from their home over two links, through the switch; at home none moves."""
    counts = {}
    for strategy in ("base", "ep"):
        outcome = desk.run("dgx_h100", desk.trace(TRACE), strategy, preset=preset)
        hops = outcome.table[:, outcome.columns.index("hops")].sum()
        reads = sum(value for _, name, _, value in outcome.statistics if name == "remote_reads")
        counts[strategy] = int(hops), int(reads)
    assert counts["ep"] == (0, 0)
    assert counts["base"][1] > 0 and counts["base"][0] == 2 * counts["base"][1]
