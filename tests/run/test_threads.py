"""Is a result the same for any number of threads, and does what runs side by side share nothing?"""

import threading

import pytest

from chipweave.chain import Asked, Constant, Layout, ask
from chipweave.io.side_by_side import SideBySide, side_by_side
from chipweave.run import beside
from chipweave.run import flit_sample as sample
from chipweave.run import simulate as serving
from chipweave.run.probe import Probe
from chipweave.run.spec import RunSpec
from chipweave.traffic import network_of
from chipweave.traffic import synthetic as traffic

SMALL = dict(topology="micro_2x2", preset="physical", model="qwen3-30b-a3b", batch=2, steps=3)
COARSE = ("d2d.router.flit=64 KiB", "d2d.grain=1")  # cheap flits
OF_THE_MACHINE = ("cpu_s", "wall_s", "peak_rss_bytes", "flit_hops_per_cpu_s")


def figures(row):
    return {name: value for name, value in row.items() if name not in OF_THE_MACHINE}


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_calls_answer_in_their_order(threads):
    assert side_by_side([lambda n=n: n * n for n in range(40)], threads) == [n * n for n in range(40)]


def test_two_threads_are_at_work_at_once():
    meet = threading.Barrier(2, timeout=20)
    assert sorted(side_by_side([meet.wait, meet.wait], 2)) == [0, 1]


@pytest.mark.parametrize("threads", [1, 3])
def test_a_call_that_fails_is_heard_of(threads):
    with pytest.raises(ZeroDivisionError):
        side_by_side([lambda n=n: 1 // (n - 3) for n in range(40)], threads)


def test_no_more_calls_wait_than_twice_the_threads():
    pool, gate = SideBySide(2), threading.Event()
    for _ in range(2):
        pool.submit(lambda: gate.wait(20))
    filled = threading.Thread(target=lambda: [pool.submit(lambda: True) for _ in range(5)])
    filled.start()
    filled.join(0.5)
    assert filled.is_alive() and len(pool.waiting) == 4
    gate.set()
    filled.join()
    assert pool.results() == [True] * 7


@pytest.mark.parametrize("threads", [2, 3])
def test_a_curve_is_the_same_for_any_number_of_threads(threads):
    made = network_of.load_flit("mesh_4x4")
    options = dict(pattern="uniform", loads=[0.05, 0.1, 0.2, 0.3], warmup=50, cycles=200, seed=3)
    one, many = (traffic.curve(made.network, made.router, threads=n, **options) for n in (1, threads))
    assert list(map(figures, one)) == list(map(figures, many)) and len({row["packets"] for row in one}) == 4
    both = [traffic.curve_with_links(made.network, made.router, threads=n, **options) for n in (1, threads)]
    assert both[0][1] == both[1][1]


def test_a_load_of_a_curve_reads_nothing_of_the_others():
    made = network_of.load_flit("mesh_4x4")
    options = dict(pattern="uniform", warmup=50, cycles=200, seed=3)
    curves = [traffic.curve(made.network, made.router, loads=loads, **options) for loads in ([0.3, 0.1], [0.1])]
    assert figures(curves[0][1]) == figures(curves[1][0])


@pytest.mark.slow
@pytest.mark.parametrize("model", ["fair", "circuit"])
def test_a_sample_is_the_same_for_any_number_of_threads(model):
    spec = RunSpec(**SMALL, link_model=model, strategy="pred")
    if model == "fair":
        rows = [figures(beside.simulate(spec, threads=n).row) for n in (1, 3)]
        assert rows[0] == rows[1] and rows[0]["flit"]["layer_steps"] == 15
        return
    outcome = serving.simulate(spec)
    assert sample.measure(spec, outcome, 15, threads=1) == sample.measure(spec, outcome, 15, threads=3)


@pytest.mark.slow
def test_a_sampled_layer_step_reads_nothing_of_the_other_sampled_ones():
    """Of two samples, the layer-steps that are in both take as long in both, under every link model."""
    spec = RunSpec(**SMALL, link_model="circuit", sets=COARSE)
    outcome = serving.simulate(spec)
    few, many = (
        {(row["step"], row["layer"]): row for row in sample.measure(spec, outcome, wanted)[1]} for wanted in (15, 60)
    )
    common = few.keys() & many.keys()
    assert len(common) >= 5 and all(few[at] == many[at] for at in common)


@pytest.mark.slow
def test_a_sampled_layer_step_reads_the_tables_of_the_run(monkeypatch):
    """With tables left empty, layer-steps of a strategy that keeps copies take another time."""
    spec = RunSpec(**SMALL, link_model="circuit", strategy="pred", sets=COARSE)
    outcome = serving.simulate(spec)
    told = sample.measure(spec, outcome, 15)[1]
    monkeypatch.setattr("chipweave.fabric.engine.Engine.copy_tables", lambda self, other: None)
    untold = sample.measure(spec, outcome, 15)[1]
    assert [row["circuit_ns"] for row in told] != [row["circuit_ns"] for row in untold]


@pytest.mark.parametrize("what", ["nothing", "branch", "duration"])
def test_layer_steps_run_one_by_one_where_a_part_answers_in_python(what):
    layout = Layout()
    port = layout.resources("port", 1)
    chain = layout.chain("c", ["at"])
    if what == "branch":
        chain.choose("which", ask(lambda question: 0), no="held", yes="held")
    chain.hold("held", port.at("at"), Asked(lambda question: 5) if what == "duration" else Constant(5))
    assert Probe(layout, {}, "").asks_python == (what != "nothing")
