"""Does a link model in one plain Python class run under both engines, from YAML too, and is a faulty one blamed?"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chipweave as cw
from chipweave import fabric
from chipweave.chain import DONE, Layout, Link
from chipweave.chain.link_statistics import LinkStatistics
from chipweave.declare import registry
from chipweave.fabric.link_models import LinkModel, link_model

LATENCY, RATE = 700, 10**12  # ps; bytes/s, a byte a picosecond


class Ideal:
    """Every message takes the latencies of its route and its bytes at the slowest link's rate, whatever else is under
    way."""

    def __init__(self, network):
        self.network, self.coming = network, []
        self.bytes = np.zeros(len(network.links), np.int64)

    def send(self, now, message, source, target, size, stage):
        route = self.network.routes(source, target)
        latency = sum(self.network.links[i].latency_ps for i in route)
        rate = min((self.network.links[i].bytes_per_s for i in route), default=RATE)
        self.bytes[route] += size
        self.coming.append((now + latency + int(size * 10**12 / rate), message))

    def next_time(self):
        return min((time for time, _ in self.coming), default=None)

    def advance(self, now):
        arrived = sorted(c for c in self.coming if c[0] <= now)
        self.coming = [c for c in self.coming if c[0] > now]
        return [message for _, message in arrived]

    def statistics(self):
        zero = np.zeros_like(self.bytes)
        return LinkStatistics(self.bytes, zero, zero, 10**9, np.zeros((0, len(zero), 3), np.int64))


@pytest.fixture
def ideal():
    @link_model("ideal")
    class IdealLinks(LinkModel):
        """No message waits for another."""

        @classmethod
        def plain(cls, layout, network, bin_ps, max_bins):
            return Ideal(network)

    yield IdealLinks
    registry.link_models.classes.pop("ideal")


def line(model):
    """0 - 1 - 2, and a chain that sends `bytes` from `a` to `b`."""
    layout = Layout()
    links = [Link(f"{a}->{b}", a, b, LATENCY, RATE) for a, b in ((0, 1), (1, 2))]
    net = layout.network("net", model, 3, links, lambda a, b: list(range(a, b)) if a < b else [])
    chain = layout.chain("go", ("a", "b", "bytes"))
    chain.start = chain.send("way", net, "a", "b", "bytes", then=DONE)
    return layout, net


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_messages_arrive_as_the_class_says_and_never_wait(ideal, engine):
    layout, net = line("ideal")
    running = fabric.build(layout, engine=engine)
    batch = running.issue("go", np.array([[0, 2, 5000], [0, 1, 5000], [0, 0, 5000], *[[1, 2, 10]] * 700]))
    assert running.advance() == [(batch, 2 * LATENCY + 5000)]
    expected = [2 * LATENCY + 5000, LATENCY + 5000, 5000, *[LATENCY + 10] * 700]
    assert running.finish_ps(batch).tolist() == expected
    assert running.link_statistics(net).bytes.tolist() == [10000, 5000 + 7000]


def test_a_topology_names_it_and_both_engines_agree(ideal, small_model, tmp_path, monkeypatch):
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path))
    small = dict(topology="micro_2x2", model=str(small_model(tmp_path / "mini.yaml")), batch=4, steps=3)
    spec = cw.RunSpec(**small, strategy="base", preset="paper", link_model="ideal")
    native, plain = cw.simulate(spec), cw.simulate(spec.with_options(engine="plain"))
    assert np.array_equal(native.table, plain.table)
    held = cw.simulate(spec.with_options(link_model="circuit", admission="work_conserving"))
    assert native.row["decode_time_ns"] <= held.row["decode_time_ns"]
    assert cw.load("wafer_5x5", ("networks.d2d.link_model=ideal",)).networks["d2d"].link_model == "ideal"


@pytest.mark.parametrize("engine", ["kernel", "plain"])
@pytest.mark.parametrize("method", ["send", "next_time", "advance"])
def test_an_exception_of_the_model_ends_the_run_as_itself(ideal, monkeypatch, engine, method):
    def broken(*_):
        raise ZeroDivisionError(f"in {method}")

    monkeypatch.setattr(Ideal, method, broken)
    running = fabric.build(line("ideal")[0], engine=engine)
    with pytest.raises(ZeroDivisionError, match=f"in {method}"):
        running.issue("go", np.array([[0, 2, 5000]]))
        running.advance()


@pytest.mark.slow
def test_an_engine_may_be_freed_after_its_models(ideal):
    """The garbage collector lets go in any order; the engine read tables of functions that were gone (a signal)."""
    import gc

    from chipweave._kernel import ffi

    engines = []
    for _ in range(20):
        running = fabric.build(line("ideal")[0])
        running.issue("go", np.array([[0, 2, 5000]]))
        running.advance()
        engines.append(running.core.handle)
        del running
    gc.collect()
    overwritten = [bytearray(b"\xff" * ffi.sizeof("network_operations")) for _ in range(20_000)]
    while engines:
        engines.pop()
        gc.collect()
    assert len(overwritten) == 20_000


def test_booking_ahead_needs_links_that_are_held(ideal):
    with pytest.raises(cw.BadInput, match="that end is not known when it starts"):
        fabric.build(line("ideal")[0], admission="early_booking")
    with pytest.raises(cw.BadInput, match="under ideal the end of a send is not known"):
        cw.load("wafer_5x5", ("networks.d2d.link_model=ideal", "networks.d2d.admission=early_booking"))


def test_an_unknown_one_is_refused_with_the_nearest(ideal):
    with pytest.raises(cw.BadInput, match="unknown link model kind 'ideel'.*nearest: ideal"):
        fabric.build(line("ideel")[0])
    with pytest.raises(cw.BadInput, match="link_model cannot be 'ideel'; allowed: circuit, fair, flit, ideal"):
        cw.load("wafer_5x5", ("networks.d2d.link_model=ideel",))


def test_a_name_belongs_to_one_class(ideal):
    with pytest.raises(registry.RegistryError, match="declared twice"):
        link_model("fair")(type("Mine", (LinkModel,), {}))
    with pytest.raises(TypeError, match="is not a LinkModel"):
        link_model("mine")(Ideal)


def test_an_engine_outlives_the_table_of_a_model_in_python():
    """The garbage collector may free them in either order; a call through the freed table once ended the process."""
    code = """
from test_own_link_model import Ideal, LinkModel, fabric, line, link_model, np
from chipweave._kernel import ffi
from chipweave.fabric.compile import Compiler

@link_model("ideal")
class IdealLinks(LinkModel):
    plain = classmethod(lambda cls, layout, network, bin_ps, max_bins: Ideal(network))

def add_network(compiler, table, model, add=Compiler.add_network):
    number = add(compiler, table, model)
    ffi.buffer(table)[:] = bytes([1]) * ffi.sizeof(table[0])  # as if it were another's memory from now on
    return number

Compiler.add_network = add_network
running = fabric.build(line("ideal")[0])
batch = running.issue("go", np.array([[0, 2, 5000]]))
print(running.advance() == [(batch, 6400)])
del running
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
