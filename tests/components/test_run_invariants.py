"""What must hold of every run, whatever the routing: tokens, hops, link bytes and copies add up."""

from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave import topology
from chipweave.policy.strategy import load
from chipweave.policy.tally import tally
from chipweave.policy.view import LayerView
from chipweave.run import simulate as serving
from chipweave.run.record import COLUMNS
from chipweave.run.spec import RunSpec
from chipweave.run.workload import LayerJob
from chipweave.trace import models

MODEL = "deepseek-v2-lite"  # 64 experts, 6 of them a token


class Drawn:
    """A workload of one layer: ids drawn for each step, [requests, k] distinct experts a row."""

    prefill_steps = 0

    def __init__(self, ids, costs, distance):
        self.ids, self.costs, self.distance = ids, costs, distance
        self.steps = len(ids)

    def jobs(self, home, holders):
        for step, ids in enumerate(self.ids):
            counts, first = tally(ids, 64, 1)
            previous = self.ids[step - 1] if step > 1 else None
            yield LayerJob(
                step,
                0,
                0,
                LayerView(0, step, False, counts, first, home[0], holders[0], self.distance, self.costs, ids, previous),
            )


class Watched:
    """A run whose plans are kept."""

    def __init__(self, grid, strategy, ids):
        self.system = topology.load("wafer", sets=[f"parts.die.grid={list(grid)}"], preset="artifact")
        policies, self.plans = load(strategy), []
        allocate = policies.allocation.allocate

        def watched(view):
            self.plans.append(allocate(view))
            return self.plans[-1]

        policies.allocation.allocate = watched
        self.run = serving.drive(
            RunSpec(), models_of(), self.system, policies, (0,), lambda costs, distance: Drawn(ids, costs, distance)
        )
        self.table = self.run.records.table()
        self.network = self.system.networks["d2d"]

    def sum(self, name):
        return int(self.table[:, COLUMNS.index(name)].sum())

    def remote(self):
        """[(home, die)] of every remote plan entry."""
        return [
            (int(self.run.home[0, e]), int(d))
            for plan in self.plans
            for e, d in zip(plan.expert, plan.die, strict=False)
            if self.run.home[0, e] != d
        ]

    def link_bytes(self):
        return np.asarray(self.run.fabric.link_statistics(self.run.layout.find("d2d")).bytes)


@cache
def models_of():
    return models.load(MODEL)


GRIDS = st.sampled_from([(1, 1), (2, 1), (3, 2), (2, 4)])
SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, requests, steps):
    """Skewed choices, so that some experts are hot."""
    rng = np.random.default_rng(seed)
    weight = rng.gamma(0.3, size=64) + 1e-6
    keys = rng.random((steps, requests, 64)) ** (1 / weight)
    return [np.argsort(-step, axis=1)[:, :6].astype(np.uint8) for step in keys]


@settings(max_examples=12)
@given(
    GRIDS, st.sampled_from(["base", "ep", "allo", "pred", "allo+pred"]), SEEDS, st.integers(1, 60), st.integers(1, 3)
)
def test_every_token_is_planned_once_and_hops_links_and_copies_add_up(grid, strategy, seed, requests, steps):
    watched = Watched(grid, strategy, drawn(seed, requests, steps))
    assert [int(plan.tokens.sum()) for plan in watched.plans] == [requests * 6] * steps

    remote = watched.remote()
    distance = watched.network.distance.astype(int)
    reads = watched.sum("remote_slice_reads") + watched.sum("remote_llc_hits")
    if "pred" not in strategy:
        assert watched.sum("copies") == 0
        assert watched.sum("hops") == 3 * sum(distance[die, home] for home, die in remote)
    assert watched.sum("hops") <= 3 * sum(distance[die, home] for home, die in remote)
    assert watched.sum("copies") <= reads <= 3 * len(remote)
    if strategy == "ep":
        assert watched.sum("hops") == reads == len(remote) == 0

    payload = reads * models_of().slice_bytes + reads * 16
    crossed = watched.link_bytes().sum()
    if "pred" not in strategy:  # each message counts on every link of its route
        assert crossed == 3 * sum(
            distance[home, die] * models_of().slice_bytes + distance[die, home] * 16 for home, die in remote
        )
    assert (crossed >= payload) if payload else crossed == 0


@settings(max_examples=6)
@given(st.integers(0, 5), SEEDS)
def test_on_two_dies_the_bytes_that_leave_a_die_are_what_the_other_reads_from_it(steps, seed):
    """One link: data out of a die is its remote payload, requests out of it are 16 B a read by it."""
    watched = Watched((2, 1), "pred", drawn(seed, 20, steps + 1))
    statistics = {(part, name): value for part, name, _, value in watched.run.statistics()}
    out = dict(zip(watched.network.links, watched.link_bytes(), strict=False))
    served = [
        statistics[f"die[{die}][0].hbm", "remote_bytes"]
        + statistics[f"die[{die}][0].llc", "remote_hits"] * models_of().slice_bytes
        for die in (0, 1)
    ]
    asked = [statistics[f"die[{die}][0].d2d", "request_hops"] for die in (0, 1)]
    assert [int(n) for n in out.values()] == [served[die] + 16 * asked[die] for die in (0, 1)]


@settings(max_examples=4)
@given(SEEDS)
def test_a_copy_is_made_only_where_one_is_predicted_and_then_read_at_home(seed):
    pred, base = (Watched((3, 2), name, drawn(seed, 40, 4)) for name in ("pred", "base"))
    assert base.sum("copies") == 0
    stored = sum(v for part, name, _, v in pred.run.statistics() if name == "copy_writes")
    assert pred.sum("copies") == stored
    assert pred.sum("hops") <= base.sum("hops")
