"""Is a file that was edited read anew in the same session, and a file of another folder not taken for it?"""

import json

import pytest
import yaml

from chipweave.component import characterised
from chipweave.errors import BadInput
from chipweave.serving import models as serving_models
from chipweave.serving import schedule
from chipweave.trace import models

DENSE = {
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "vocab_size": 10,
    "intermediate_size": 128,
}


def test_a_schedule(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text("schema: chipweave.schedule/1\nname: mine\nstreams: {dispatch: side}\n")
    assert schedule.load(str(file)).streams == {"dispatch": "side"}
    file.write_text("schema: chipweave.schedule/1\nname: mine\nstreams: {combine: other}\n")
    assert schedule.load(str(file)).streams == {"combine": "other"}


def test_a_config_of_a_model_in_each_of_two_folders(tmp_path, monkeypatch):
    for layers in (2, 3):
        (tmp_path / str(layers)).mkdir()
        (tmp_path / str(layers) / "config.json").write_text(json.dumps({**DENSE, "num_hidden_layers": layers}))
        monkeypatch.chdir(tmp_path / str(layers))
        assert serving_models.load("config.json").layers == layers


def test_a_model_of_traces(tmp_path, small_model):
    path = small_model(tmp_path / "m.yaml", experts=7)
    assert models.load(str(path)).experts == 7
    small_model(tmp_path / "m.yaml", experts=9)
    assert models.load(str(path)).experts == 9


def test_a_table_that_was_mended_is_read(tmp_path):
    file = tmp_path / "t.yaml"
    file.write_text("schema: chipweave.characterised/1\n")
    with pytest.raises(BadInput):
        characterised.load(file)
    good = yaml.safe_load(characterised.find("h100_sxm", "tables").read_text())
    file.write_text(yaml.safe_dump(good))
    assert characterised.load(file)


def test_what_has_not_changed_is_read_once(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text("schema: chipweave.schedule/1\nname: mine\n")
    assert schedule.load(str(file)) is schedule.load(str(file))
