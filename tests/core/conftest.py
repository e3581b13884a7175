"""Small components for the tests of topologies; registered for the time of a test, so that no shipped kind is
shadowed."""

import pytest

from chipweave import topology
from chipweave.component import Component, Param, Port, Slot, Stat
from chipweave.declare import registry, yamlfile
from chipweave.errors import BadInput


class Source(Component):
    """Reads from a memory."""

    memory = Port(uses="memory.access")
    launch = Port(provides="cp.kernel", optional=True)
    rate = Param("compute", default="1 TFLOPS")


class Memory(Component):
    """Answers reads."""

    access = Port(provides="memory.access", many=True)
    latency = Param("time", default="300 ns", low="1 ps")
    bandwidth = Param("bandwidth", default="1 TB/s")
    round_to = Param("time", default="1 ps", low="1 ps")
    reads = Stat("accesses", "reads answered")


class TwinMemory(Memory):
    """The same in plain Python."""

    engine = "python"


class Table(Component):
    """Fills a slot."""

    entries = Param("count", default=512)


class Router(Component):
    """Joins a die to the mesh."""

    mesh = Port(uses="network")
    home = Port(uses="memory.access", optional=True)
    table = Slot("t.table", default="t.table")
    spare = Slot("t.table", optional=True)


class Boss(Component):
    """Launches work."""

    dies = Port(uses="cp.kernel", many=True)


KINDS = {
    "t.source": Source,
    "t.memory": Memory,
    "t.twin": TwinMemory,
    "t.table": Table,
    "t.router": Router,
    "t.boss": Boss,
}

WAFER = """
name: w
assemblies:
  die:
    parts:
      sm: {kind: t.source}
      hbm: {kind: t.memory, bandwidth: 3.35 TB/s}
      router: {kind: t.router}
    links:
      - {between: [sm.memory, hbm.access], latency: included}
      - {between: [router.home, hbm.access], latency: 2 ns, bandwidth: 1 TB/s}
parts:
  die: {assembly: die, grid: [3, 2]}
networks:
  d2d: {joins: die.router.mesh, shape: mesh, latency: 200 ns, bandwidth: 1.7 TB/s}
"""


@pytest.fixture(autouse=True)
def kinds():
    """The test kinds, beside the shipped ones."""
    registry.components.discover()
    before = dict(registry.components.classes)
    for kind, cls in KINDS.items():
        cls.kind = kind
        registry.components.declare(kind, cls)
    yield
    registry.components.classes = before


@pytest.fixture
def build():
    """text, sets -> System."""
    return lambda text, *sets, **more: topology.build(yamlfile.loads(text, "f.yaml"), sets=sets, **more)


@pytest.fixture
def faults(build):
    """text, sets -> the faults' texts."""

    def told(text, *sets, **more):
        with pytest.raises(BadInput) as error:
            build(text, *sets, **more)
        return [str(f) for f in error.value.faults]

    return told


@pytest.fixture
def wafer():
    """YAML of a 3 x 2 wafer of small dies."""
    return WAFER
