"""Do tokens move through the network of any system, in the time and with the bytes that arithmetic gives?"""

import numpy as np
import pytest
from small_systems import PAIR, POOL

from chipweave import topology
from chipweave.component.replicas import gather
from chipweave.component.token_moves import TokenMoves
from chipweave.declare import units
from chipweave.run.die_figures import die_places, distance_of

TRACE = [[[0, 1], [2, 3], [4, 5], [6, 0]], [[0, 1]], [[3, 6]]]
OTHERS = [[[5, 2]], [[1, 4]], [[2, 0]]]
MOVED = ("cp.tokens=moved",)
HIDDEN = 1024


def carried(outcome):
    """Bytes over all links of the network."""
    return sum(int(links.bytes.sum()) for _, _, links in outcome.links)


def tokens(outcome):
    return outcome.facts["tokens"]


def test_the_time_of_dispatch_and_combine_is_their_bytes_over_the_link(desk):
    """Two requests on two dies; of expert parallelism nothing else crosses. A message of n tokens of 1 KiB lasts
    n x 1,024 B / (0.9 x 10 GB/s) and 100 ns, back with twice the bytes; the slower direction ends the phase."""
    run = dict(strategy="ep", preset="physical", batch=2, steps=2)
    trace = desk.trace([[[0, 1]], [[0, 1]]], [[[2, 3]], [[0, 5]]])
    moved = desk.run(desk.topology(PAIR), trace, sets=MOVED, **run)
    off = desk.run(desk.topology(PAIR), trace, **run)

    # Homes: E // D neighbours together, so experts 0 to 2 on die 0, 3 to 5 on die 1, and 6 on die 6 mod 2 = 0.
    # Prefill: request 0 (die 0) wants 0, 1: stays; request 1 (die 1) wants 2, 3: one token to die 0. Decode: 0, 1
    # stay; 0 goes to die 0, 5 stays. So each of four layer-steps has one message there and one back.
    def ps(size):
        return 100_000 + -(-size * 10**12 // 9_000_000_000)

    assert tokens(moved) == {
        "dispatch_bytes": 4 * HIDDEN,
        "combine_bytes": 4 * 2 * HIDDEN,
        "dispatch_ps": 4 * ps(HIDDEN),
        "combine_ps": 4 * ps(2 * HIDDEN),
    }
    assert tokens(off) == {} and carried(off) == 0 and carried(moved) == 12 * HIDDEN
    time = moved.columns.index("time_ps")
    longer = (moved.table[:, time] - off.table[:, time]).tolist()
    assert longer == [ps(HIDDEN) + ps(2 * HIDDEN)] * 4


@pytest.mark.slow
@pytest.mark.parametrize("link_model", ["circuit", "fair", "flit"])
@pytest.mark.parametrize(
    ("strategy", "sends"), [("base", "die"), ("base", "expert"), ("ep", "expert"), ("allo", "die")]
)
def test_kernel_and_twin_move_tokens_alike_and_lose_no_byte(desk, light, link_model, strategy, sends, monkeypatch):
    """Three dies, one with a slower memory, and a pool: each message is counted where it starts and on each link."""
    light(link_model)
    rows, messages = [], TokenMoves.messages
    monkeypatch.setattr(TokenMoves, "messages", lambda *a: (made := messages(*a), rows.append(np.concatenate(made)))[0])
    trace, path = desk.trace(TRACE, OTHERS), desk.topology(POOL)
    run = dict(strategy=strategy, preset="physical", batch=8, steps=3, link_model=link_model)
    sets = (*MOVED, f"cp.token_sends={sends}")
    both = [desk.run(path, trace, sets=sets, engine=engine, **run) for engine in ("kernel", "plain")]
    assert np.array_equal(both[0].table, both[1].table) and tokens(both[0]) == tokens(both[1])
    assert both[0].statistics == both[1].statistics
    sent = sum(value for _, name, _, value in both[0].statistics if name == "token_bytes")
    assert sent == tokens(both[0])["dispatch_bytes"] + tokens(both[0])["combine_bytes"] > 0
    off = desk.run(path, trace, **run)
    assert both[0].row["hops"] == off.row["hops"]
    system = topology.load(path, preset="physical")
    network = system.networks["d2d"]
    gather(system.parts.values())
    distance = distance_of(network, die_places(network, system, 4))
    of_one = np.concatenate(rows[: len(rows) // 2])
    on_links = int((distance[of_one[:, 0], of_one[:, 1]] * of_one[:, 2]).sum())
    assert sent == of_one[:, 2].sum()
    more = carried(both[0]) - carried(off)
    assert more == on_links or link_model == "flit" and on_links <= more  # flits are whole


def test_presets_of_the_paper_move_none_and_say_what_they_replace(desk):
    trace = desk.trace(TRACE, OTHERS)
    physical, paper = (desk.run("dgx_h100", trace, preset=preset, steps=3) for preset in ("physical", "paper"))
    assert tokens(physical)["dispatch_bytes"] > 0 and tokens(paper) == {}
    told = paper.facts["notes"]["preset_replaces"]
    assert any(words.startswith("parts.cp.tokens = moved (the preset's: off") for words in told)


def test_a_wafer_moves_none_unless_it_is_switched_on(desk):
    assert tokens(desk.run("micro_2x2", desk.trace(TRACE, OTHERS), preset="physical", steps=3)) == {}
    assert units.parse("1 KiB", "bytes") == HIDDEN


def test_two_experts_on_one_die_take_one_vector_where_a_token_goes_once_to_each_die(desk):
    """Request 1 lives on die 1 and wants experts 0 and 1 of two layers, both at home on die 0."""
    trace = desk.trace([[[0, 1]]], [[[0, 1]]])
    run = dict(strategy="ep", preset="physical", batch=2, steps=1)
    sent = [
        tokens(desk.run(desk.topology(PAIR), trace, sets=(*MOVED, f"cp.token_sends={sends}"), **run))["dispatch_bytes"]
        for sends in ("expert", "die")
    ]
    assert sent == [2 * 2 * HIDDEN, 2 * HIDDEN]
