"""One decorator for both sorts of classes that a user writes."""

from collections.abc import Callable
from typing import TypeVar

from chipweave.component.component import Component, component
from chipweave.policy.roles import Policy, policy

Class = TypeVar("Class", bound=type)


def register(kind: str) -> Callable[[Class], Class]:
    """Class decorator: give a component or a policy its kind, by which topologies and strategies name it.

    Args:
        kind: "memory.hbm4" for a component, "ROLE.name" for a policy ("allocation.mine").
    Raises:
        TypeError: the class is neither a Component nor a Policy of that role.
        RegistryError: the kind is declared already; the message names both modules.
    """

    def declare(cls: Class) -> Class:
        if issubclass(cls, Component):
            return component(kind)(cls)
        if issubclass(cls, Policy):
            return policy(kind)(cls)
        raise TypeError(
            f"{cls.__name__} is registered as {kind!r}: it must derive from a component or from a policy's role"
        )

    return declare
