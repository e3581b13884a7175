"""Do dispatch and combine carry each token once there and once back, from where it lives to where its expert is?"""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipweave.component import token_moves
from chipweave.component.token_moves import TokenMoves, copies, demand, flows
from chipweave.policy.view import Plan


def flows_plainly(chosen, given_to, workers):
    """The rule in words: each die takes its own tokens first, then the others' in order of die numbers."""
    dies = len(given_to)
    found = np.zeros((dies, dies), np.int64)
    for expert in range(chosen.shape[1]):
        have = {int(die): int(chosen[i, expert]) for i, die in enumerate(workers)}
        want = {die: int(given_to[die, expert]) for die in range(dies)}
        for die in have:
            own = min(have[die], want[die])
            found[die, die] += own
            have[die] -= own
            want[die] -= own
        for source in have:
            for target in want:
                sent = min(have[source], want[target])
                found[source, target] += sent
                have[source] -= sent
                want[target] -= sent
    return found


@st.composite
def layers(draw):
    """(chosen [W, E], given [D, E], workers): every token of an expert is computed on some worker."""
    dies = draw(st.integers(1, 6))
    workers = np.array(sorted(draw(st.sets(st.integers(0, dies - 1), min_size=1))))
    experts = draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    chosen = rng.integers(0, 9, (len(workers), experts)) * rng.integers(0, 2, (len(workers), experts))
    given_to = np.zeros((dies, experts), np.int64)
    for expert, total in enumerate(chosen.sum(axis=0)):
        given_to[workers, expert] = rng.multinomial(total, np.ones(len(workers)) / len(workers))
    return chosen, given_to, workers


@given(layers())
def test_flows_are_those_of_the_rule_in_words_and_keep_every_token(layer):
    chosen, given_to, workers = layer
    found = flows(chosen, given_to, workers)
    assert found.tolist() == flows_plainly(chosen, given_to, workers).tolist()
    assert found.sum(axis=1)[workers].tolist() == chosen.sum(axis=1).tolist() and found.sum() == chosen.sum()
    assert found.sum(axis=0).tolist() == given_to.sum(axis=1).tolist()


@given(st.integers(1, 7), st.integers(1, 9), st.integers(1, 12))
def test_copies_of_requests_live_where_a_batch_written_out_would_put_them(workers, requests, replication):
    found = copies(workers, requests, replication)
    for first in range(min(workers, requests)):
        homes = [(first + i * requests) % workers for i in range(replication)]
        assert found[first].tolist() == np.bincount(homes, minlength=workers).tolist()


def job(ids, owners, experts, requests, replication=1):
    view = SimpleNamespace(ids=np.array(ids, np.uint8), experts=experts)
    return SimpleNamespace(view=view, owners=np.array(owners), requests=requests, replication=replication)


def test_messages_of_a_layer_by_hand():
    """Requests 0, 1, 2 live on dies 0, 2, 0 (die 1 computes nothing). Expert 0 is on die 2, expert 1 on die 0."""
    moves = TokenMoves((0, 2), 3, dispatch_bytes=10, combine_bytes=20)
    plan = Plan(np.array([0, 1]), np.array([2, 0]), np.array([3, 2]))
    there, back = moves.messages(job([[0, 1], [0, 1], [0, 255]], [0, 1, 2], 2, 3), plan)
    assert there.tolist() == [[0, 2, 20], [2, 0, 10]]  # two of die 0's tokens want expert 0, one of die 2's expert 1
    assert back.tolist() == [[0, 2, 20], [2, 0, 40]]
    assert (moves.dispatched, moves.combined) == (30, 60)


def test_a_batch_of_like_requests_moves_what_it_would_written_out():
    ids, rng = np.random.default_rng(3).integers(0, 4, (3, 2)), np.random.default_rng(4)
    counts = np.bincount(ids.ravel(), minlength=4) * 5
    plan = Plan(
        *(np.array(x) for x in zip(*((e, int(rng.integers(0, 4)), n) for e, n in enumerate(counts)), strict=True))
    )
    short, long = (TokenMoves((0, 1, 2, 3), 4, 1, 2) for _ in range(2))
    written_out = job(np.tile(ids, (5, 1)), range(15), 4, 15)
    for a, b in zip(short.messages(job(ids, range(3), 4, 3, 5), plan), long.messages(written_out, plan), strict=True):
        assert a.tolist() == b.tolist()


def distinct_plainly(rows, plan, workers, experts, dies):
    """The rule in words: tokens in the order of requests, each expert's own die first, then the others by number."""
    given_to, goes = demand(plan, experts, dies), set()
    for expert in range(experts):
        waiting = {
            die: [t for t, (q, ids) in enumerate(rows) if expert in ids and workers[q % len(workers)] == die]
            for die in workers
        }
        for die, tokens in waiting.items():
            own = min(len(tokens), given_to[die, expert])
            goes |= {(t, die) for t in tokens[:own]}
            given_to[die, expert] -= own
            del tokens[:own]
        left = [t for die in workers for t in waiting[die]]
        for die in range(dies):
            goes |= {(t, die) for t in left[: given_to[die, expert]]}
            del left[: given_to[die, expert]]
    found = np.zeros((dies, dies), int)
    for token, die in goes:
        found[workers[rows[token][0] % len(workers)], die] += 1
    np.fill_diagonal(found, 0)
    return found


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
def test_a_token_goes_once_to_each_die_that_works_for_it(seed, dies, k, replication):
    rng, experts, requests = np.random.default_rng(seed), 4, 5
    workers = np.sort(rng.choice(dies, rng.integers(1, dies + 1), replace=False))
    owners = np.sort(rng.integers(0, requests, 7))
    ids = np.array([rng.permutation(experts)[:k] for _ in owners])
    rows = [(q + i * requests, ids[r].tolist()) for i in range(replication) for r, q in enumerate(owners.tolist())]
    counts = np.bincount(ids.ravel(), minlength=experts) * replication
    entries = [
        (e, int(d), int(n))
        for e in range(experts)
        for d, n in zip(workers, rng.multinomial(counts[e], np.ones(len(workers)) / len(workers)), strict=True)
        if n
    ]
    plan = Plan(*(np.array(x) for x in zip(*entries, strict=True)))
    at = job(ids, owners, experts, requests, replication)
    once, each = (TokenMoves(workers, dies, 1, 2, once=o) for o in (True, False))
    there, back = once.messages(at, plan)
    found = np.zeros((dies, dies), int)
    found[there[:, 0], there[:, 1]] = there[:, 2]
    assert found.tolist() == distinct_plainly(rows, plan, workers.tolist(), experts, dies).tolist()
    assert once.combined == 2 * once.dispatched and back[:, 2].sum() == once.combined
    each.messages(at, plan)
    assert once.dispatched <= each.dispatched and (k > 1 or once.dispatched == each.dispatched)


def test_demand_adds_up_what_a_plan_gives_in_several_entries():
    plan = Plan(np.array([1, 1, 0]), np.array([2, 2, 0]), np.array([4, 5, 6]))
    assert demand(plan, 2, 3).tolist() == [[6, 0], [0, 0], [0, 9]]


def test_a_topology_without_a_carrier_is_refused_where_tokens_are_to_move(monkeypatch):
    from chipweave.component.staged import Staged
    from chipweave.declare import registry
    from chipweave.errors import BadInput
    from chipweave.run import check
    from chipweave.run.spec import RunSpec

    router = registry.components.find("d2d.router")
    monkeypatch.setattr(router, "carry", Staged.carry)
    spec = RunSpec(topology="micro_2x2", model="deepseek-v2-lite", sets=("cp.tokens=moved",), link_model="fair")
    _, found = check.check(spec, ["ep"], ["fair"], trace=False)
    with pytest.raises(BadInput, match="no part of the topology carries them"):
        found.raise_if_any()
    assert token_moves.CHAIN == "tokens"
