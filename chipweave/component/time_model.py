"""Time models: declared formulas for one call (a collective, a copy), which are no parts and stand in no topology."""

from collections.abc import Callable
from typing import TypeVar

from chipweave.declare import registry
from chipweave.declare.params import Declared

Class = TypeVar("Class", bound=type)


class TimeModel(Declared):
    """The base of all time models. See `Declared` for parameters.

    A subclass has `time(...)`, which returns picoseconds of one call, and what else its callers need.
    """


def time_model(kind: str) -> Callable[[Class], Class]:
    """Class decorator: register a TimeModel under `kind` ("comm.nccl").

    Raises:
        TypeError: the class is no TimeModel.
        RegistryError: the kind is declared already; the message names both modules.
    """
    return registry.time_models.declares(kind, TimeModel)
