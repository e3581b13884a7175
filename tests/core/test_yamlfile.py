"""Does a YAML file read as a person reads it, and is every fault told with its place?"""

import pytest

from chipweave.declare import yamlfile
from chipweave.errors import BadInput


def faults(text):
    with pytest.raises(BadInput) as error:
        yamlfile.loads(text, "f.yaml")
    return [str(f) for f in error.value.faults]


@pytest.mark.parametrize(
    "text, value",
    [
        ("1e9", 10**9),
        ("2.5e3", 2500),
        ("1:30", "1:30"),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("2024-01-01", "2024-01-01"),
        ("0x10", 16),
        ("0o10", 8),
        ("'010'", "010"),
        ("1_000", 1000),
        ("1.0", 1.0),
        (".inf", ".inf"),
        ("=", "="),
        ("~", None),
        ("true", True),
        ("3.35 TB/s", "3.35 TB/s"),
    ],
)
def test_a_scalar_means_what_a_person_reads(text, value):
    read = yamlfile.loads(f"key: {text}").plain()["key"]
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize(
    "text, message",
    [
        ("a: 1\na: 2", "f.yaml:2:1: key 'a' is given twice, first at f.yaml:1:1"),
        ("a:\n  <<: {b: 1}", "f.yaml:2:3: merge key <<: not used here, write the keys out"),
        (
            "a: !!python/object:os.system x",
            "f.yaml:1:4: tag tag:yaml.org,2002:python/object:os.system: tags are not used here",
        ),
        ("a: !!int 3", "f.yaml:1:4: tag tag:yaml.org,2002:int: tags are not used here"),
        ("a: &x 1", "f.yaml:1:4: anchor &x: anchors are not used here"),
        ("a: 010", "f.yaml:1:4: 010 could be read as octal; allowed: 10, or '010' in quotes for a text"),
        ("a: 1\n---\nb: 1", "f.yaml:2:1: a second document; one file holds one"),
        ("? [1]\n: 2", "f.yaml:1:3: a key must be a text"),
        ("~: 2", "f.yaml:1:1: a key must be a text"),
        ("", "f.yaml: the file is empty"),
        ("# only words", "f.yaml: the file is empty"),
        (b"\xff\xfe\x00", "f.yaml: byte 0 is not UTF-8 text"),
    ],
)
def test_a_surprise_is_a_fault_at_its_place(text, message):
    assert message in faults(text)[0]


def test_all_faults_of_a_file_come_together():
    assert len(faults("a: 1\na: 2\nb: !x 1\nc: 010\nd: &q [1]\ne: *q")) == 5


def test_broken_yaml_names_its_place():
    assert faults("a: [1\nb: 2")[0].startswith("f.yaml:2:")
    assert faults("\ta: 1")[0].startswith("f.yaml:1:")


def test_an_alias_bomb_is_refused_before_it_grows():
    bomb = "a: &a [x]\n" + "".join(f"b{i}: &b{i} [*a, *a, *a]\n" for i in range(20))
    assert any("aliases are not used" in f for f in faults(bomb))


def test_size_depth_and_nodes_are_bounded(monkeypatch, tmp_path):
    assert any("nested deeper" in f for f in faults("a: " + "[" * 1000 + "]" * 1000))
    assert yamlfile.loads("a: " + "[" * 38 + "]" * 38)
    monkeypatch.setattr(yamlfile, "MAX_NODES", 100)
    assert any("more than 100" in f for f in faults("a: [" + "1, " * 200 + "]"))
    monkeypatch.setattr(yamlfile, "MAX_BYTES", 100)
    large = tmp_path / "large.yaml"
    large.write_text("a: " + "x" * 200)
    with pytest.raises(BadInput, match="larger than 100 bytes"):
        yamlfile.load(large)


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        yamlfile.load(tmp_path / "none.yaml")


def test_every_key_and_value_knows_its_place():
    root = yamlfile.loads("die:\n  hbm: {bandwidth: 3.35 TB/s}\n", "f.yaml")
    hbm = root.get("die").get("hbm")
    assert str(hbm.keys["bandwidth"]) == "f.yaml:2:9"
    assert str(hbm.get("bandwidth").place) == "f.yaml:2:20"
    assert hbm.get("bandwidth").text == "3.35 TB/s"
