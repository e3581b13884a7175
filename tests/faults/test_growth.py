"""Does the work of loading a grid grow with its dies, not with dies times overrides?"""

import contextlib
import cProfile
import pstats
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipweave import topology
from chipweave.errors import BadInput
from chipweave.noc.route_rule import Routing, Unroutable
from chipweave.topology.patterns import Patterns, matches


@pytest.mark.slow
@given(
    st.lists(st.tuples(*[st.sampled_from([range(3), range(1, 3), *(range(i, i + 1) for i in range(3))])] * 2)),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_patterns_that_hold_a_place_are_those_that_match_it_in_order(patterns, index):
    assert Patterns(patterns).of(index) == [number for number, p in enumerate(patterns) if matches(index, p)]


def calls_to_load(folder, edge, entries):
    """Calls of functions that loading a grid of edge x edge dies takes, with an entry of `parts.die` for each die."""
    places = [f"[{i}][{j}]" for i, j in product(range(edge), repeat=2)]
    path = folder / "wafer.yaml"
    path.write_text(
        "schema: chipweave.topology/1\nextends: wafer_5x5\nname: mine\nexpect: null\n"
        "networks: {d2d: {routing: shortest}}\n"
        f"parts:\n  die:\n    grid: [{edge}, {edge}]\n" + entries(places)
    )
    profile = cProfile.Profile()
    profile.runcall(topology.load, str(path))
    return pstats.Stats(profile).total_calls


def overridden(places):
    """An override of its own for each die."""
    return "    override:\n" + "".join(
        f'      "{place}": {{hbm: {{latency: {300 + i} ns}}}}\n' for i, place in enumerate(places)
    )


def absent(places):
    """Every second die of the lower half is absent, so that no die is cut off."""
    return "    absent: [" + ", ".join(f'"{place}"' for place in places[len(places) // 2 : -1 : 2]) + "]\n"


@pytest.mark.slow
@pytest.mark.parametrize("entries", [lambda places: "", overridden, absent])
def test_four_times_the_dies_are_four_times_the_work(tmp_path, entries):
    topology.load("wafer_5x5")  # imports
    small, large = (calls_to_load(tmp_path, edge, entries) for edge in (10, 20))
    assert large < 5 * small


HOLED = """schema: chipweave.topology/1
extends: wafer_5x5
name: holed
expect: null
parts: {die: {grid: [4, 4], absent: [HOLES]}}
networks: {d2d: {routing: ROUTING}}
"""


@pytest.mark.slow
@pytest.mark.parametrize("routing", ["xy", "yx"])
@given(holes=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=4))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_first_pair_without_a_route_is_the_one_that_walking_finds(tmp_path, routing, holes):
    """All pairs are tried at once by doubled steps; a walk of each pair says which is first, and what is missing."""
    tried = []

    def both(rule):
        count, found = rule.network.endpoint_count, None
        for source, target in product(range(count), repeat=2):
            try:
                rule.path(source, target)
            except Unroutable as error:
                found = found or (source, target, error.at)
        tried.append(found)
        assert fast(rule) == found
        return found

    fast = Routing.first_unroutable
    text = HOLED.replace("HOLES", ", ".join(f'"[{y}][{x}]"' for y, x in holes)).replace("ROUTING", routing)
    (tmp_path / "holed.yaml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Routing, "first_unroutable", both)
        with contextlib.suppress(BadInput):
            topology.load(str(tmp_path / "holed.yaml"))
    assert tried
