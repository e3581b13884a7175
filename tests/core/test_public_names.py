"""Do the module names that users' files write lead to the modules that stand behind them?"""

import importlib

import pytest

import chipweave


@pytest.mark.parametrize("name", chipweave.OTHER_NAMES)
def test_another_name_gives_the_very_module(name):
    behind = f"chipweave.{chipweave.OTHER_NAMES[name]}"
    module = importlib.import_module(f"chipweave.{name}")
    assert module is importlib.import_module(behind)
    assert module.__name__ == module.__spec__.name == behind
    assert getattr(chipweave, name) is module


def test_a_name_that_nothing_stands_behind_is_an_import_error():
    with pytest.raises(ModuleNotFoundError, match="chipweave.stagged"):
        importlib.import_module("chipweave.stagged")
