"""Is every text of `chipweave traffic` read to its end, and is what cannot be said of no packets left unsaid?"""

import json

import pytest

from chipweave.__main__ import main
from chipweave.errors import BadInput
from chipweave.noc import network as flit_network
from chipweave.noc.router import Router
from chipweave.noc.routing import grid
from chipweave.topology import build
from chipweave.traffic import synthetic as traffic
from chipweave.yamlfile import loads

MESH = grid([4, 4])


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """arguments of `traffic mesh_4x4` -> what is said of them, with exit code 2."""
    monkeypatch.chdir(tmp_path)

    def told(*arguments):
        with pytest.raises(SystemExit) as end:
            main(["traffic", "mesh_4x4", "--cycles", "100", *arguments])
        err = capsys.readouterr().err
        assert end.value.code == 2, err
        return err

    return told


@pytest.mark.parametrize("text", ["2.7", "2.999", "1,5.5", "{{1,4.2}}"])
def test_a_packet_size_with_a_fraction_is_refused(text):
    with pytest.raises(BadInput, match="no whole number"):
        traffic.sizes_of(text)


@pytest.mark.parametrize(
    "text", ["0.5", "1e400", "nan", "inf", "1,,5", "1,", "{1,5} x", "{{1},{2}", "0x10", "1 5", "", "-3"]
)
def test_a_packet_size_that_is_no_size_is_refused(text):
    with pytest.raises(BadInput, match="packet sizes"):
        traffic.sizes_of(text)


def test_a_size_in_another_spelling_is_the_same_size():
    assert traffic.sizes_of("5e0") == traffic.sizes_of("5.0") == traffic.sizes_of(" { { 5 } } ") == [(5, 1.0)]


@pytest.mark.parametrize(
    "pattern, words",
    [
        ("tornado({7.9,2})", "no whole number"),
        ("tornado({4,2,1})", "n dimensions of k"),
        ("neighbor({4,0})", "n dimensions of k"),
        ("transpose(3)", "takes no argument"),
        ("uniform(0.5)", "takes no argument"),
        ("hotspot({{1},{2},{3}})", "hotspot"),
        ("hotspot({0.5})", "hotspot"),
        ("permutation()", "names no file"),
        ("table", "names no file"),
    ],
)
def test_what_a_pattern_does_not_understand_is_refused(pattern, words):
    with pytest.raises(BadInput, match=words):
        traffic.parse(MESH, pattern)


@pytest.mark.parametrize(
    "injection, words",
    [
        ("on_off(.,0.1)", "allowed: bernoulli, on_off"),
        ("on_off(0.1.2,0.1)", "allowed: bernoulli, on_off"),
        ("on_off(0.1;0.1)", "allowed: bernoulli, on_off"),
        ("bernoulli(0.3)", "allowed: bernoulli, on_off"),
        ("on_off(0,0.1)", "never sends"),
        ("on_off(0.001,0.1)", "sends at most one packet a cycle"),
        ("on_off(0.5,-1,0.05)", "cannot be reached"),
        ("on_off(-1,0.2,0.1)", "sends at most 0.08333"),
    ],
)
def test_an_injection_that_cannot_be_is_refused(refused, injection, words):
    assert words in refused("--load", "0.1", "--injection", injection)


def test_an_on_off_source_offers_the_load_it_was_given():
    """Just below what a source can send, alpha / (alpha + beta) = 1/4 packets a cycle."""
    row = traffic.run(MESH, Router(), "neighbor", 0.2, injection="on_off(0.1,0.3)", cycles=20_000)
    assert row["offered_flits"] == pytest.approx(0.2, rel=0.03)
    with pytest.raises(BadInput, match=r"up to 0.25"):
        traffic.run(MESH, Router(), "neighbor", 0.26, injection="on_off(0.1,0.3)")


def test_of_no_packets_there_is_no_latency(capsys):
    with pytest.raises(SystemExit) as end:
        main(["traffic", "mesh_4x4", "--load", "0.0000001", "--cycles", "100", "--json", "-"])
    shown = capsys.readouterr()
    assert end.value.code == 0, shown.err
    row = json.loads(shown.out)
    assert row["packets"] == 0 and row["accepted_flits"] == 0 and row["saturated"] is False
    for name in ("latency_mean", "latency_p99", "network_latency_mean", "hops_mean", "latency_min", "latency_max"):
        assert row[name] is None
    assert row["classes"] == [{"packets": 0, "latency_p50": None, "latency_p99": None}]


def test_a_packet_larger_than_its_buffer_is_named_with_both_sizes(refused):
    words = refused("--load", "0.05", "--set", "flow_control=cut_through", "--set", "vc_depth=4", "--packet-flits", "5")
    assert "a packet of 5 flits does not fit a VC of 4" in words and "vc_depth at least 5" in words


def test_each_wrong_line_of_a_permutation_is_named(refused, tmp_path):
    (tmp_path / "p.txt").write_text("\n".join(["5", "-1", *map(str, range(2, 15)), "16"]))
    words = refused("--load", "0.1", "--pattern", "permutation(p.txt)")
    assert words.splitlines() == [
        (
            "p.txt:2: '-1' is no endpoint; allowed: a destination, 0 to "
            "15; an endpoint that sends nothing is written in table(FILE)"
        ),
        "p.txt:16: '16' is no endpoint; allowed: a destination, 0 to 15",
    ]
    (tmp_path / "p.txt").write_text("1 2 3")
    assert "p.txt: 3 destinations for 16 endpoints" in refused("--load", "0.1", "--pattern", "permutation(p.txt)")


def test_a_permutation_of_a_spreadsheet_is_read(tmp_path):
    (tmp_path / "p.txt").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(b"%d" % ((i + 1) % 16) for i in range(16)))
    assert traffic.parse(MESH, f"permutation({tmp_path / 'p.txt'})")[1] == [(i + 1) % 16 for i in range(16)]


def oblong(order, routing):
    """A 2 x 8 mesh numbered by `order`, as the flit kernel sees it."""
    text = (
        f"name: m\nnetworks:\n  m: {{grid: [2, 8], shape: mesh, order: {order}, "
        f"routing: {routing}, latency: 1 ns, bandwidth: 32 GB/s, link_model: flit}}\n"
    )
    return flit_network.of(build(loads(text)).networks["m"]).network


@pytest.mark.parametrize("routing", ["xy", "yx"])
@pytest.mark.parametrize("order", ["rows", "columns"])
def test_neighbours_are_neighbours_where_the_grid_is_not_square(order, routing):
    """The neighbour of (y, x) is (y + 1, x + 1) with wrap, tornado goes (k + 1) // 2 - 1, whatever the numbering."""
    number = (lambda y, x: x + 8 * y) if order == "rows" else (lambda y, x: y + 2 * x)
    net = oblong(order, routing)
    for pattern, dy, dx in (("neighbor", 1, 1), ("tornado", 0, 3)):
        targets = traffic.fixed(net, pattern)
        for y in range(2):
            for x in range(8):
                assert targets[number(y, x)] == number((y + dy) % 2, (x + dx) % 8)
