"""What a link model is, and how one is declared."""

from collections.abc import Callable
from typing import Any, TypeVar

from chipweave.declare import registry
from chipweave.fabric.link_models.base import Compiled, Routes
from chipweave.fabric.link_models.python import CalledBack

Class = TypeVar("Class", bound=type)


class LinkModel:
    """The base of all link models; the first line of a subclass's docstring is what `info` prints.

    Attributes of the class:
        kind: its name in YAML, set by @link_model.
        held: whether a route is held whole, so that its time is known beforehand (then admissions apply).
        splits: whether a message may take several ways at once (chipweave.chain.ways).
    """

    kind = ""
    held = False
    splits = False

    @classmethod
    def about(cls) -> str:
        """The class's own words."""
        return cls.__doc__ or ""

    @classmethod
    def options(cls, network: Any) -> dict:
        """What the layout's network carries for this model, from the topology's chipweave.noc.graph_network.Network."""
        return {}

    @classmethod
    def warnings(cls, network: Any) -> list[str]:
        """What is allowed on a topology's network under this model and has a cost; BadInput for what is not."""
        return []

    @classmethod
    def plain(cls, layout: Any, network: Any, bin_ps: int, max_bins: int) -> Any:
        """The model in Python, or None where the plain engine has it built in (circuit).

        It has `send(now, message, source, target, size, stage)`, `next_time()` (ps, or None), `advance(now)` (the
        messages that have arrived, in order) and `statistics()` (a LinkStatistics). Times are absolute ps, sizes bytes.
        """
        raise NotImplementedError

    @classmethod
    def compile(cls, compiler: Any, network: Any, routes: Routes) -> Compiled:
        """The network in the native engine; without C code of its own, the plain model called from there."""
        return CalledBack(compiler, network, cls.plain(compiler.layout, network, *compiler.bins))


def link_model(kind: str) -> Callable[[Class], Class]:
    """Class decorator: register a LinkModel under `kind`.

    Raises:
        TypeError: the class is no LinkModel.
        RegistryError: the kind is declared already; the message names both modules.
    """
    return registry.link_models.declares(kind, LinkModel)
