"""Has every instant of a transfer one stage and one state, in both engines and under every link model, at no change
of the run?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_kernel_equals_twin import batches, systems

from chipweave import fabric
from chipweave.chain import Layout, Link
from chipweave.errors import ChipweaveError

NUMBER, BATCH, TRANSFER, CHAIN, STAGE, SIDE, ASKED, START, END = range(9)


def play(made, work, kind, record=True, **rules):
    """(recorded rows of each stretch, births and ends of each batch's transfers, all completions)."""
    engine = fabric.build(made, engine=kind, link_bin_ps=16, link_bins=8, **rules)
    if record:
        engine.record()
    rows, lives, ends, accounts = [], {}, [], []
    used = np.zeros((sum(array.count for array in made.parts["resources"]), 3), np.int64)
    for operands, starts, _, *more in work:
        born = np.zeros(len(operands), np.int64) if starts is None else starts
        born = (born + engine.now_ps).repeat(more[0])
        batch = engine.issue("chain", operands, starts, *more)
        while not engine.idle:
            ends += engine.advance()
        rows.append(engine.recorded().tolist() if record else [])
        lives[batch] = list(zip(born.tolist(), engine.finish_ps(batch).tolist(), strict=True))
        if record and rows[-1]:
            assert engine.recorded_last()[0, END] == max(row[END] for row in rows[-1])
            one = rows[-1][0]
            own = [row for row in rows[-1] if row[BATCH] == one[BATCH] and row[TRANSFER] == one[TRANSFER]]
            assert engine.recorded(one[BATCH], one[TRANSFER]).tolist() == own
            ended = [row for row in rows[-1] if row[END] == one[END]]
            assert engine.recorded(ended_ps=one[END]).tolist() == ended
            accounts.append([engine.path().tolist(), *(each.tolist() for each in usage(engine, used, operands, more))])
            check_accounts(rows[-1], *accounts[-1])
    return rows, lives, ends, accounts


def usage(engine, used, operands, more):
    """(what `Engine.usage` adds of the one batch since the barrier, stages started); every stage has its own slot."""
    stages = sum(len(chain.stages) for chain in engine.layout.chains.values())
    before = used.copy()
    started = engine.usage(used, np.arange(stages, dtype=np.int32), stages, [len(operands)], [more[0]])
    return used - before, started


def check_accounts(rows, path, resources, started):
    """The path has no gap and ends at a transfer's birth; what is added up is what the rows say."""
    assert all(later[ASKED] == earlier[END] for later, earlier in zip(path, path[1:], strict=False))
    assert all(row in rows for row in path) and {row[TRANSFER] for row in path} == {path[0][TRANSFER]}
    born = min(row[ASKED] for row in rows if row[TRANSFER] == path[0][TRANSFER])
    assert path[-1][ASKED] == born or path[0][SIDE]
    assert sum(map(sum, started)) == len(rows)
    assert all(served >= 0 and held >= 0 and waited >= 0 for served, held, waited in resources)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model, rules",
    [
        ("circuit", {"admission": "work_conserving"}),
        ("circuit", {"admission": "head_only"}),
        ("circuit", {"admission": "early_booking", "wait_queue": "artifact_heap"}),
        ("fair", {"admission": "work_conserving"}),
    ],
)
def test_waits_and_services_of_a_transfer_sum_to_its_life_alike_in_kernel_and_twin(model, rules):
    @settings(max_examples=30, deadline=None)
    @given(st.data())
    def run(data):
        made, _ = data.draw(systems(model, python=False))
        work = batches(data.draw)
        kernel, twin = (play(made, work, kind, **rules) for kind in ("kernel", "plain"))
        assert kernel == twin
        assert play(made, work, "kernel", record=False, **rules)[1:3] == kernel[1:3]
        for rows in kernel[0]:
            for batch in {row[BATCH] for row in rows}:
                for transfer, (born, end) in enumerate(kernel[1][batch]):
                    main = [r for r in rows if (r[BATCH], r[TRANSFER], r[SIDE]) == (batch, transfer, 0)]
                    assert [r[ASKED] for r in main] == [born, *(r[END] for r in main[:-1])] and main[-1][END] == end
                    assert all(r[ASKED] <= r[START] <= r[END] for r in main)
                    assert sum(r[END] - r[ASKED] for r in main) == end - born

    run()


@pytest.mark.parametrize("kind", ["kernel", "plain"])
def test_usage_adds_to_the_sums_of_before_and_refuses_others(kind):
    made = Layout()
    dram = made.resources("dram", 3)
    made.chain("work", ["at"]).hold("h", dram.at("at"), lasts=9)
    engine = fabric.build(made, engine=kind)
    engine.record()
    used, slot_of = np.zeros((3, 3), np.int64), np.zeros(1, np.int32)
    for rows in ([[1], [1]], [[2]]):
        engine.issue("work", rows)
        engine.advance()
        assert engine.usage(used, slot_of, 1, [len(rows)], [1]).tolist() == [[1]] * len(rows)
    assert used.tolist() == [[0, 0, 0], [2, 18, 9], [1, 9, 0]]
    for other in (used[:2], used.T.copy().T, used.astype(np.int32)):
        with pytest.raises(ChipweaveError, match="sums of resources"):
            engine.usage(other, slot_of, 1, [1], [1])


@pytest.mark.parametrize("kind", ["kernel", "plain"])
def test_nothing_is_kept_until_asked_for(kind):
    made = Layout()
    made.chain("chain", ["x"]).hold("h", lasts=9)
    engine = fabric.build(made, engine=kind)
    engine.issue("chain", [[0]])
    engine.advance()
    assert len(engine.recorded()) == len(engine.recorded_last()) == 0


@pytest.mark.parametrize("kind", ["kernel", "plain"])
def test_a_record_cannot_begin_in_the_middle_and_begins_once(kind):
    made = Layout()
    made.chain("chain", ["x"]).hold("h", lasts=9)
    engine = fabric.build(made, engine=kind)
    engine.issue("chain", [[0]])
    with pytest.raises(ChipweaveError, match="in flight"):
        engine.record()
    engine.advance()
    engine.record()
    engine.issue("chain", [[0]])
    engine.advance()
    engine.record()
    assert engine.recorded()[:, END].tolist() == [18]


@pytest.mark.parametrize("kind", ["kernel", "plain"])
def test_a_transfer_or_an_instant_that_there_is_not_has_no_rows(kind):
    """Not those of the next batch, nor a message that is still on its way."""
    made = Layout()
    line = made.network("line", "fair", 2, [Link("l", 0, 1, 0, 10**9)], lambda s, t: [0] if s != t else [])
    made.chain("work", ["x"]).hold("h", lasts=9)
    made.chain("sent", ["from", "to"]).send("s", line, "from", "to", 50)
    engine = fabric.build(made, engine=kind)
    engine.record()
    engine.issue("work", [[0]])
    engine.advance()
    batches = [engine.issue("sent", [[0, 1]] * n) for n in (2, 3)]
    engine.advance(engine.now_ps + 1)
    assert len(engine.recorded()) == 5 and set(engine.recorded()[:, END]) == {-1}
    assert engine.recorded(batches[0], 1)[:, BATCH].tolist() == batches[:1]
    assert engine.recorded(batches[0], 2).tolist() == engine.recorded(ended_ps=8).tolist() == []
    assert engine.recorded(transfer=1)[:, [BATCH, TRANSFER]].tolist() == [[batch, 1] for batch in batches]
