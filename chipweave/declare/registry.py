"""Kind -> class, found once, declared once.

Three ways in:

    chipweave.components, chipweave.policies     every module of the folder is imported (its __path__ is walked)
    entry points                                 groups chipweave.components and chipweave.policies: import is enough
    code                                         `my_lab.hbm4:Hbm4` or `./hbm4.py:Hbm4` in YAML, once code is allowed

A kind declared twice is refused, naming both modules.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import lru_cache
from importlib import metadata
from importlib.metadata import EntryPoint
from typing import Any, TypeVar

from chipweave.errors import BadInput, ChipweaveError, Fault, nearest

Class = TypeVar("Class", bound=type[Any])


class RegistryError(ChipweaveError):
    """The program or an installed package declares a kind wrongly."""


class Registry:
    """The kinds of one sort of thing.

    Args:
        what: "component", "policy" or "time model", for messages.
        package: the package whose modules declare kinds; also the name of the entry-point group.
    """

    def __init__(self, what: str, package: str) -> None:
        self.what, self.package = what, package
        self.classes: dict[str, type[Any]] = {}
        self.broken: list[str] = []
        self.discovered = False

    def declare(self, kind: str, cls: type[Any]) -> None:
        """Put `cls` under `kind`. The same class of the same module again (a module reloaded) takes its place."""
        there = self.classes.get(kind)
        if there is not None and _identity(there) != _identity(cls):
            raise RegistryError(
                f"{self.what} kind {kind!r} is declared twice: by "
                f"{_where(there)} and by {_where(cls)}; give one another kind"
            )
        self.classes[kind] = cls

    def declares(self, kind: str, base: type[Any]) -> Callable[[Class], Class]:
        """Class decorator: give a class derived from `base` its `kind`, and register it.

        Raises:
            TypeError: the class is not derived from `base`.
            RegistryError: the kind is declared already; the message names both modules.
        """

        def declare(cls: Class) -> Class:
            if not issubclass(cls, base):
                raise TypeError(f"{cls.__name__} is registered as a {self.what} and is not a {base.__name__}")
            cls.kind = kind
            self.declare(kind, cls)
            return cls

        return declare

    def discover(self) -> None:
        """Import what the package folder and the entry points hold; once."""
        if self.discovered:
            return
        self.discovered = True
        folder = importlib.import_module(self.package)
        for module in sorted(pkgutil.iter_modules(folder.__path__), key=lambda m: m.name):
            if not module.ispkg:
                importlib.import_module(f"{self.package}.{module.name}")
        for entry in entry_points(self.package):
            try:
                entry.load()
            except RegistryError:
                raise
            except Exception as error:  # a third party's package: reported only if its kind is needed
                self.broken.append(f"entry point {entry.name} = {entry.value} cannot be imported ({error})")

    def kinds(self) -> list[str]:
        """All kinds, sorted."""
        self.discover()
        return sorted(self.classes)

    def find(self, kind: str) -> type[Any]:
        """The class of a kind.

        Raises:
            BadInput: no such kind; says which there are and which is nearest.
        """
        if kind not in self.classes:
            self.discover()
        if kind not in self.classes:
            more = "".join(f"; {b}" for b in self.broken)
            more += "".join(f"; it is a {f.what}, not a {self.what}" for f in FAMILIES if kind in f.kinds())
            raise BadInput(
                Fault(
                    f"unknown {self.what} kind {kind!r}{more}",
                    allowed=", ".join(self.kinds()) or "none is there",
                    nearest=nearest(kind, self.classes),
                )
            )
        return self.classes[kind]


def entry_points(group: str) -> list[EntryPoint]:
    """The entry points of a group, by name and value: what installed packages declare under it."""
    return sorted(_installed().select(group=group), key=lambda e: (e.name, e.value))


@lru_cache(maxsize=1)
def _installed() -> Any:
    """All entry points. One walk over all installed packages opens a file of each: it serves every registry."""
    return metadata.entry_points()


def _identity(cls: type[Any]) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


def _where(cls: type[Any]) -> str:
    return f"{cls.__module__} ({cls.__qualname__})"


components = Registry("component", "chipweave.components")
policies = Registry("policy", "chipweave.policies")
time_models = Registry("time model", "chipweave.components.time_models")
link_models = Registry("link model", "chipweave.fabric.link_models")
serving_policies = Registry("serving policy", "chipweave.policies.serving")
FAMILIES = (components, policies, time_models, link_models, serving_policies)
