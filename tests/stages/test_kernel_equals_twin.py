"""Does the C engine do, start by start, what the plain one does, on random systems, under every admission and queue?"""

from fractions import Fraction

import case_study as cs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave import fabric
from chipweave.chain import (
    DONE,
    Asked,
    Constant,
    Given,
    Layout,
    Link,
    Rate,
    Steps,
    amount,
    ask,
    equal,
    less,
    operand,
    tell,
)
from chipweave.errors import BadInput

OPERANDS = ("a", "b", "c", "key", "size", "wait", "priority")
DIES, KEYS, RING = 3, 6, 4


def ring(made, model, directed, between=0):
    """A ring; `between` links that nobody crosses stand after each of its own, so that locks fill up to three words of
    bits."""
    ends = [(i, (i + 1) % RING) for i in range(RING)] + [((i + 1) % RING, i) for i in range(RING)]
    links = []
    for i, (a, b) in enumerate(ends):
        links.append(Link(f"{a}->{b}", a, b, 10 * (i % 3), Fraction(10**12, 3 + i % 2)))
        links += [Link(f"{i}.{k}", f"{i}.{k}", f"{i}.{k}'", 0, 1) for k in range(between)]

    def route(source, target):
        forward = (target - source) % RING
        if forward <= RING // 2:
            crossed = [(source + i) % RING for i in range(forward)]
        else:
            crossed = [RING + (source - 1 - i) % RING for i in range(RING - forward)]
        return [i * (between + 1) for i in crossed]

    return made.network("ring", model, RING, links, route, directed=directed)


@st.composite
def systems(draw, model, python=True):
    """(layout, log): a random chain of 2 to 6 holds, each with random takes, questions, durations, marks and side
    chains.

    Every hold tells its start to `log`, so that two engines can be compared start by start.
    """
    made, log = Layout(), []
    arrays = [made.resources(name, DIES) for name in ("port", "unit")]
    net = ring(made, model, draw(st.booleans()), draw(st.sampled_from([0, 0, 12, 25])) if model == "circuit" else 0)
    tags = made.tags("tags", DIES, 2, [2, 1, 3] + [2] * (DIES - 3), journal=True)
    store = made.keyed("store", DIES, KEYS, draw(st.integers(0, 2)), journal=True)
    bits = made.bits("bits", DIES, KEYS, journal=True)
    steps = made.map("steps", [0, 1, 0, 1, 0, 1])
    counter = made.counter("count", DIES)
    chain = made.chain("chain", OPERANDS, priority="priority")
    marks = [
        tags.insert("a", "b", "key"),
        tags.touch("b", "b", "key"),
        store.insert("a", "key"),
        store.refresh("a", "key"),
        store.pin("b", "key"),
        bits.set("a", "key"),
        bits.set("b", "key", 0),
    ]
    queries = [
        tags.has("a", "b", "key"),
        store.has("a", "key"),
        bits.at("a", "key"),
        steps.at("key"),
        equal("a", "b"),
        less("a", "b"),
    ]
    rules = [
        Constant(7),
        Constant(0),
        Given("wait"),
        Steps("key", amount("size", 3), (1, 3), (10**12, Fraction(10**12, 3), 7), quantum_ps=5),
        Rate(amount(("size", 2)), (3, 0, 9), (Fraction(10**12, 7),), at="a", quantum_ps=10),
    ]
    if python:
        queries.append(ask(lambda q: (q.operands["key"] + q.now_ps) % 2))
        rules.append(Asked(lambda q: q.operands["size"] % 11))
    takes = [arrays[0].at("a"), arrays[0].at("b"), arrays[1].at("a"), arrays[1].at("c")]
    if model == "circuit":
        takes.append(net.route("a", "c", "size"))
    note = [tell(lambda q: log.append((q.now_ps, q.stage, q.batch, q.transfer)))]
    count = draw(st.integers(2, 6))
    names = [f"hold{i}" for i in range(count)]
    for i, name in enumerate(names):
        later = names[i + 1 :] + [DONE]
        own = draw(st.lists(st.sampled_from(marks), max_size=2))
        own = [mark.at_end() if draw(st.booleans()) else mark for mark in own]
        side = (
            draw(st.lists(st.sampled_from(names[i + 1 :]), max_size=1))
            if i + 1 < count and draw(st.integers(0, 3)) == 0
            else []
        )
        counts = [counter.add("a"), counter.add("b", "size", 2), counter.add_hops("c", net, "a", "b")]
        if draw(st.integers(0, 3)) == 0:
            chain.send(
                name,
                net,
                "a",
                "c",
                amount("size", 1),
                quantum_ps=draw(st.sampled_from([1, 5])),
                mark=note * python + own,
                count=counts,
                spawn=side,
                then=draw(st.sampled_from(later)),
            )
            continue
        take = draw(st.lists(st.sampled_from(takes), max_size=3))
        if draw(st.booleans()):
            chain.hold(
                name,
                take,
                draw(st.sampled_from(rules)),
                mark=note * python + own,
                count=counts,
                spawn=side,
                then=draw(st.sampled_from(later)),
            )
            continue
        chain.hold(name, take, mark=note * python, spawn=side, then=f"{name}?")
        chain.choose(f"{name}?", draw(st.sampled_from(queries)), yes=f"{name}.yes", no=f"{name}.no")
        for branch in ("yes", "no"):
            chain.outcome(
                f"{name}.{branch}",
                lasts=draw(st.sampled_from(rules)),
                mark=own,
                count=counts,
                then=draw(st.sampled_from(later)),
            )
    return made, log


def batches(draw):
    """Batches of rows with delays; how far to run between them; how many transfers of a row, with which operand
    counting."""
    made = []
    for _ in range(draw(st.integers(1, 3))):
        n = draw(st.integers(0, 12))
        value = st.tuples(
            *[st.integers(0, DIES - 1)] * 3,
            st.integers(0, KEYS - 1),
            st.integers(0, 60),
            st.integers(0, 30),
            st.integers(0, 2),
        )
        rows = np.array(draw(st.lists(value, min_size=n, max_size=n)), np.int64).reshape(n, len(OPERANDS))
        starts = (
            None
            if draw(st.booleans())
            else np.array(draw(st.lists(st.integers(0, 40), min_size=n, max_size=n)), np.int64)
        )
        more = draw(st.sampled_from([(1, None), (1, None), (3, None), (2, "size")]))
        made.append((rows, starts, draw(st.sampled_from([None, 0, 25, 200])), *more))
    return made


def play(made, log, work, kind, **rules):
    """Everything that can be seen of a run."""
    engine = fabric.build(made, engine=kind, link_bin_ps=16, link_bins=8, **rules)
    seen, del_log = [], log.clear
    del_log()
    for rows, starts, pause, *more in work:
        batch = engine.issue("chain", rows, starts, *more)
        seen.append(engine.advance(None if pause is None else engine.now_ps + pause))
        engine.check()
        seen.append(engine.finish_ps(batch).tolist() if engine.idle else None)
    while not engine.idle:
        seen.append(engine.advance())
        engine.check()
    seen += [engine.now_ps, engine.events, engine.journal().tolist(), list(log)]
    seen += [engine.array(made.find(name)).tolist() for name in ("tags", "store", "bits", "count")]
    links = engine.link_statistics(made.find("ring"))
    return seen + [
        links.bytes.tolist(),
        links.busy_ps.tolist(),
        links.stalled_ps.tolist(),
        links.bin_ps,
        links.bins.tolist(),
    ]


def same(made, log, work, **rules):
    kernel, plain = (play(made, log, work, kind, **rules) for kind in ("kernel", "plain"))
    for index, (ours, twin) in enumerate(zip(kernel, plain, strict=False)):
        assert ours == twin, f"part {index} of what was seen"
    assert len(kernel) == len(plain)


@pytest.mark.slow
@pytest.mark.parametrize("wait_queue", ["sorted", "artifact_heap"])
@pytest.mark.parametrize("barging", [True, False])
@pytest.mark.parametrize("wake", ["head", "all"])
@pytest.mark.parametrize("booking", [True, False])
def test_every_start_table_and_link_bin_is_equal_under_circuit(booking, wake, barging, wait_queue):
    @settings(max_examples=15, deadline=None)
    @given(st.data())
    def run(data):
        made, log = data.draw(systems("circuit"))
        same(made, log, batches(data.draw), booking=booking, wake=wake, barging=barging, wait_queue=wait_queue)

    run()


@pytest.mark.slow
@pytest.mark.parametrize("admission", ["work_conserving", "head_only"])
def test_every_start_table_and_link_bin_is_equal_under_fair(admission):
    @settings(max_examples=30, deadline=None)
    @given(st.data())
    def run(data):
        made, log = data.draw(systems("fair"))
        same(made, log, batches(data.draw), admission=admission)

    run()


@pytest.mark.slow
@pytest.mark.parametrize(
    "rules", [{"admission": "early_booking", "wait_queue": "artifact_heap"}, {"admission": "work_conserving"}]
)
def test_times_beyond_two_seconds_widen_the_ranks_and_change_nothing(rules):
    """Ranks are 64 bits while times fit 2^41 ps; beyond, they are 128, from the middle of a run on."""

    @settings(max_examples=15, deadline=None)
    @given(st.data(), st.integers(2**41 - 100, 2**41 + 100))
    def run(data, far):
        made, log = data.draw(systems("circuit"))
        work = [
            (rows * np.array([1, 1, 1, 1, 1, data.draw(st.sampled_from([1, far // 30])), 1]), *more)
            for rows, *more in batches(data.draw)
        ]
        if data.draw(st.booleans()):
            work[-1] = (work[-1][0], np.full(len(work[-1][0]), far), None, *work[-1][3:])
        kernel, plain = (play(made, log, work, kind, **rules)[:8] for kind in ("kernel", "plain"))
        assert kernel == plain

    run()


def test_an_operand_picks_one_of_three_branches():
    made = Layout()
    chain = made.chain("c", ["way"])
    chain.hold("h", then="q")
    chain.choose("q", operand("way"), branches=["x", "y", "z"])
    for name, ps in (("x", 1), ("y", 20), ("z", 300)):
        chain.outcome(name, lasts=ps)
    for kind in ("kernel", "plain"):
        engine = fabric.build(made, engine=kind)
        batch = engine.issue("c", [[2], [0], [1]])
        assert engine.advance() == [(batch, 300)]
        assert engine.finish_ps(batch).tolist() == [300, 1, 20]


@pytest.mark.parametrize("kind", ["kernel", "plain"])
def test_transfers_of_one_row_differ_in_the_operand_that_counts(kind):
    made = Layout()
    cells = made.counter("cells", 8)
    made.chain("c", ["at", "other"]).hold("o", lasts=1, count=cells.add("at"))
    engine = fabric.build(made, engine=kind)
    batch = engine.issue("c", [[0, 9], [5, 9]], None, 3, "at")
    engine.advance()
    assert engine.array(cells).tolist() == [1, 1, 1, 0, 0, 1, 1, 1] and len(engine.finish_ps(batch)) == 6
    with pytest.raises(BadInput, match="unknown operand 'to'"):
        engine.issue("c", [[0, 9]], None, 2, "to")


@pytest.mark.parametrize("kind", ["kernel", "plain"])
def test_a_completion_is_told_although_another_transfer_asks_python_at_the_same_instant(kind):
    made = Layout()
    made.chain("quick", ["x"]).hold("h", lasts=9)
    chain = made.chain("asking", ["x"])
    chain.hold("first", lasts=9, then="second")
    chain.hold("second", lasts=Asked(lambda q: 5))
    engine = fabric.build(made, engine=kind)
    quick, asking = engine.issue("quick", [[0]]), engine.issue("asking", [[0]])
    assert [engine.advance(), engine.advance()] == [[(quick, 9)], [(asking, 14)]]


@pytest.mark.parametrize("kind", ["kernel", "plain"])
def test_a_way_without_links_leaves_the_bins_of_links_as_they_are(kind):
    made = Layout()
    net = made.network("net", "circuit", 2, [Link("0->1", 0, 1, 0, 10**12)], lambda a, b: [0] if a < b else [])
    made.chain("c", ["a", "b"]).hold("h", net.route("a", "b", "a"), lasts=10**6)
    engine = fabric.build(made, engine=kind, link_bin_ps=16, link_bins=8)
    engine.issue("c", [[1, 1]])
    engine.advance()
    assert engine.link_statistics(net).bin_ps == 16


@pytest.mark.parametrize("kind", ["kernel", "plain"])
def test_a_message_without_time_at_the_edge_of_a_bin_belongs_to_the_bin_that_begins(kind):
    made = Layout()
    net = made.network("net", "circuit", 2, [Link("0->1", 0, 1, 0, 10**12)], lambda a, b: [0] if a < b else [])
    made.chain("c", ["a", "b", "size"]).hold("h", net.route("a", "b", "size"), lasts=0)
    engine = fabric.build(made, engine=kind, link_bin_ps=16, link_bins=8)
    engine.issue("c", [[0, 1, 7], [0, 1, 5]], np.array([15, 16]))
    engine.advance()
    assert engine.link_statistics(net).bins[:, 0, 0].tolist() == [7, 5]


def test_heads_of_sorted_queues_are_tried_in_an_order_that_no_admission_disturbs():
    """A layer of 300 slices in which a head of several links is admitted while others still wait to be tried."""
    rng, dies, experts = np.random.default_rng(1), 25, 256
    expert = np.sort(rng.choice(experts, 100, replace=False))
    tokens = np.maximum(1, rng.lognormal(4.5, 0.6, 100)).astype(int)
    home = np.where(expert < experts // dies * dies, expert // (experts // dies), expert % dies)
    rows = cs.rows_of(np.stack([expert, tokens, rng.integers(0, dies, 100), home], axis=1), "deepseek")
    ends = []
    for kind in ("kernel", "plain"):
        engine = fabric.build(cs.layout("deepseek"), admission="head_only", wait_queue="sorted", engine=kind)
        batch = engine.issue("slice", rows)
        engine.advance()
        ends.append(engine.finish_ps(batch).tolist())
    assert ends[0] == ends[1]
