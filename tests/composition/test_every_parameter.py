"""Does a figure set on one instance act on that instance alone? Every kind of a die, every parameter, every link.

The walk is that of `python -m benchmarks parameters`, which needs no list: a new kind or parameter falls under it.
Closed forms hold the times of one slice's way, figure by figure and place by place."""

import itertools
import sys
from fractions import Fraction
from math import ceil
from pathlib import Path

import pytest

from chipweave import topology
from chipweave.component.staged import Staged
from chipweave.run import check
from chipweave.run.spec import RunSpec

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks import parameters  # noqa: E402  (beside the package, not installed)

TOKENS, HIDDEN, INTERMEDIATE, SLICE, SLICES = 2, 1024, 512, 1 << 20, 3
AT, HOME, OTHER = "die[1][1]", "die[0][1]", "die[0][0]"  # expert 2 lives on die 2; `base` gives it to die (0 + 7) mod 4
WIRE = 1_600_000  # ps


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHIPWEAVE_CACHE", str(folder / "cache"))
        yield parameters.Bench(folder)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "place", "name"), parameters.walked())
def test_a_value_on_one_die_acts_on_that_die_alone(bench, kind, place, name):
    word, where = parameters.verdict(bench, kind, place, name)
    assert word in ("acts alone", "refused", "outside"), where


@pytest.mark.slow
@pytest.mark.parametrize(("model", "figure", "value"), parameters.LINKS)
def test_a_figure_of_one_link_acts_on_that_link_alone(bench, model, figure, value):
    assert parameters.link_verdict(bench, model, figure, value) == "acts alone"


def test_what_the_walk_covers():
    """All parts of a die that publish stages, and the kinds that can stand in for them."""
    system = topology.load("micro_2x2")
    staged = {name.removeprefix("die[0][0].") for name, part in system.parts.items() if isinstance(part, Staged)}
    assert {place for _, place in parameters.kinds()} >= {s for s in staged if not s.startswith("die")}
    found = {kind for kind, _ in parameters.kinds()}
    assert found >= {"sm.tile", "sm.utilisation_table_plain", "memory.llc_plain", "memory.hbm_plain", "d2d.atu_plain"}
    assert len(parameters.walked()) >= 55


# ---- closed forms


def shipped():
    """Figures of the wafer, {(where, name): value} in ps, bytes, bytes/s and flop/s."""
    of_die = {
        "sm.peak": 989 * 10**12,
        "llc.miss_latency": 110_000,
        "llc.write_latency": 30_000,
        "hbm.latency": 300_000,
        "hbm.bandwidth": 3350 * 10**9,
        "d2d.request_size": 16,
        "d2d.efficiency": Fraction(9, 10),
        "cp.dispatch_time": 0,
        "sm.round_to": 1,
        "hbm.round_to": 1,
        "d2d.round_to": 1,
    }
    links = {"latency": 200_000, "bandwidth": 1700 * 10**9}
    return {(die, n): v for die in (AT, HOME, OTHER) for n, v in of_die.items()} | {
        (way, n): v for way in ("there", "aside") for n, v in links.items()
    }


def lasts(amount, rate, before=0, grain=1):
    """ps of an amount at a rate after a latency, rounded up to whole grains."""
    return ceil((before + Fraction(amount) * 10**12 / rate) / grain) * grain


def gemm(f, die):
    return lasts(2 * TOKENS * HIDDEN * INTERMEDIATE, Fraction(7, 10) * f[die, "sm.peak"], 0, f[die, "sm.round_to"])


def read(f, die, size):
    rate = Fraction(9, 10) * f[die, "hbm.bandwidth"]
    return lasts(size, rate, f[die, "hbm.latency"], f[die, "hbm.round_to"])


def local_ps(f):
    """A layer whose one expert is computed at home: lookup, reads one after the other, then the last slice's GEMM, or
    its store in the LLC where that is longer."""
    of_slice = SLICE + 2 * TOKENS * (HIDDEN + INTERMEDIATE)
    work = f[HOME, "llc.miss_latency"] + SLICES * read(f, HOME, of_slice)
    work += max(gemm(f, HOME), f[HOME, "llc.write_latency"])
    return 2 * WIRE + max(f[HOME, "cp.dispatch_time"] + work, *(f[die, "cp.dispatch_time"] for die in (AT, OTHER)))


def remote_ps(f):
    """The same where another die computes it: lookup, request, then reads at home and ways back one behind the other,
    the longer of which decides, and the last slice's GEMM."""

    def message(size, die):
        rate = f[die, "d2d.efficiency"] * f["there", "bandwidth"]
        return lasts(size, rate, f["there", "latency"], f[die, "d2d.round_to"])

    reads, data = read(f, HOME, SLICE), message(SLICE, HOME)
    work = f[AT, "llc.miss_latency"] + message(f[AT, "d2d.request_size"], AT)
    work += reads + (SLICES - 1) * max(reads, data) + data + gemm(f, AT)
    return 2 * WIRE + max(f[AT, "cp.dispatch_time"] + work, *(f[die, "cp.dispatch_time"] for die in (HOME, OTHER)))


CHANGES = {
    "sm.peak": ("700 TFLOPS", 700 * 10**12),
    "llc.miss_latency": ("150 ns", 150_000),
    "llc.write_latency": ("70 ns", 70_000),
    "hbm.latency": ("450 ns", 450_000),
    "hbm.bandwidth": ("2.5 TB/s", 2500 * 10**9),
    "d2d.request_size": ("100 kB", 100_000),
    "d2d.efficiency": ("0.8", Fraction(8, 10)),
    "cp.dispatch_time": ("700 ns", 700_000),
    "sm.round_to": ("100 ns", 100_000),
    "hbm.round_to": ("100 ns", 100_000),
    "d2d.round_to": ("100 ns", 100_000),
}
LINKS = {"latency": ("321 ns", 321_000), "bandwidth": ("1.1 TB/s", 1100 * 10**9)}
ENDS = {"there": (AT, HOME), "aside": (OTHER, "die[1][0]")}
# Homes do not follow the compute, so that they stay where they are.
EP = (
    ("placement", (("kind", "contiguous"), ("figures", "one"))),
    ("allocation", "home"),
    ("prediction", "none"),
    ("replacement", "unbounded"),
)
CASES = [("", "")] + [
    *itertools.product((AT, HOME, OTHER), CHANGES),
    *itertools.product(ENDS, LINKS),
]


@pytest.mark.slow
@pytest.mark.parametrize(("where", "name"), CASES)
def test_the_time_of_a_layer_is_its_closed_form_whatever_differs_and_where(desk, where, name):
    figures, text = shipped(), "extends: micro_2x2\n"
    if where in ENDS:
        given, figures[where, name] = LINKS[name]
        a, b = (f"{die}.d2d" for die in ENDS[where])
        text += f"networks: {{d2d: {{override: [{{between: ['{a}', '{b}'], {name}: {given}}}]}}}}\n"
    elif where:
        given, figures[where, name] = CHANGES[name]
        part, parameter = name.split(".")
        text += (
            f"parts: {{die: {{override: {{'{where.removeprefix('die')}': {{{part}: {{{parameter}: {given}}}}}}}}}}}\n"
        )
    system, trace = desk.topology(text), desk.trace([[[2, 2]], [[2, 2]]])
    dealt_anew = name == "sm.peak" and where != AT  # `base` then gives the expert to another die
    for strategy, closed_form in ((EP, local_ps), *((("base", remote_ps),) if not dealt_anew else ())):
        for engine in ("kernel", "plain"):
            found = desk.run(system, trace, strategy, preset="physical", link_model="circuit", engine=engine)
            times = found.table[:, found.columns.index("time_ps")].tolist()
            assert times == [closed_form(figures)] * 4, (strategy, engine)


@pytest.mark.parametrize("model, said", [("circuit", 0), ("fair", 1), ("flit", 1)])
def test_what_only_held_links_read_is_said_where_links_are_shared(model, said):
    spec = RunSpec(topology="micro_2x2", sets=("die.d2d.round_to=5 ns",), link_model=model)
    _, found = check.check(spec, ["base"], [model], model=check.small_model(), trace=False)
    words = [w for w in found.warnings if "round_to is not read" in w.what]
    assert not found.faults and len(words) == said
    assert all(w.what == f"d2d.router: round_to is not read under {model}" for w in words)
