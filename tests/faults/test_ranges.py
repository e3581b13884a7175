"""Is a number that the engines cannot hold refused where it is declared, by kernel and twin alike?"""

import pytest

from chipweave.errors import BadInput
from chipweave.run import simulate
from chipweave.run.spec import RunSpec

SPEC = RunSpec(topology="micro_2x2", model="deepseek-v2-lite", trace="esft-law", batch=4, steps=2, preset="paper")


@pytest.mark.parametrize("engine", ["kernel", "plain"])
@pytest.mark.parametrize(
    "setting, words",
    [
        ("cp.plan_time=2000000 s", "beyond which times are not exact"),
        ("die.cp.dispatch_time=2000000 s", "beyond which times are not exact"),
        ("die.d2d.atu.entries=4294967296", "count from 0 to 2147483647"),
        ("die.hbm.latency=2000000 s", "beyond"),
        ("die.llc.capacity=2000 PB", "to 1 TB"),
        ("die.hbm.bandwidth=1 B/s", "beyond"),
    ],
)
def test_a_part_of_a_size_that_nobody_has_is_refused(engine, setting, words):
    with pytest.raises(BadInput, match=words):
        simulate.simulate(SPEC.with_options(sets=(setting,), engine=engine))


@pytest.mark.parametrize(
    "policy, parameter, value",
    [
        ("allocation", "block", 5 * 10**9),
        ("allocation", "dies", 9 * 10**9),
        ("allocation", "distance", 2**40),
        ("replacement", "slices", 2**31),
    ],
)
def test_a_policy_of_a_size_that_nobody_has_is_refused(policy, parameter, value):
    kinds = {"placement": "contiguous", "allocation": "placement_aware", "prediction": "none", "replacement": "lru"}
    roles = {role: (("kind", kind),) for role, kind in kinds.items()}
    roles[policy] += ((parameter, value),)
    with pytest.raises(BadInput, match=f"{parameter} = {value} is out of range"):
        simulate.simulate(SPEC.with_options(strategy=tuple(roles.items())))
