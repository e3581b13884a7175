"""Does a setting, a preset or a swapped kind reach what it names, under the same checks?"""

import pytest

from chipweave.declare import yamlfile
from chipweave.topology import preset as topology_preset
from chipweave.topology.preset import Preset


@pytest.mark.parametrize(
    "setting, part, parameter, value",
    [
        ("die.hbm.latency=5 ns", "die[2][1].hbm", "latency", 5000),
        ("assemblies.die.parts.hbm.latency=5 ns", "die[2][1].hbm", "latency", 5000),
        ("die[2][1].hbm.latency=5 ns", "die[2][1].hbm", "latency", 5000),
        ("die[2][*].hbm.latency=5 ns", "die[2][1].hbm", "latency", 5000),
        ("die[1..2][1].hbm.latency=5 ns", "die[2][1].hbm", "latency", 5000),
        ("die.hbm.latency={value: 5 ns, source: my bench, kind: measured}", "die[2][1].hbm", "latency", 5000),
        ("die.router.spare={kind: t.table, entries: 7}", "die[0][0].router.spare", "entries", 7),
        ("parts.die.grid=[3, 4]", "die[2][3].hbm", "latency", 300_000),
        ("die.grid=[3, 4]", "die[2][3].hbm", "latency", 300_000),
    ],
)
def test_a_setting_reaches_a_parameter(build, wafer, setting, part, parameter, value):
    text = wafer.replace("{kind: t.router}", "{kind: t.router, slots: {}}")
    if "spare" in setting:
        setting = setting.replace("router.spare", "router.slots.spare")
    assert getattr(build(text, setting).parts[part], parameter) == value


def test_a_setting_for_one_die_leaves_the_others(build, wafer):
    system = build(wafer, "die[2][1].hbm.latency=5 ns")
    assert [p.latency for p in system.of_kind("t.memory")].count(300_000) == 5


@pytest.mark.parametrize("setting", ["d2d.latency=5 ns", "networks.d2d.latency=5 ns", "latency=5 ns"])
def test_a_setting_reaches_a_network(build, wafer, setting):
    graph = build(wafer, setting).networks["d2d"].graph
    assert {d["latency_ps"] for *_, d in graph.edges(data=True)} == {5000}


def test_a_setting_reaches_every_router_parameter(build, wafer):
    assert build(wafer, "router.vcs=8", "d2d.router.vc_depth=2").networks["d2d"].router.vcs == 8


def test_the_last_setting_wins(build, wafer):
    assert build(wafer, "die.hbm.latency=5 ns", "die.hbm.latency=6 ns").parts["die[0][0].hbm"].latency == 6000


@pytest.mark.parametrize(
    "setting, message",
    [
        ("die.hbm.latency", "--set die.hbm.latency: a setting is written a.b=value"),
        (
            "die.hbm.latncy=1 ns",
            (
                "--set die.hbm.latncy=1 ns: t.memory has no parameter 'latncy'; "
                "allowed: latency, bandwidth, round_to; nearest: latency"
            ),
        ),
        ("dye.hbm.latency=1 ns", "--set dye.hbm.latency=1 ns: unknown key"),
        ("die.hbm.latency=1 GB", "latency: '1 GB' is not a time"),
        ("die.hbm.latency=[1", "not YAML"),
        ("die.hbm.latency=!!python/name:os.system", "tags are not used here"),
        ("die..latency=1 ns", "'die..latency' is not a path"),
        ("d2d.link_model=curcuit", "link_model cannot be 'curcuit'; allowed: circuit, fair, flit; nearest: circuit"),
    ],
)
def test_a_wrong_setting_is_a_fault_of_its_own(faults, wafer, setting, message):
    told = faults(wafer, setting)
    if "unknown key" in message:
        assert "network d2d has no parameter 'dye'" in told[0]
    else:
        assert message in told[0]


def test_a_kind_is_swapped_by_one_line_and_what_it_does_not_declare_is_passed_over(build, wafer):
    part = build(wafer, "die.hbm.kind=t.twin").parts["die[1][1].hbm"]
    assert (part.kind, part.bandwidth) == ("t.twin", 3_350_000_000_000)
    from chipweave.component import Component, Param, Port
    from chipweave.declare import registry

    class Own(Component):
        access = Port(provides="memory.access", many=True)
        speed = Param("int", default=3)

    Own.kind = "t.own"
    registry.components.declare("t.own", Own)
    assert build(wafer, "die.hbm.kind=t.own", "die.hbm.speed=4").parts["die[1][1].hbm"].values == {"speed": 4}


def test_a_user_s_file_is_a_component_like_ours(build, wafer, tmp_path):
    (tmp_path / "hbm4.py").write_text(
        "from chipweave.component import Component, Param, Port\n"
        "class Hbm4(Component):\n    access = Port(provides='memory.access', many=True)\n"
        "    bandwidth = Param('bandwidth')\n"
    )
    system = build(wafer.replace("t.memory", "./hbm4.py:Hbm4"), folder=tmp_path, allow_code=True)
    assert system.parts["die[0][0].hbm"].kind == "./hbm4.py:Hbm4" and list(system.code) == ["./hbm4.py:Hbm4"]


PRESET = Preset(
    yamlfile.loads("""
name: rounded
kinds: {t.memory: {round_to: 1 ns, latency: 7 ns}}
networks: {d2d: {duplex: undirected}, other: {duplex: undirected}}
""")
)


def test_a_preset_wins_over_the_file_and_a_setting_over_the_preset(build, wafer):
    text = wafer.replace("kind: t.memory", "kind: t.memory, latency: 1 ns")
    memory = build(text, preset=PRESET).parts["die[0][0].hbm"]
    assert (memory.latency, memory.round_to) == (7000, 1000)
    system = build(text, "die.hbm.latency=9 ns", preset=PRESET)
    assert (system.parts["die[0][0].hbm"].latency, system.preset) == (9000, "rounded")
    assert system.networks["d2d"].duplex == "undirected"
    assert build(text, "d2d.duplex=directed", preset=PRESET).networks["d2d"].duplex == "directed"


def test_a_preset_reaches_the_twin_of_a_kind(build, wafer):
    assert build(wafer, "die.hbm.kind=t.twin", preset=PRESET).parts["die[0][0].hbm"].round_to == 1000


def test_a_wrong_preset_is_told(tmp_path):
    from chipweave.errors import BadInput

    path = tmp_path / "p.yaml"
    path.write_text("name: p\nkinds: {t.memory: {rond_to: 1 ns, latency: 0 ps}, t.memori: {}}\nmore: 1\n")
    with pytest.raises(BadInput) as error:
        topology_preset.load(path)
    told = [str(f) for f in error.value.faults]
    assert len(told) == 4 and "nearest: round_to" in told[0] and "nearest: t.memory" in told[2]
