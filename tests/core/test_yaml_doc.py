"""Does docs/guide/yaml.md tell the truth: does every example build, and does every fault read as shown?"""

import configparser
import re
from pathlib import Path

import pytest

from chipweave import topology
from chipweave.errors import BadInput
from chipweave.topology.network_settings import SETTINGS, STRUCTURE
from chipweave.topology.tree import TOP

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "guide" / "yaml.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.S | re.M)
GOOD = [
    body
    for i, (kind, body) in enumerate(BLOCKS)
    if kind == "yaml"
    and BLOCKS[i + 1 : i + 2] != []
    and BLOCKS[i + 1][0] != "text"
    or (kind == "yaml" and i == len(BLOCKS) - 1)
]
BAD = [
    (body, BLOCKS[i + 1][1])
    for i, (kind, body) in enumerate(BLOCKS)
    if kind == "yaml" and BLOCKS[i + 1 : i + 2] and BLOCKS[i + 1][0] == "text"
]


@pytest.mark.parametrize("body", GOOD, ids=lambda b: re.search(r"name: (\w+)", b).group(1))
def test_an_example_builds(tmp_path, body):
    path = tmp_path / "my.yaml"
    path.write_text(body)
    system = topology.load(path)
    assert system.graph.number_of_nodes()


@pytest.mark.parametrize("body, shown", BAD)
def test_faults_read_as_shown(tmp_path, monkeypatch, body, shown):
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(body)
    with pytest.raises(BadInput) as error:
        topology.load("my.yaml")
    told = [re.sub(r"allowed: [^;]*(?=; nearest)", "allowed: ...", str(f)) for f in error.value.faults]
    assert told == shown.strip().splitlines()


def test_there_are_examples_of_both():
    assert len(GOOD) >= 6 and len(BAD) == 1


def test_every_key_of_a_file_and_of_a_network_is_described():
    habits = ("booking", "barging", "wake")  # single habits of an admission, for studies; docs/reference/stages.md
    for key in (*TOP, *SETTINGS, *STRUCTURE):
        assert f"`{key}`" in TEXT or f"`{key}:" in TEXT or key in habits, key


def test_every_dependency_has_its_reason():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    text = (ROOT / "docs" / "design" / "dependencies.md").read_text(encoding="utf-8")
    named = [
        re.split("[>=]", line)[0]
        for section in (config["options"]["install_requires"], *config["options.extras_require"].values())
        for line in section.split("\n")
        if line
    ]
    assert named and not [n for n in named if not re.search(rf"\b{n}\b", text)]
