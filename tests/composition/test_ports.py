"""A die with several D2D ports, in several networks; an I/O die that controls others and has a seat among them."""

import pytest
from small_systems import figures

from chipweave import topology
from chipweave.errors import BadInput
from chipweave.views.filetypes import check_and_warn

TRACE = [[[0, 1], [2, 3], [4, 5], [6, 0]], [[0, 1], [3, 6]], [[5, 2], [0, 4]]]
BOTH = """extends: wafer
assemblies: {die: {parts: {port: {kind: d2d.port}}}}
parts: {die: {grid: [1, 4]}}
networks:
  mesh: {joins: die.d2d.mesh, shape: mesh, latency: 200 ns, bandwidth: 1.7 TB/s}
  ring: {joins: die.port.network, shape: ring, latency: 50 ns, bandwidth: 400 GB/s}
  d2d:
    joins: null
    shape: joined
    regions: [{network: mesh}, {network: ring}]
    edges: [{between: ["die[*][*].d2d", "die[*][*].port"], latency: 1 ns, bandwidth: 5 TB/s}]
    routing: ROUTING
"""
IO = """extends: wafer
assemblies:
  io:
    parts:
      cp: {kind: cp.global}
      host: {kind: host.link, one_way: 2 us}
      d2d: {kind: d2d.router, slots: {atu: {kind: d2d.atu}, pdu: {kind: d2d.pdu}}}
    links: [{between: [cp.launch, host.host], latency: 100 ns, bandwidth: 64 GB/s}]
parts: {die: {grid: null, count: DIES}, cp: null, io: {assembly: io}}
links: [{between: [io.host.wafer, die.cp.launch], latency: 500 ns, bandwidth: 64 GB/s}]
networks: {d2d: {joins: [die.d2d.mesh, io.d2d.mesh], shape: full}}
"""


def test_a_mesh_and_a_ring_are_one_network_whose_routes_lead_across(desk):
    """From the first die of four to the last: three links of the mesh, or to its port, round the ring and back."""
    latest = desk.topology(BOTH.replace("ROUTING", "shortest_latency"))
    network = topology.load(latest).networks["d2d"]
    assert len(network.pairs()) == 3 + 4 + 4 and network.endpoint_count == 8
    first, last = ("die[0][0].d2d", "die[0][3].d2d")
    ways = network.route(first, last)
    assert ways == [(first, "die[0][0].port"), ("die[0][0].port", "die[0][3].port"), ("die[0][3].port", last)]
    fewest = topology.load(desk.topology(BOTH.replace("ROUTING", "shortest"), "fewest")).networks["d2d"]
    assert fewest.route("die[0][0].d2d", "die[0][1].d2d") == [("die[0][0].d2d", "die[0][1].d2d")]


@pytest.mark.parametrize("model", ["circuit", "fair"])
@pytest.mark.parametrize("strategy", ["base", "allo+pred"])
def test_kernel_and_twin_agree_on_two_networks_of_the_same_dies(desk, strategy, model):
    system, trace = desk.topology(BOTH.replace("ROUTING", "up_down")), desk.trace(TRACE, TRACE)
    more = dict(preset="physical", batch=2, link_model=model)
    runs = [desk.run(system, trace, strategy, engine=engine, **more) for engine in ("kernel", "plain")]
    assert figures(runs[0]) == figures(runs[1]) and runs[0].statistics == runs[1].statistics


@pytest.mark.parametrize("dies", [1, 4])
def test_an_io_die_controls_the_others_and_has_a_seat(desk, dies):
    """It computes nothing and keeps nothing; a plan goes out, and the reports come back, over the host link."""
    trace = desk.trace([[[3, 3]], [[3, 3]]])
    path = desk.topology(IO.replace("DIES", str(dies)))
    run = desk.run(path, trace, "ep", preset="physical", steps=2)
    plain = desk.run("wafer", trace, "ep", preset="physical", steps=2, sets=(f"parts.die.grid=[1, {dies}]",))
    ways = 2 * (500 + 100 + 2000) - 2 * 1600  # ns, in place of the wafer's wire
    time = run.columns.index("time_ps")
    assert (run.table[:, time] - plain.table[:, time]).tolist() == [ways * 1000] * 4
    assert not [s for s in run.statistics if s[0].startswith("io.d2d") and s[3]]
    assert check_and_warn(path)[1] == []


COLUMNS = """extends: wafer
assemblies: {die: {parts: {port: {kind: d2d.port}}}}
parts: {die: {grid: [2, 3]}}
networks:
  top: {joins: "die[0][*].d2d.mesh", shape: full, latency: 50 ns, bandwidth: 1 TB/s}
  low: {joins: "die[1][*].d2d.mesh", shape: full, latency: 50 ns, bandwidth: 1 TB/s}
  one: {joins: "die[*][0].port.network", shape: full, latency: 80 ns, bandwidth: 500 GB/s}
  two: {joins: "die[*][1].port.network", shape: full, latency: 80 ns, bandwidth: 500 GB/s}
  six: {joins: "die[*][2].port.network", shape: full, latency: 80 ns, bandwidth: 500 GB/s}
  d2d:
    joins: null
    shape: joined
    regions: [{network: low}, {network: top}, {network: two}, {network: one}, {network: six}]
    edges: [{between: ["die[*][*].d2d", "die[*][*].port"], latency: 1 ns, bandwidth: 5 TB/s}]
    routing: up_down
expect: null
"""


def test_ends_of_edges_fit_by_index_whatever_the_order_of_regions(desk):
    """Rows and columns are networks of their own; a die's router is joined to its own port, not to another's."""
    network = topology.load(desk.topology(COLUMNS)).networks["d2d"]
    own = {(a, b) for a, b in network.pairs() if a.endswith("d2d") and b.endswith("port")}
    assert own == {(f"die[{y}][{x}].d2d", f"die[{y}][{x}].port") for y in range(2) for x in range(3)}


def test_an_override_of_links_takes_names_with_all_indices(desk):
    changed = '["die[*][0].d2d", "die[*][1].d2d"]'
    text = f"extends: wafer\nparts: {{die: {{grid: [3, 3]}}}}\nnetworks: {{d2d: {{override: [{{between: {changed}"
    system = topology.load(desk.topology(text + ", latency: 9 ns}]}}\nexpect: null\n"))
    network = system.networks["d2d"]
    slow = {link for link, ps in zip(network.links, network.latency_ps, strict=True) if ps == 9000}
    rows = [(f"die[{y}][0].d2d", f"die[{y}][1].d2d") for y in range(3)]
    assert slow == {*rows, *(way[::-1] for way in rows)}


def test_sides_of_edges_that_do_not_fit_are_refused(desk):
    text = BOTH.replace("ROUTING", "shortest").replace('"die[*][*].port"]', '"die[0][0..1].port"]')
    with pytest.raises(BadInput, match="system.yaml:14:13: 4 routers cannot be joined to 2; allowed: as many on both"):
        topology.load(desk.topology(text))


CONTROL = """extends: wafer
parts: {die: {grid: [1, 3]}}
links: [LINKS]
networks:
  control:
    joins: [cp.control, die.cp.control]
    shape: edges
    edges:
      - [cp, "die[0][2].cp"]
      - {between: ["die[0][2].cp", "die[0][0].cp"], latency: 700 ns}
      - ["die[0][0].cp", "die[0][1].cp"]
    latency: 100 ns
    bandwidth: 64 GB/s
"""
STAR = """extends: wafer
parts: {die: {grid: [1, 3]}, cp: {launch_size: LAUNCH}}
assemblies: {die: {parts: {cp: {report_size: REPORT}}}}
links: [{between: [cp.launch, die.cp.launch], over: control}]
networks:
  control: {joins: [cp.control, die.cp.control], shape: switch, latency: 100 ns, bandwidth: 64 GB/s, link_model: MODEL}
"""
SHARED = """extends: wafer
parts: {die: {grid: [1, 3]}, cp: {launch_size: 64 MB}}
assemblies: {die: {parts: {cp: {report_size: 100 B}}}}
links: [{between: [cp.launch, die.cp.launch], over: d2d}]
networks:
  d2d:
    joins: [die.d2d.mesh, die.cp.control, cp.control]
    shape: edges
    edges:
      - ["die[0][0..1].d2d", "die[0][1..2].d2d"]
      - ["die[0][*].d2d", "die[0][*].cp"]
      - ["die[0][1].d2d", cp]
    link_model: MODEL
expect: null
"""
OVER = "{between: [cp.launch, die.cp.launch], over: control}"


def star(desk, model, launch="0 B", report="0 B"):
    """The path of a star of three dies that control reaches over a switch."""
    text = STAR.replace("MODEL", model).replace("LAUNCH", launch).replace("REPORT", report)
    return desk.topology(text, f"star_{model}_{launch.split()[0]}_{report.split()[0]}")


def layer_times(desk, path, engine="kernel", **more):
    """ps of each layer-step of expert 5, which lives on the last die, computed where it lives."""
    run = desk.run(path, desk.trace([[[5, 5]], [[5, 5]]]), "ep", preset="physical", engine=engine, **more)
    return run.table[:, run.columns.index("time_ps")]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["circuit", "fair", "flit"])
def test_messages_of_control_wait_for_one_another_as_on_any_network(desk, model):
    """Three plans leave by one link, and three reports come back by one.

    64 kB take 1 us of a link of 64 GB/s, and 6,400 B take 100 ns. `fair`: all arrive at once, behind all bytes;
    `circuit`: one behind the other, latency included; `flit`: bytes one behind the other, and a few cycles in routers.
    """
    sizes = ("64 kB", "6400 B")
    empty, full = (layer_times(desk, star(desk, model, *each)) for each in (("0 B", "0 B"), sizes))
    bytes_ps, near = (3 * 1000 + 3 * 100) * 1000, {"circuit": 0, "fair": 2, "flit": 20_000}
    assert all(abs(more - bytes_ps) <= near[model] for more in full - empty)
    alone = 2 * 200  # ns: two links there and two back
    own = layer_times(desk, "wafer", sets=("parts.die.grid=[1, 3]",))[0] - 2 * 1600 * 1000
    waited = {"circuit": 3 * alone, "fair": alone}
    if model in waited:
        assert empty.tolist() == [own + waited[model] * 1000] * 4
    plain = layer_times(desk, star(desk, model, *sizes), engine="plain")
    assert full.tolist() == plain.tolist()


@pytest.mark.parametrize("model", ["circuit", "fair"])
def test_plans_may_share_the_links_of_the_data(desk, model):
    """The global CP sits at the middle of three dies: plans of 64 MB and reports go over the dies' links."""
    path = desk.topology(SHARED.replace("MODEL", model), f"shared_{model}")
    trace = desk.trace([[[0, 5], [1, 2]], [[3, 6]]], [[[4, 2]], [[1, 5]]])
    runs = [desk.run(path, trace, "base", preset="physical", batch=2, engine=e) for e in ("kernel", "plain")]
    assert (runs[0].table == runs[1].table).all() and runs[0].statistics == runs[1].statistics
    [(_, names, stats)] = runs[0].links
    carried, steps = dict(zip(names, stats.bytes.tolist(), strict=True)), len(runs[0].table)
    assert (
        carried["cp -> die[0][1].d2d"] == 3 * 64_000_000 * steps and carried["die[0][1].d2d -> cp"] == 3 * 100 * steps
    )
    data = sum(value for _, name, _, value in runs[0].statistics if name == "remote_read_bytes")
    between = [n for n in carried if n.count(".d2d") == 2]
    assert sum(carried[n] for n in between) > data + 2 * 64_000_000 * steps


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_a_control_network_takes_as_long_as_wires_of_its_routes(desk, engine):
    """One link to die 2, two to die 0, three to die 1; the data network knows nothing of it."""
    wires = ", ".join(
        f'{{between: [cp.launch, "die[0][{die}].cp.launch"], latency: {ns} ns, bandwidth: 64 GB/s}}'
        for die, ns in enumerate((800, 900, 100))
    )
    over, wired = (desk.topology(CONTROL.replace("LINKS", t), n) for t, n in ((OVER, "over"), (wires, "wired")))
    told = {b: data["latency_ps"] for a, b, data in topology.load(over).wires() if a == "cp"}
    assert told == {"die[0][0].cp": 800_000, "die[0][1].cp": 900_000, "die[0][2].cp": 100_000}
    trace = desk.trace(TRACE, TRACE)
    runs = [desk.run(path, trace, "base", preset="physical", batch=2, engine=engine) for path in (over, wired)]
    times = [run.table[:, run.columns.index("time_ps")].tolist() for run in runs]
    assert times[0] == times[1] and runs[0].statistics == runs[1].statistics
    assert check_and_warn(over)[1] == []


@pytest.mark.parametrize(
    "link, words",
    [
        (OVER.replace("over: control", "over: contrl"), "6:9: no network is called 'contrl'.*nearest: control"),
        (
            OVER.replace("over: control", "over: d2d"),
            "6:9: cp takes no part in network d2d, which this link leads over",
        ),
        (OVER.replace("control}", "control, latency: 1 ns}"), "a link over a network has no parameter 'latency'"),
    ],
)
def test_a_link_over_a_network_that_cannot_be_is_refused(desk, link, words):
    with pytest.raises(BadInput, match=words):
        topology.load(desk.topology(CONTROL.replace("LINKS", link)))


@pytest.mark.parametrize(
    "was, now, words",
    [
        ('      - ["die[0][0].cp", "die[0][1].cp"]\n', "", ["network 'control'", "cannot be reached"]),
        ("latency: 100 ns", "latency: 100 furlongs", ["unknown unit 'furlongs'"]),
    ],
)
def test_a_network_that_cannot_be_is_the_one_fault_of_links_over_it(desk, was, now, words):
    text = CONTROL.replace("LINKS", OVER)
    assert was in text
    with pytest.raises(BadInput) as caught:
        topology.load(desk.topology(text.replace(was, now)))
    assert len(caught.value.faults) == 1 and all(word in str(caught.value) for word in words)


def test_a_link_over_a_region_of_another_network_is_refused(desk):
    text = BOTH.replace("ROUTING", "shortest") + "links: [{between: [cp.launch, die.cp.launch], over: ring}]\n"
    with pytest.raises(BadInput, match="network ring is a region of another; allowed: d2d"):
        topology.load(desk.topology(text))


@pytest.mark.parametrize(
    "link, ends",
    [
        ("[sm.memory, llc.access]", "sm.memory to .*llc.access"),
        ("[d2d.memory, hbm.access]", "d2d.memory to .*hbm.access"),
    ],
)
def test_a_latency_between_parts_that_read_from_one_another_is_refused_and_not_passed_over(desk, link, ends):
    """A run takes the times of the parts: such a latency was written, checked and read by nobody."""
    wires = ["[sm.memory, llc.access]", "[llc.memory, d2d.access]", "[d2d.memory, hbm.access]"]
    wires += ["[d2d.home_llc, llc.remote]", "[cp.kernel, sm.work]", "[cp.pdu, d2d.prediction]"]
    lines = [
        f"{{between: {w}, {'latency: 50 ns, bandwidth: 1 TB/s' if w == link else 'latency: included'}}}" for w in wires
    ]
    text = f"extends: wafer\nassemblies: {{die: {{links: [{', '.join(lines)}]}}}}\nparts: {{die: {{grid: [1, 2]}}}}\n"
    path = desk.topology(text)
    with pytest.raises(BadInput, match=rf"system.yaml:5:\d+: .*{ends}: reads take the times of these parts") as caught:
        desk.run(path, desk.trace(TRACE), "base", preset="physical")
    assert len(caught.value.faults) == 1
    with pytest.raises(BadInput, match=ends):
        check_and_warn(path)
