"""Does a parameter set on one die act on that die alone? Every staged kind, every parameter, in kernel and twin.

Walked without a list: parts and parameters come from the declarations, so a new component of the micro wafer's die
falls under it. All work of the trace is on die [0][1] of a 2 x 2 wafer (experts 2 and 6 live on it, and `ep` moves
nothing)."""

from fractions import Fraction

import pytest

from chipweave import topology
from chipweave.component.staged import Staged
from chipweave.errors import BadInput

TRACE = [[[2, 6], [2, 6]], [[2, 6]]]
WORDS = ("str", "bool", "choice", "table")  # types that are no numbers
WORKS, IDLE = "die[0][1]", "die[0][0]"


def walked():
    """(path of a part within the die, parameter) of every number of every part of a die."""
    system = topology.load("micro_2x2")
    for name, part in system.parts.items():
        if name.startswith("die[0][0]."):
            for parameter, param in part.params.items():
                if param.type not in WORDS and not param.many:
                    yield name.removeprefix("die[0][0]."), parameter


def values_for(part, param):
    """Values to try, as they are written: twice, half, and far off; the first that changes the result is used."""
    now = getattr(part, param.name)
    base = Fraction(now) if now else Fraction(1)
    for factor in (Fraction(2), Fraction(1, 2), Fraction(1, 1000), Fraction(1000)):
        value = base * factor
        if param.type in ("time", "bytes", "count", "int"):
            value = int(value)
        unit = {"time": " ps", "bytes": " B", "bandwidth": " B/s", "compute": " flop/s"}.get(param.type, "")
        yield f"{float(value) if isinstance(value, Fraction) and unit == '' else int(value)}{unit}"


# Strategy, the dies that have to do with its transfers, one that has not. `base` gives experts 2 and 6, at home on
# [0][1], to dies 3 and 0: what only remote reads use shows there.
WORLDS = (("ep", [WORKS], IDLE), ("base", ["die[0][1]", "die[1][1]", "die[0][0]"], "die[1][0]"))


@pytest.mark.slow
@pytest.mark.parametrize(("inner", "parameter"), sorted(set(walked())))
def test_a_value_on_one_die_acts_on_that_die_alone(desk, inner, parameter):
    trace = desk.trace(TRACE)
    part = topology.load("micro_2x2", preset="paper").parts[f"die[0][0].{inner}"]

    def times(strategy, *sets, engine="kernel"):
        row = desk.run("micro_2x2", trace, strategy, sets=sets, engine=engine).row
        return row["prefill_time_ns"], row["decode_time_ns"], row["remote_read_bytes"]

    for strategy, involved, idle in WORLDS:
        plain = times(strategy)
        for value in values_for(part, part.params[parameter]):
            try:
                everywhere = times(strategy, f"die.{inner}.{parameter}={value}")
            except BadInput:
                continue  # out of its range
            if everywhere != plain:
                those = [f"{die}.{inner}.{parameter}={value}" for die in involved]
                assert times(strategy, *those) == everywhere == times(strategy, *those, engine="plain")
                assert times(strategy, f"{idle}.{inner}.{parameter}={value}") == plain
                return


def test_what_the_walk_covers():
    """The parts of a die that publish stages, all of them, so that the walk above does not shrink unseen."""
    system = topology.load("micro_2x2")
    staged = {name.removeprefix("die[0][0].") for name, part in system.parts.items() if isinstance(part, Staged)}
    assert {inner for inner, _ in walked()} | {"d2d.pdu"} >= {s for s in staged if not s.startswith("die")}
    assert len(set(walked())) >= 17


@pytest.mark.parametrize(("peak", "decode"), [("1 TFLOPS", 25893), ("989 TFLOPS", 14466)])
def test_a_die_that_computes_a_thousandth_takes_as_long_as_if_all_did(desk, peak, decode):
    """Closed form of the slow one, a slice: LLC lookup, read of 1 MiB, 2 x 1024 x 512 flop at 0.7 of 1 TFLOPS."""
    trace = desk.trace(TRACE)
    assert desk.run("micro_2x2", trace, sets=(f"{WORKS}.sm.peak={peak}",)).row["decode_time_ns"] == decode
    assert desk.run("micro_2x2", trace, sets=(f"{IDLE}.sm.peak={peak}",)).row["decode_time_ns"] == 14466
