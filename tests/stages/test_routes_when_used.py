"""Does the engine look for a route only when its pair first exchanges something, and say what went wrong there?"""

from fractions import Fraction

import pytest

from chipweave import fabric
from chipweave.chain import Layout, Link, amount
from chipweave.errors import BadInput

ENDS = 60  # of a line: 3,600 pairs


def line(model, asked, wrong=None):
    """A line of routers; `asked` gets every pair that a route is looked for of."""
    made = Layout()
    ends = [(i, i + 1) for i in range(ENDS - 1)] + [(i + 1, i) for i in range(ENDS - 1)]
    links = [Link(f"{a}->{b}", a, b, 10 + a % 3, Fraction(10**12, 1 + a % 4)) for a, b in ends]
    places = {pair: i for i, pair in enumerate(ends)}

    def routes(source, target):
        asked.append((source, target))
        if (source, target) == wrong:
            raise BadInput("no way there")
        step = 1 if target > source else -1
        return [places[i, i + step] for i in range(source, target, step)]

    net = made.network("line", model, ENDS, links, routes, directed=True)
    hops = made.counter("hops", 1)
    chain = made.chain("c", ["a", "b", "bytes", "zero"])
    chain.send("s", net, "a", "b", amount("bytes", 1), count=hops.add_hops("zero", net, "a", "b"), then="back")
    chain.send("back", net, "b", "a", amount("bytes", 2))
    return made, hops


def ends(model, engine, rows):
    made, hops = line(model, asked := [])
    run = fabric.build(made, engine=engine)
    batch = run.issue("c", rows)
    run.advance()
    return run.finish_ps(batch).tolist(), run.array(hops).tolist(), set(asked)


@pytest.mark.parametrize("model", ["circuit", "fair"])
def test_only_pairs_that_exchange_something_are_looked_for_once_and_times_are_the_twins(model):
    rows = [[a, (a * 7 + 3) % ENDS, 50 + a, 0] for a in range(0, ENDS, 5)] * 3
    made, hops = line(model, asked := [])
    run = fabric.build(made, engine="kernel")
    assert asked == []
    batch = run.issue("c", rows)
    run.advance()
    used = {pair for a, b, *_ in rows for pair in ((a, b), (b, a))}
    assert sorted(asked) == sorted(used)
    assert (run.finish_ps(batch).tolist(), run.array(hops).tolist()) == ends(model, "plain", rows)[:2]


def test_routes_found_while_holds_of_several_resources_are_under_way_leave_their_lists_alone():
    """Lists of resources that events put together stand in the same pool as routes."""
    seen = []
    for engine in ("kernel", "plain"):
        made, _ = line("circuit", [])
        net = made.find("line")
        port = made.resources("port", ENDS)
        chain = made.chain("d", ["a", "b", "bytes"])
        chain.hold("h", [port.at("a"), port.at("b"), net.route("a", "b", "bytes")], lasts=1000)
        run = fabric.build(made, engine=engine)
        batches = []
        for wave in range(40):
            batches.append(run.issue("d", [[(wave * k + k) % ENDS, (wave + 3 * k + 1) % ENDS, 9] for k in range(9)]))
            run.advance(run.now_ps + 500)
            run.check()
        while not run.idle:
            run.advance()
        seen.append(run.now_ps)
    assert seen[0] == seen[1]


@pytest.mark.parametrize("model", ["circuit", "fair"])
def test_what_the_route_finder_raises_is_what_the_run_raises(model):
    made, _ = line(model, [], wrong=(3, 5))
    run = fabric.build(made, engine="kernel")
    with pytest.raises(BadInput, match="no way there"):
        run.issue("c", [[3, 5, 1, 0]])
        run.advance()
