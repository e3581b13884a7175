"""Does `check` say what a topology says without effect, each with its place, and nothing of what acts?"""

import pytest

from chipweave import topology
from chipweave.errors import BadInput
from chipweave.io.shipped import shipped
from chipweave.views.filetypes import check_and_warn

WAFER = "extends: wafer\nname: f\nparts:\n  die:\n    grid: [2, 2]\n"
RING = "name: f\nnetworks:\n  n: {routers: 4, shape: ring, latency: 1 ns, bandwidth: 1 TB/s%s}\n"
SAYS = {
    "an override that says what is there": (
        WAFER + '    override:\n      "[0][1]": {hbm: {capacity: 80e9 B}}\n',
        "f.yaml:7:7: die: override [0][1] changes nothing: what it says is there already, or said again by a later one",
    ),
    "an override that a later one lays aside": (
        WAFER
        + '    override:\n      "[0][1]": {hbm: {bandwidth: 1 TB/s}}\n      "[0][*]": {hbm: {bandwidth: 2 TB/s}}\n',
        "f.yaml:7:7: die: override [0][1] changes nothing: what it says is there already, or said again by a later one",
    ),
    "an override of a link that says what is there": (
        WAFER + "networks:\n  d2d:\n    override:\n"
        '      - {between: ["[0][0]", "[0][1]"], latency: 5 ns}\n'
        '      - {between: ["[1][0]", "[1][1]"], latency: 200 ns}\n',
        "f.yaml:10:9: network d2d: override of 1 links changes nothing: what it says is there already",
    ),
    "a sort of links of which there is none": (
        "extends: wafer\nname: f\nparts: {die: {grid: [1, 4]}}\nnetworks:\n  d2d:\n    links: {y: {latency: 5 ns}}\n",
        "f.yaml:6:13: network d2d has no link of sort 'y'",
    ),
    "a spread over one way": (
        RING.replace("ring", "full") % ", spread: packet",
        "f.yaml:3:66: network n: spread: packet changes nothing, every two endpoints have one way",
    ),
    "links on no route": (
        RING.replace("ring", "switch, switches: 2, spread: none") % "",
        "f.yaml:3:19: network n: n[0] -> n.switch[1], n[1] -> n.switch[1], n[2] -> n.switch[1], n[3] -> n.switch[1] "
        "and 4 more are on no route; nothing reaches n.switch[1]; spread: packet, pair or message uses all equally "
        "short ways",
    ),
    "an assembly that no part is made of": (
        WAFER + "assemblies:\n  old:\n    parts: {hbm: {kind: memory.hbm}}\n",
        "f.yaml:7:3: no part is made of assembly 'old'; allowed: parts: {...: {assembly: old}}",
    ),
}


def warned(folder, text, *sets):
    path = folder / "f.yaml"
    path.write_text(text)
    _, warnings = check_and_warn(str(path), options={"sets": sets} if sets else None)
    return [str(w).replace(f"{folder}/", "") for w in warnings]


@pytest.mark.parametrize("case", SAYS)
def test_what_has_no_effect_is_said_with_its_place(tmp_path, case):
    text, words = SAYS[case]
    assert warned(tmp_path, text) == [words]


def test_many_overrides_that_all_act_are_not_said_to_be_idle(tmp_path, monkeypatch):
    """What is tried in order to tell does not count as parts of the system: 96 of them are within 100."""
    monkeypatch.setattr("chipweave.topology.parts.MAX_PARTS", 100)
    places = [f"[{y}][{x}]" for y in range(4) for x in range(4)]
    overrides = "".join(f'      "{at}": {{hbm: {{bandwidth: {i + 1} TB/s}}}}\n' for i, at in enumerate(places))
    assert warned(tmp_path, WAFER.replace("[2, 2]", "[4, 4]") + "    override:\n" + overrides) == []


def test_a_setting_that_changes_nothing_is_said(tmp_path):
    words = "--set die[0][1].hbm.capacity=80 GB: die: override [0][1] changes nothing: what it says is there already"
    assert warned(tmp_path, WAFER, "die[0][1].hbm.capacity=80 GB") == [f"{words}, or said again by a later one"]


def test_a_part_nobody_uses_is_said_once_for_all_its_like(tmp_path):
    own = tmp_path / "own.py"
    own.write_text(
        "from chipweave.component import Component, Port, component\n"
        '@component("test.idle_pool")\nclass Pool(Component):\n'
        '    "a part"\n    ask = Port(uses="test.pool", optional=True)\n'
    )
    path = tmp_path / "f.yaml"
    path.write_text(WAFER + "  pool: {kind: ./own.py:Pool, count: 3}\n")
    _, warnings = check_and_warn(str(path), allow_code=True)
    words = "f.yaml:6:9: pool[0] (and 2 more like it) is unused: no link or network ends at it; allowed: a link to"
    assert [str(w).replace(f"{tmp_path}/", "") for w in warnings] == [f"{words} ask"]


def test_two_networks_of_the_dies_are_refused_with_the_way_to_join_them(tmp_path):
    text = WAFER.replace("name: f", "name: f\nassemblies: {die: {parts: {d2d: {kind: ./own.py:Two}}}}")
    (tmp_path / "own.py").write_text(
        "from chipweave.component import Port, component\nfrom chipweave.components.d2d_router import D2dRouter\n"
        '@component("test.two_doors")\nclass Two(D2dRouter):\n    "a router with a second door"\n'
        '    side = Port(uses="network")\n'
    )
    path = tmp_path / "f.yaml"
    path.write_text(text + "networks:\n  side: {joins: die.d2d.side, shape: ring, latency: 1 ns, bandwidth: 1 TB/s}\n")
    words = r"f.yaml:8:31: f: a run needs one network that joins its dies, not 2: d2d, side; allowed: .*regions: \["
    with pytest.raises(BadInput, match=words):
        check_and_warn(str(path), allow_code=True)


def test_an_override_behind_a_table_is_refused_with_the_cure(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(WAFER + '    override:\n      "[0][1]": {hbm: {table: h100_hbm, latency: 1 us}}\n')
    words = r"f.yaml:7:\d+: .*latency is not read: table h100_hbm stands in its place; allowed: table: null beside it"
    with pytest.raises(BadInput, match=words):
        topology.load(path)


def test_nothing_shipped_says_anything_without_effect():
    quiet = [name for name in shipped() if "hopper_die" not in name]
    assert len(quiet) > 20 and not [name for name in quiet if topology.load(name).idle()]


def test_a_part_taken_away_under_its_links_is_refused_with_the_cure(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(WAFER + '    override:\n      "[*][0]": {llc: null}\n')
    words = (
        "'llc.access': an override takes llc away from some die, .*; allowed: an assembly of its own for what has no"
    )
    with pytest.raises(BadInput, match=words) as caught:
        topology.load(path)
    assert len(caught.value.faults) == 3  # each link once, not once for each die


def test_a_slot_written_as_a_parameter_is_refused_with_the_cure(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(WAFER + '    override:\n      "[0][0]": {d2d: {atu: {entries: 10}}}\n')
    with pytest.raises(BadInput, match=r"7:24: d2d.router: atu is a slot and no parameter; allowed: slots: {atu: "):
        topology.load(path)


def test_a_pool_larger_than_any_model_passes(tmp_path):
    """Room for more copies than there are lines is no bound: 2 TB over slices of 512 B do not fit 32 bits."""
    path = tmp_path / "f.yaml"
    path.write_text(WAFER + '    override:\n      "[0][0]": {hbm: {capacity: 4000 TB}}\n')
    assert check_and_warn(str(path))[1] == []


def test_a_figure_that_no_run_reads_is_said_once(tmp_path):
    path = tmp_path / "tiles.yaml"
    path.write_text(
        "extends: micro_2x2\nname: tiles\nassemblies:\n  die:\n    parts:\n"
        "      sm: {kind: sm.tile, sms: 100, dram_latency: 400 ns}\n"
    )
    [warning] = check_and_warn(str(path))[1]
    assert warning.what.startswith("sm.tile: dram_latency is not read by a run: weights come through the die's LLC")
    assert warning.place.line == 6
