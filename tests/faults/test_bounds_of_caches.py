"""Do loads, caches and kernels of a die pass the ports, pins and peaks that data sheets give, or come faster than an
empty die?"""

import re

import pytest

from .suite_rows import answers, keeps_below, ledger_rows

H100_PCIE_PINS, H200_PINS = 2.039e12, 4.8e12
MI300X_PINS, MI300A_PINS = 5.3e12, 5.3e12
MI300X_FLAT, MI300A_FP32 = 17.2e12, 122.6e12  # of the Infinity Cache; of the vector units
L1_H100 = 114 * 128 * 1.755e9  # H100 PCIe: SMs x bytes a cycle x clock
L1_MI300X = 304 * 64 * 2.1e9
L2_MI300X = 8 * 16 * 128 * 2.1e9  # dies x channels x bytes a cycle x clock
B200_PINS, B200_SMS, B200_CLOCK = 8e12, 148, 1.965e9
FLOPS_A_CYCLE = {"BF16": 8192, "F16": 8192, "TF32": 4096, "F4": 32768, "MXF4": 32768, "MXF4NVF4": 32768}


def test_an_h100_reads_its_caches_no_faster_than_its_l1_and_large_sets_no_faster_than_its_pins():
    shares, large = {}, {}
    for group in ("l1l2bw", "l2bw"):
        for q, value in ledger_rows(group):
            shares[q.id] = value * 1e9 / L1_H100
            if group == "l2bw" and q.x > 4 * 50e3:  # four times the L2: at most a quarter can be found in it
                large[q.id] = value * 1e9 * (1 - 50e3 / q.x) / H100_PCIE_PINS
    keeps_below(shares, 0.9)
    keeps_below(large, 0.9)


def test_a_warp_load_takes_a_cycle_for_each_128_bytes():
    least = {"float": 1, "64-bit": 2}
    values = [(next(n for word, n in least.items() if word in q.quantity), v) for q, v in ledger_rows("l1stride")]
    keeps_below({str(i): cycles / value for i, (cycles, value) in enumerate(values)}, 0.9)


def test_kernels_on_large_data_wait_for_the_pins():
    rows = [(q, value) for q, value in ledger_rows("smallk") if q.x > 4 * 50e6]
    keeps_below({q.id: (q.x - 50e6) / H200_PINS / (value * 1e-6) for q, value in rows})


def test_no_launch_is_shorter_than_a_load_from_memory():
    assert min(value for _, value in ledger_rows("launch")) > 0.4  # us


def latency_of(group, quantity, device):
    """Cycles of the rows of a group whose quantity and device have these words, in order of x."""
    rows = [(q.x or 0, v) for q, v in ledger_rows(group) if quantity in q.quantity and device in q.device]
    return [value for _, value in sorted(rows)]


@pytest.mark.parametrize("device", ["GH200", "H100 PCIe"])
def test_no_load_is_faster_than_an_l1_hit_and_none_from_memory_faster_than_from_l2(device):
    curve = latency_of("latcurve", "", device)
    l2, memory = latency_of("plateau", "L2 near", device), latency_of("plateau", "DRAM", device)
    assert min(curve) >= 30 and min(l2) > 4 * min(curve) and min(memory) > max(latency_of("plateau", "L2", device))


def test_loads_beside_others_are_no_faster_than_alone():
    alone = latency_of("uarch", "DRAM latency cold, 1 GiB", "H100 PCIe")
    loaded = latency_of("loadlat", "", "H100 PCIe")
    assert alone and min(loaded) >= 0.97 * min(alone)
    assert loaded == sorted(loaded)


def test_rates_of_an_sm_and_a_die_keep_to_their_ports():
    rows = {q.quantity: (q, value) for q, value in ledger_rows("uarch")}
    most = {"L1 throughput FP32.v4": 128.0, "L2 throughput FP32.v4": 114 * 64.0}
    keeps_below({name: rows[name][1] / bound for name, bound in most.items()}, 0.5)


@pytest.mark.slow
def test_an_mi300x_reads_no_faster_than_its_levels():
    shares = {}
    for q, c, value in answers("dies", "amd_cache"):
        if q.device != "MI300X":
            continue
        size = (q.x if "array size" in q.quantity else float(c.get("array_kB", 0))) * int(c.get("arrays", 1))
        if "HBM" in q.quantity or size > 4 * 256e3:  # four times the Infinity Cache
            bound = MI300X_PINS / (1 - (256e3 / size if size else 0))
        elif "Infinity" in q.quantity:
            bound = MI300X_FLAT
        elif "L2" in q.quantity:
            bound = L2_MI300X
        else:
            bound = L1_MI300X
        shares[q.id] = value * 1e9 / bound
    assert len(shares) > 300
    keeps_below(shares, 0.7)


def test_copies_of_an_mi300x_keep_to_its_pins():
    rows = [(q, value * (1e12 if q.unit == "TB/s" else 1e9)) for q, _, value in answers("dies", "amd_partition")]
    keeps_below({q.id: v / (MI300X_PINS / 4 if "one XCD" in q.quantity else MI300X_PINS) for q, v in rows}, 0.5)


@pytest.mark.slow
def test_kernels_of_an_mi300a_keep_to_its_pins_and_units():
    """Arrays that the Infinity Cache cannot hold; products of matrices on the vector units."""
    shares, near = {}, {"vectoradd": 12, "relu": 8, "matrixtranspose": 8}
    for q, _, value in answers("dies", "amd_kernels"):
        kernel = q.quantity.removeprefix("kernel time: ")
        elements = (q.x or 0) ** (2 if kernel == "matrixtranspose" else 1)
        moved = near.get(kernel, 0) * elements
        if kernel == "matrixmultiplication":
            m, n, k = (int(edge) for edge in re.search(r"problem=(\d+)x(\d+)x(\d+)", q.conditions).groups())
            shares[q.id] = 2 * m * n * k / MI300A_FP32 / (value * 1e-3)
        elif moved > 4 * 256e6:
            shares[q.id] = (moved - 256e6) / MI300A_PINS / (value * 1e-3)
    assert len(shares) > 20
    keeps_below(shares)


@pytest.mark.parametrize("group, quantity, first", [("amd_latency", "pointer chase", 100), ("b200_latency", "", 30)])
def test_a_larger_set_is_read_no_faster(group, quantity, first):
    """A chase of one thread: from L1 at best, and a set that holds another is no faster than it."""
    for device in {q.device for q, _, _ in answers("dies", group, quantity)}:
        curve = sorted((q.x, v) for q, _, v in answers("dies", group, quantity) if q.device == device)
        assert curve[0][1] >= first
        assert all(b >= a * 0.999 for (_, a), (_, b) in zip(curve, curve[1:], strict=False)), device


def test_loads_of_all_sms_take_no_less_than_one_alone():
    alone = max(value for q, _, value in answers("dies", "b200_latency") if q.x > 3e8)
    assert min(value for _, _, value in answers("dies", "b200_loadlat")) >= alone


def test_bytes_in_flight_bound_the_rate():
    """Little's law: what is in flight, over the least time of a load from memory."""
    least = min(value for q, _, value in answers("dies", "b200_latency") if q.x > 3e8) / B200_CLOCK
    rows = answers("dies", "b200_inflight")
    keeps_below({q.id: value * 1e9 / (q.x * B200_SMS / least) for q, _, value in rows}, 0.3)


def test_sectors_are_read_at_least_once_by_those_who_share_them_and_pass_the_pins():
    by_case = {}
    for q, c, value in answers("dies", "b200_l2cross"):
        by_case.setdefault((q.conditions, q.x), {})[q.unit + q.quantity.split()[0]] = (value, c)
    shares = {}
    for name, found in by_case.items():
        (memory, c), (rate, _) = found["ratioDRAM"], found["GB/sbytes"]
        assert memory >= 1 / (int(c["sharers"]) * int(c["cluster"])) * 0.99, name
        assert found["ratioL2"][0] <= 2 * (1 + memory), name  # from the other half at most, once more
        asked = rate / (1 if "cross" in name[0] or "no_sharing" in name[0] else int(c["sharers"]))  # once for a cluster
        shares[str(name)] = asked * 1e9 * memory / B200_PINS
    keeps_below(shares, 0.5)


def test_tensor_instructions_keep_to_the_units():
    """Operations of an instruction over its cycles: of one SM, or of the two of a pair."""
    shares = {}
    for q, c, value in answers("dies", "b200_umma"):
        n = int(q.x) if q.x_name == "n" else int(c["n"])
        flops = 2 * int(c["m"]) * n * int(c["k"])
        shares[q.id] = flops / FLOPS_A_CYCLE.get(c["format"], 16384) / int(c["cta_group"]) / value
    keeps_below(shares, 0.9)


@pytest.mark.parametrize("collective, passes", [("all-reduce", 2), ("all-gather", 1), ("all-to-all", 1)])
def test_collectives_of_a_domain_keep_to_its_links(collective, passes):
    shares = {}
    for q, c, value in answers("dies", "b200_coll_xla", collective):
        ranks = int(c["gpus_per_group"])
        shares[q.id] = passes * q.x * (ranks - 1) / ranks / 900e9 / (value * 1e-6)
    keeps_below(shares, 0.5)
