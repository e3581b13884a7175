"""Is an override that can change nothing refused with its place?"""

import pytest

import chipweave as cw

HEAD = "extends: micro_2x2\nname: m\nnetworks: {d2d: {routing: shortest}}\n"
HOLE = 'parts: {die: {absent: ["[1][1]"], override: {"%s": {hbm: {latency: 2 ns}}}}}\nexpect: null\n'
LINK = 'networks: {d2d: {override: [{between: ["[0][0]", "[0][1]"]%s}]}}\n'


def load(tmp_path, text):
    (tmp_path / "m.yaml").write_text(text)
    return cw.load(str(tmp_path / "m.yaml"))


def test_an_override_of_absent_dies_alone_is_refused(tmp_path):
    with pytest.raises(cw.BadInput, match=r"m.yaml:4:\d+: die: the override of \[1\]\[1\] changes nothing") as found:
        load(tmp_path, HEAD + HOLE % "[1][1]")
    assert len(found.value.faults) == 1


def test_an_override_of_some_dies_that_are_there_acts(tmp_path):
    parts = load(tmp_path, HEAD + HOLE % "[1][*]").parts
    assert parts["die[1][0].hbm"].latency == 2000 and "die[1][1].hbm" not in parts


@pytest.mark.parametrize("text", ["", ", absent: false", ", one_way: true"])
def test_an_override_of_a_link_that_says_nothing_is_refused(tmp_path, text):
    with pytest.raises(cw.BadInput, match=r"m.yaml:3:\d+: the override says nothing to change"):
        load(tmp_path, "extends: micro_2x2\nname: m\n" + LINK % text)
