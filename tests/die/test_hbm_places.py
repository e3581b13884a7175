"""Where does the plain HBM channel put an address, and when is each pseudo channel refreshed first?"""

from collections import Counter

import pytest

from chipweave.line_rate.endpoints import load_table
from chipweave.plain.endpoints import READ, Message
from chipweave.plain.hbm_channel import LINE, PlainHbmChannel

SIZES = {"pseudo_channels": 2, "bank_groups": 4, "banks": 16, "unit": 2, "row_lines": 8}


def channel(**given):
    values = {name: p[1] if p[1] is not None else p[2] for name, p in load_table("hbm_channel").parameters.items()}
    return PlainHbmChannel(None, 0, {**values, **SIZES, **given})


def place(made, monkeypatch, line):
    """(pseudo channel, bank, row) of a line, without any time passing."""
    found = []
    monkeypatch.setattr(made, "end_of_pause", lambda pc, now: None)
    monkeypatch.setattr(made, "step", lambda pc, now: None)
    monkeypatch.setattr(made, "see", lambda pc, kind, entry: found.append((made.pcs.index(pc), entry.bank, entry.row)))
    made.host = type("Host", (), {"time": 0})
    made.receive(Message(line * LINE, kind=READ, mask=15))
    return found[0]


def test_units_go_round_pseudo_channels_then_bank_groups(monkeypatch):
    made = channel()
    places = [place(made, monkeypatch, line) for line in range(0, 32, 2)]
    assert [pc for pc, _, _ in places] == [0, 1] * 8
    groups = [bank % SIZES["bank_groups"] for _, bank, _ in places]
    assert groups[::2] == [0, 1, 2, 3, 0, 1, 2, 3] and groups[1::2] == groups[::2]
    assert {row for _, _, row in places} == {0}


def test_every_row_of_every_bank_holds_as_many_lines(monkeypatch):
    """Eight rows of all banks: no two lines share a place that has no room for both."""
    made = channel()
    lines = 8 * SIZES["pseudo_channels"] * SIZES["banks"] * SIZES["row_lines"]
    used = Counter(place(made, monkeypatch, line) for line in range(lines))
    assert set(used.values()) == {SIZES["row_lines"]} and len(used) == 8 * 2 * 16
    assert {row for _, _, row in used} == set(range(8))


def test_a_large_power_of_two_apart_is_not_one_bank(monkeypatch):
    made = channel()
    apart = SIZES["pseudo_channels"] * SIZES["banks"] * SIZES["row_lines"]
    assert len({place(made, monkeypatch, i * apart)[1] for i in range(16)}) > 1


@pytest.mark.parametrize("phase, first", [(0, [0, 1950]), (300, [300, 2250]), (3000, [3000, 1050])])
def test_refreshes_of_pseudo_channels_are_half_an_interval_apart(phase, first):
    made = channel(phase=phase, nREFI=3900)
    assert [pc.refresh_at for pc in made.pcs] == first
