"""Is every spelling of a device understood as the right die and node, and does an answer come in the row's unit or not
at all?"""

import itertools

import pytest

from chipweave import ledger
from chipweave.ledger import NotModelled, Question
from chipweave.validation.bench import knees
from chipweave.validation.rows import chips, devices
from chipweave.validation.rows import units as rows
from chipweave.validation.rows.comm_stacks import fabric

SPELLINGS = [
    ("GH200 (H100 96GB)", "gh200", None),
    ("GH200 96GB", "gh200", None),
    ("H100 PCIe", "h100_pcie", None),
    ("H100 PCIe + Xeon", "h100_pcie", None),
    ("H100 SXM5", "h100_sxm", "dgx_h100"),
    ("H100", "h100_sxm", "dgx_h100"),
    ("h100_sxm", "h100_sxm", "dgx_h100"),
    ("dgx_h100", "h100_sxm", "dgx_h100"),
    ("NVIDIA H100 80GB HBM3", "h100_sxm", "dgx_h100"),
    ("H100 SXM5 80GB, NVSwitch node", "h100_sxm", "dgx_h100"),
    ("8x H100", "h100_sxm", "dgx_h100"),
    ("8xH100-SXM5-80GB", "h100_sxm", "dgx_h100"),
    ("H100 SXM5 (1 GPU of the group)", "h100_sxm", "dgx_h100"),
    ("H200 SXM", "h200", "dgx_h100"),
    ("H800 PCIe", "h800_pcie", None),
    ("h800_pcie", "h800_pcie", None),
    ("H800 + CX7 400G", "h800", "dgx_h800"),
    ("H800 (~160 GB/s NVLink max)", "h800", "dgx_h800"),
    ("H100 NVL", "h100_nvl", None),
    ("A100/H100", None, None),
    ("V100/A100/H100 study", None, None),
    ("A100", None, None),
    ("", None, None),
    ("H20", None, None),
]


def question(
    group="latcurve",
    quantity="load-to-use latency vs working set",
    unit="cycles",
    device="H100 SXM5",
    clock="-",
    conditions="",
    x_name="kB",
    x="16",
):
    return Question("q-1", group, quantity, unit, device, clock, conditions, x_name, x, "predicted")


def ask(**fields):
    asked = question(**fields)
    return ledger.discover()["h100", asked.group].predict([asked])["q-1"]


@pytest.mark.parametrize("words, die, node", SPELLINGS)
def test_words_of_a_device_name_its_die_and_its_node(words, die, node):
    assert (devices.topology_of(words), devices.node_of(words)) == (die, node)


@pytest.mark.parametrize(
    "clock, own",
    [
        ("1410 MHz", "1410 MHz"),
        ("1980 MHz", ""),
        ("1.41 GHz", "1.41 GHz"),
        ("1.98 GHz", ""),
        ("<=1755 MHz", ""),
        ("-", ""),
        ("not stated", ""),
    ],
)
def test_a_stated_clock_is_the_clock_of_the_die(clock, own):
    assert devices.device_of(question(clock=clock)).clock == own


def test_a_latency_grows_with_the_clock_in_cycles_and_falls_in_time():
    fast, slow = ({"x": "1024", "clock": f"{mhz} MHz"} for mhz in (1980, 1410))
    assert ask(**slow) < ask(**fast)
    assert ask(**slow, unit="ns") > ask(**fast, unit="ns")


@pytest.mark.parametrize(
    "l2, devices_", [(50, ("H100 SXM5", "H100 PCIe", "H800 SXM5")), (60, ("GH200", "H200 SXM", "H100 NVL"))]
)
def test_l2_is_one_number_for_both_kinds_of_model(l2, devices_):
    for words in devices_:
        llc = devices.parts(devices.topology_of(words))["llc"]
        assert chips.chip_named(words, {}).l2_bytes == llc.slices * llc.slice_capacity == l2 << 20


def test_units_are_converted_or_refused():
    gemm = {
        "group": "gemm",
        "quantity": "GEMM time",
        "conditions": "bfloat16 torch.nn.functional.linear N=7168 K=2048",
        "x_name": "M",
        "x": "16",
    }
    assert ask(**gemm, unit="us") == pytest.approx(1000 * ask(**gemm, unit="ms"))
    refused = ask(**gemm, unit="furlongs")
    assert isinstance(refused, NotModelled) and "furlongs" in refused.why
    assert isinstance(rows.in_unit(question(unit="cycles"), 1.0, rows.BYTES_PER_S), NotModelled)


@pytest.mark.parametrize(
    "fields, why",
    [
        ({"device": "A100"}, "names no GPU"),
        ({"x": ""}, "no size"),
        ({"x": "-3"}, "no size"),
        ({"x_name": "furlongs"}, "no size"),
        ({"x": "1e12"}, "no size"),
        ({"group": "stream", "quantity": "streaming copy bandwidth"}, "none of the kernels"),
        ({"group": "loadlat", "x_name": "chains", "x": "1e6"}, "more than"),
        ({"group": "smallk", "quantity": "repeated SCALE kernel, by hand", "x_name": "B moved"}, "ways of launching"),
        ({"group": "nccl", "quantity": "all_reduce time", "conditions": "16 GPUs", "x_name": "B"}, "leave the node"),
        (
            {
                "group": "nccl",
                "quantity": "all_reduce time",
                "conditions": "2 GPUs",
                "device": "H100 PCIe",
                "x_name": "B",
            },
            "NVSwitch",
        ),
        (
            {"group": "deepep_normal", "quantity": "DeepEP normal dispatch notify time", "x_name": "tokens/GPU"},
            "counts",
        ),
        ({"group": "uarch", "quantity": "cluster.sync, 2 CTAs"}, "barriers"),
        (
            {
                "group": "p2p",
                "quantity": "copy rate between two GPUs",
                "unit": "GB/s",
                "device": "H200 SXM",
                "x_name": "B",
            },
            "another device",
        ),
        ({"group": "system", "quantity": "tokens"}, "whole systems"),
    ],
)
def test_a_row_without_an_answer_says_what_is_missing(fields, why):
    refused = ask(**fields)
    assert isinstance(refused, NotModelled) and why in refused.why


def test_a_device_that_is_no_die_says_so(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: wafer_5x5\nname: mine\n")
    refused = ask(device=str(tmp_path / "mine.yaml"))
    assert isinstance(refused, NotModelled) and "is no die: its topology has no part sm" in refused.why


def test_the_memory_behind_a_node_is_its_device_s():
    low = {
        "group": "deepep_ll",
        "quantity": "DeepEP low-latency combine time",
        "unit": "us",
        "x_name": "tokens/GPU",
        "x": "1024",
    }
    low["conditions"] = "EP8; hidden 7168, top-8, 256 experts"
    h100, h200 = (ask(**low, device=words) for words in ("H100 SXM5, 8 GPUs (1 node)", "H200 SXM, 8 GPUs (1 node)"))
    summed = 1024 * 9 * 2 * 7168 * 1e6  # what combine reads and writes, times us per s
    assert h100 - h200 == pytest.approx(summed / (3352.32e9 * 0.9799) - summed / 3942e9, rel=1e-3)


OWN_NODE = """
schema: chipweave.topology/1
extends: dgx_h100
name: own_node
about: four GPUs with half of the links
parts: {gpu: {count: 4, link_count: 9}, host_link: {count: 4}, adapter: {count: 4}}
networks: {nvlink: {bandwidth: 185.4 GB/s}}
expect: {parts: {gpu: 4, host_link: 4, adapter: 4}, nvlink: {endpoints: 4, diameter: 2}}
"""


def test_rows_may_be_of_a_node_of_ones_own(tmp_path):
    own = tmp_path / "own_node.yaml"
    own.write_text(OWN_NODE)
    nccl = {"group": "nccl", "quantity": "all_gather time", "unit": "us", "x_name": "B", "x": str(2**28)}
    assert ask(**nccl, conditions="4 GPUs", device=str(own)) > 1.5 * ask(**nccl, conditions="4 GPUs")
    normal = {
        "group": "deepep_normal",
        "quantity": "DeepEP normal dispatch transmit time",
        "unit": "us",
        "x_name": "tokens/GPU",
        "x": "4096",
    }
    shape = "4 GPUs, 24 SMs; hidden 7168, top-8, 256 experts"
    assert ask(**normal, conditions=shape, device=str(own)) > ask(**normal, conditions=shape)
    refused = ask(**nccl, conditions="8 GPUs", device=str(own))
    assert isinstance(refused, NotModelled) and "node of 4" in refused.why


def test_a_die_is_no_node_and_a_node_no_die(tmp_path):
    own, die = tmp_path / "own_node.yaml", tmp_path / "own_die.yaml"
    own.write_text(OWN_NODE)
    die.write_text("schema: chipweave.topology/1\nextends: h100_sxm\nname: own_die\nabout: the same\n")
    no_node = ask(group="nccl", quantity="all_gather time", conditions="2 GPUs", device=str(die), x_name="B")
    no_die = ask(group="gemm", conditions="bfloat16 f N=64 K=64", device=str(own), x_name="M")
    assert "no NVSwitch node" in no_node.why and "is no die: its topology has no part sm" in no_die.why


@pytest.mark.slow
@pytest.mark.parametrize("collective", ["all_gather", "alltoall", "all_reduce", "reduce_scatter"])
@pytest.mark.parametrize("gpus", [2, 4, 8])
@pytest.mark.parametrize("device", ["H100 SXM5", "H800 SXM5"])
def test_a_collective_never_gets_faster_with_size(collective, gpus, device):
    times = [
        ask(
            group="nccl",
            quantity=f"{collective} time",
            unit="us",
            conditions=f"{gpus} GPUs",
            device=device,
            x_name="B",
            x=str(2**p),
        )
        for p in range(9, 34)
    ]
    assert all(later >= 0.999 * earlier for earlier, later in itertools.pairwise(times))


def test_the_narrower_node_is_the_slower_one():
    h100, h800 = (fabric(words).bandwidth for words in ("H100 SXM5", "H800 SXM5"))
    assert h800 < h100 / 2


def curve(device, shift):
    """A latency curve of three levels whose knees lie at 200 KiB and 24,000 KiB times `shift`."""

    def level(x):
        return 32 + 248 * (x > 200 * shift) + 400 * (x > 24_000 * shift)

    points = [
        2.0,
        8,
        32,
        100,
        *range(150, 300, 10),
        600,
        1000,
        4000,
        8000,
        *range(20_000, 32_000, 500),
        120_000,
        200_000,
        400_000,
    ]
    return {x: level(x) for x in points}


def test_knees_are_where_a_curve_leaves_its_levels():
    measured, simulated = curve("H100 SXM5", 1), curve("H100 SXM5", 1.05)
    results = [
        ledger.Result(
            f"r-{i}",
            "latcurve",
            "predicted",
            "H100 SXM5",
            "",
            "kB",
            str(x),
            measured[x],
            simulated[x],
            0.0,
            0.05,
            "holds",
        )
        for i, x in enumerate(measured)
    ]
    found = {k.level: k for k in knees.knees(results)}
    assert found["L1"].reference == pytest.approx(201 * 1024, rel=1e-6) and found["L2"].reference == pytest.approx(
        24_050 * 1024, rel=1e-3
    )
    assert found["L2"].error == pytest.approx(0.05, abs=0.01) and knees.missed(results) == []
    far = [
        ledger.Result(
            r.id,
            r.group,
            r.role,
            r.device,
            "",
            "kB",
            r.x_value,
            r.reference,
            curve("", 1.2)[float(r.x_value)],
            0.0,
            0.05,
            "holds",
        )
        for r in results
    ]
    assert len(knees.missed(far)) == 2


def test_a_curve_that_does_not_show_a_level_has_no_knee():
    results = [
        ledger.Result(
            f"r-{x}", "latcurve", "predicted", "H100 SXM5", "", "kB", str(x), 280.0, 281.0, 0.0, 0.05, "holds"
        )
        for x in (512, 1024, 4096, 9000)
    ]
    assert knees.knees(results) == []
