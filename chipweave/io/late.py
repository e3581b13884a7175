"""Libraries that are slow to import, imported when something of theirs is first used: `pa = late("pyarrow")`."""

import importlib
from types import ModuleType
from typing import Any


class Late(ModuleType):
    """Stands for a module until an attribute of it is used."""

    def __getattr__(self, name: str) -> Any:
        """Import the module at the first use of a name, and keep what was found."""
        if name.startswith("__"):  # what inspection asks every module for
            raise AttributeError(name)
        value = getattr(importlib.import_module(self.__name__), name)
        setattr(self, name, value)
        return value


def late(name: str) -> Any:
    """The module `name`, not yet imported.

    >>> late("json").loads("[1]")
    [1]
    """
    return Late(name)
