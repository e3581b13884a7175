"""Programs of waves on a package of dies: do times follow from steps, places of lines and what waves share?"""

from dataclasses import replace
from pathlib import Path

import pytest

from chipweave import topology
from chipweave.kernel_models import hip, waves
from chipweave.kernel_models.package import package_of
from chipweave.kernel_models.waves import Access, Copy, Step, WaveKernel, launch_seconds, seconds
from chipweave.ledger import NotModelled, Question, asking

MIB = 1 << 20
PROBLEMS = {
    "atax": "256x256",
    "bfs": "nodes1024_repeat2",
    "bicg": "256x256",
    "bitonicsort": "4096",
    "conv2d": "N1_C1_28x28_k3x3_OC3",
    "fastwalshtransform": "4096",
    "fft1d_512": "4096_elements",
    "fir": "4096_taps16",
    "floydwarshall": "64_nodes",
    "im2col": "N1_C1_28x28_k3x3",
    "kmeans": "pts1024_feat32_clus5",
    "matrixmultiplication": "128x128x128",
    "matrixtranspose": "512x512",
    "memcopy_d2d": "4MB",
    "memcopy_d2h": "4MB",
    "memcopy_h2d": "4MB",
    "nbody": "1024_particles",
    "nw": "length=128",
    "pagerank": "nodes256_sparsity0.5_priters2",
    "relu": "65536",
    "simpleconvolution": "512x512_mask3",
    "spmv_csr_scalar": "1024x1024_nnz10240",
    "stencil2d": "512x512",
    "vectoradd": "65536",
}


@pytest.fixture(scope="module")
def mi300a():
    return package_of(topology.load("mi300a"))


def one(step, blocks=1.0, threads=64, footprint=1.0, **more):
    return WaveKernel(blocks, threads, (step,), read=footprint, written=0.0, footprint=footprint, **more)


def cycles(package, kernel):
    """Of a launch, without the start of its block."""
    return launch_seconds(package, kernel) / package.seconds_per_cycle - package.die.launch_cycles


def test_a_wave_alone_takes_its_instructions_and_its_loads_one_after_another(mi300a):
    assert cycles(mi300a, one(Step(100, 10))) == pytest.approx(100 * 40, rel=0.7)
    arithmetic, hit = one(Step(1000, 1)), one(Step(1000, 1, loads=(Access(met="unit"),)))
    both = cycles(mi300a, hit) - cycles(mi300a, arithmetic)
    assert both == pytest.approx(1000 * (mi300a.die.l1_cycles + 4), rel=0.12)  # and four cycles of 256 bytes


def test_a_line_costs_more_the_further_it_lies(mi300a):
    step = Step(1000, 1, loads=(Access(),))
    sizes = [1 * MIB, 100 * MIB, 1000 * MIB]
    times = [cycles(mi300a, one(step, footprint=size)) / 1000 for size in sizes]
    assert times[0] < times[1] - 200 and times[1] < times[2] - 200


@pytest.mark.parametrize(("name", "kib"), [("mi300a", 32), ("mi210", 16)])
def test_a_line_is_met_again_in_l1_only_where_that_holds_all_between(name, kib):
    package = package_of(topology.load(name))

    def taken(met, within=0.0):
        return cycles(package, one(Step(1000, 1, loads=(Access(met=met, within=within),))))

    assert taken("unit", kib * 1024.0) == taken("unit") < taken("die") - 50_000
    assert taken("unit", kib * 1024.0 + 1) == taken("die")


def test_waves_hide_each_other_until_the_schedulers_are_full(mi300a):
    load = Step(1000, 4, loads=(Access(met="unit"),))
    few, full = one(load, threads=256), one(load, threads=1024)
    assert launch_seconds(mi300a, full) < 1.5 * launch_seconds(mi300a, few)
    many = one(Step(1000, 100), blocks=mi300a.units * 8.0, threads=256)
    assert launch_seconds(mi300a, many) == pytest.approx(8 * 1000 * 400 * mi300a.seconds_per_cycle, rel=0.02)


def test_a_launch_of_small_blocks_waits_for_the_dispatcher(mi300a):
    few = one(Step(1, 1), blocks=6e6)
    assert launch_seconds(mi300a, few) == pytest.approx(1e6 * 6 * mi300a.seconds_per_cycle, rel=0.05)
    assert launch_seconds(mi300a, replace(few, threads=256)) == pytest.approx(launch_seconds(mi300a, few), rel=0.05)


def test_scattered_pages_wait_for_the_walkers_beyond_the_reach_only(mi300a):
    near, far = (replace(one(Step(1, 1), blocks=1e5, footprint=size * MIB), read=0.0) for size in (512.0, 65536.0))
    assert launch_seconds(mi300a, replace(near, pages=10)) == launch_seconds(mi300a, near)
    assert launch_seconds(mi300a, replace(far, pages=10)) > 2 * launch_seconds(mi300a, far)


def test_a_timed_iteration_is_its_floor_its_copies_and_its_launches(mi300a):
    launch = one(Step(1, 1))
    alone = launch_seconds(mi300a, launch)
    assert seconds(mi300a, ()) == waves.FLOOR_S
    assert seconds(mi300a, (launch, launch)) == pytest.approx(waves.FLOOR_S + 2 * alone + waves.AGAIN_S)
    assert seconds(mi300a, (Copy(8 * MIB),)) == pytest.approx(waves.FLOOR_S + waves.COPY_S + 8 * MIB / waves.COPY_RATE)


def test_every_kernel_file_has_a_problem_here():
    files = {path.stem for path in Path(hip.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(PROBLEMS)


@pytest.mark.parametrize(("kernel", "problem"), PROBLEMS.items())
def test_a_kernel_answers_its_problem_and_refuses_another_form(mi300a, kernel, problem):
    program = hip.program_of(kernel)
    assert waves.FLOOR_S < seconds(mi300a, program(problem)) < 1e-3
    for wrong in ("", "-5", "5.5", "0x0", problem + "x"):
        with pytest.raises(ValueError, match=r"."):
            program(wrong)


def test_streams_end_at_the_rate_of_what_lies_behind_l2(mi300a):
    size = 12.0 * (1 << 24)  # in the memory-side cache
    taken = seconds(mi300a, hip.program_of("vectoradd")(str(1 << 24))) - waves.FLOOR_S
    assert size / taken == pytest.approx(mi300a.total("mixed_bandwidth"), rel=0.1)
    assert size / taken < mi300a.total("mixed_bandwidth")


def test_a_kernel_without_a_program_and_masked_units_are_not_modelled():
    row = Question("r", "amd_kernels", "kernel time: sort", "ms", "MI300A", "-", "problem=4", "size", "4", "predicted")
    masked = replace(row, id="s", quantity="kernel time: relu", conditions="problem=1024; half the CUs masked (120)")
    found = asking.answer("dies", [row, masked])
    assert all(isinstance(answer, NotModelled) for answer in found.values())
    assert "no program of kernel 'sort'" in found["r"].why
