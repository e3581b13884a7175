"""Circuit: a transfer holds every link of its route from start to end.

Models      the published artifact's links: all or nothing, by an admission (docs/guide/link_models.md).
Leaves out  sharing of a link by transfers at the same time.
Checked by  tests/stages/test_kernel_equals_twin.py, validation/cases/analytic_links.py
"""

from typing import Any

from chipweave._kernel import lib
from chipweave.chain.link_statistics import lock_numbers
from chipweave.fabric.link_models.base import Compiled, Routes
from chipweave.fabric.link_models.model import LinkModel, link_model


@link_model("circuit")
class Circuit(LinkModel):
    """A transfer holds every link of its route while it lasts."""

    held = True
    splits = True

    @classmethod
    def plain(cls, layout: Any, network: Any, bin_ps: int, max_bins: int) -> None:
        """The plain engine holds links as it holds other resources."""

    @classmethod
    def compile(cls, compiler: Any, network: Any, routes: Routes) -> "CompiledCircuit":
        """Links become resources of the native engine."""
        return CompiledCircuit(compiler, network, routes)


class CompiledCircuit(Compiled):
    """Locks of links in the native engine (csrc/stages/links.c)."""

    def __init__(self, compiler: Any, network: Any, routes: Routes) -> None:
        super().__init__(network)
        self.handle, locks = compiler.handle, lock_numbers(network)
        self.own = compiler.made(lib.stages_add_circuit(self.handle, routes.number, len(set(locks)), locks))
        first = lib.stages_circuit_first(self.handle, self.own)
        names: dict[int, list[str]] = {}
        for link, lock in zip(network.links, locks, strict=True):
            names.setdefault(lock, []).append(link.name)
        for lock, both in names.items():
            compiler.labels[first + lock] = f"{network.name} link " + " / ".join(both)

    def number(self, stage: tuple | None = None) -> int:
        """See Compiled."""
        return self.own

    def link_bins(self, bin_ps: Any, bins: Any) -> Any:
        """See Compiled."""
        return lib.stages_link_bins(self.handle, self.own, bin_ps, bins)
