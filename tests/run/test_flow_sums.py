"""Are flows summed in C as one row after the other, however many there are, and is a sum that is too large refused?"""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave.errors import ChipweaveError
from chipweave.plain.flow_sums import PlainFlowSums
from chipweave.run.why import flows as flows_module
from chipweave.run.why.flows import DIE_BITS, EXPERT_BITS, LAYER_BITS, Flows, FlowSums, Send, Sends

GROUP = EXPERT_BITS + 2 * DIE_BITS
OPERANDS, SLOTS = 5, 3


def send(slot, network, expert, terms=((4, 3),), constant=16):
    return Send(slot, network, 0, 1, expert, (constant, terms), set())


def in_order(sums):
    return sorted(zip(*(each.tolist() for each in sums.all()), strict=True))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_sums_are_those_of_the_plain_twin(data):
    both = FlowSums(DIE_BITS), PlainFlowSums(DIE_BITS)
    sends = Sends([send(0, 0, 2), send(2, 1, None, terms=()), send(1, 31, 3, terms=((4, 1), (3, 5)))])
    small = st.integers(0, 3)
    for _ in range(data.draw(st.integers(1, 5))):
        rows = np.array(data.draw(st.lists(st.tuples(*[small] * OPERANDS), max_size=9)), np.int64).reshape(-1, OPERANDS)
        started = np.array([data.draw(st.tuples(*[small] * SLOTS)) for _ in rows], np.int64).reshape(-1, SLOTS)
        settles, layer = data.draw(st.booleans()), data.draw(st.integers(0, 4095))
        for sums in both:
            sums.add(sends, rows, started)
            if settles:
                sums.settle(layer << GROUP)
    for sums in both:
        sums.settle(0)
    assert in_order(both[0]) == in_order(both[1])


@pytest.mark.slow
def test_a_table_that_grows_keeps_every_flow():
    rng = np.random.default_rng(5)
    rows = rng.integers(0, 60, (30_000, OPERANDS))
    started = rng.integers(0, 3, (len(rows), SLOTS))
    both = FlowSums(DIE_BITS), PlainFlowSums(DIE_BITS)
    for sums in both:
        for at in range(0, len(rows), 3000):
            sums.add(Sends([send(0, 3, 2), send(1, 3, 2)]), rows[at : at + 3000], started[at : at + 3000])
            sums.settle((at // 3000) << GROUP)
    assert len(both[0].all()[0]) > 20_000 and in_order(both[0]) == in_order(both[1])


def test_a_sum_beyond_64_bits_is_refused():
    sends, row = Sends([send(0, 0, None, terms=((4, 1),), constant=0)]), np.full((1, OPERANDS), 1, np.int64)
    row[0, 4] = 2**62
    sums, started = FlowSums(DIE_BITS), np.array([[1, 0, 0]])
    sums.add(sends, row, started)
    sums.add(sends, row, started)
    with pytest.raises(ChipweaveError, match="2\\^63"):
        sums.settle(0)
    with pytest.raises(ChipweaveError, match="2\\^63"):
        FlowSums(DIE_BITS).add(sends, row, 2 * started)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 4), st.booleans())
def test_the_largest_flows_of_a_link_are_the_first_of_all_in_order(data, top, dense):
    """On a line of five endpoints in two networks, one that deals to two ways: by bytes on the link, then key."""

    def routes(a, b):
        return [2 * i for i in range(a, b)] or [2 * i + 1 for i in range(b, a)]

    def dealt(a, b):
        return {link: (1, 1) for link in routes(a, b)[:1]} | {100 + link: (2, 3) for link in routes(a, b)}

    found = object.__new__(Flows)
    found.networks = [SimpleNamespace(name=name) for name in "ab"]
    found.shares = {"a": lambda a, b: dict.fromkeys(routes(a, b), (1, 1)), "b": dealt}
    drawn = st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 3), *[st.integers(0, 4)] * 2)
    flows = data.draw(st.lists(drawn, max_size=40, unique=True))
    keys = [
        (((((n << LAYER_BITS) + la << EXPERT_BITS) + e << DIE_BITS) + a) << DIE_BITS) + b for n, la, e, a, b in flows
    ]
    sizes = [data.draw(st.integers(1, 3) | st.integers(2**62, 2**62 + 9)) for _ in flows]
    expected = {}
    for place, (n, _, _, a, b) in enumerate(flows):
        for link, (over, ways) in found.shares["ab"[n]](a, b).items():
            expected.setdefault((n, link), []).append((place, sizes[place] * over // ways))
    expected = {link: sorted(of, key=lambda f: (-f[1], keys[f[0]])) for link, of in expected.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flows_module, "TOP", top)
        patch.setattr(flows_module, "DENSE", 1 << 30 if dense else 0)
        got = list(found.on_links(np.array(keys, np.int64), np.array(sizes, np.int64)))
    assert got == [(*link, expected[link][:top]) for link in sorted(expected)]
