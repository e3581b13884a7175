"""Fair: all transfers on a link share it, max-min fair, from instant to instant.

Models      progressive filling with integer rates: the tightest link fixes the rate of its transfers, again and again.
Leaves out  buffers, packets, flow control.
Checked by  tests/stages/test_kernel_equals_twin.py, validation/cases/analytic_links.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chipweave._kernel import ffi, lib
from chipweave.errors import ChipweaveError
from chipweave.fabric.link_models.base import Compiled, Routes
from chipweave.fabric.link_models.model import LinkModel, link_model
from chipweave.fabric.sends import speeds

if TYPE_CHECKING:
    from chipweave.plain.fair import PlainFair


@link_model("fair")
class Fair(LinkModel):
    """Transfers share each link max-min fairly."""

    splits = True

    @classmethod
    def plain(cls, layout: Any, network: Any, bin_ps: int, max_bins: int) -> PlainFair:
        """See LinkModel."""
        from chipweave.plain.fair import PlainFair

        return PlainFair(network, bin_ps, max_bins, speeds(layout, network))

    @classmethod
    def compile(cls, compiler: Any, network: Any, routes: Routes) -> CompiledFair:
        """See LinkModel."""
        return CompiledFair(compiler, network, routes)


class CompiledFair(Compiled):
    """csrc/stages/fair in the native engine."""

    def __init__(self, compiler: Any, network: Any, routes: Routes) -> None:
        super().__init__(network)
        self.model = lib.fair_new(routes.pointer, speeds(compiler.layout, network), *compiler.bins)
        if self.model == ffi.NULL:
            raise ChipweaveError(f"no memory for network {network.name}")
        self.own = compiler.add_network(lib.fair_operations(), self.model)

    def number(self, stage: tuple | None = None) -> int:
        """See Compiled."""
        return self.own

    def link_bins(self, bin_ps: Any, bins: Any) -> Any:
        """See Compiled."""
        return lib.fair_link_bins(self.model, bin_ps, bins)
