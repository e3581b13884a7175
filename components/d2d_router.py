"""D2D router of one die: decides where a read that missed the LLC goes, and carries what crosses the mesh.

Models      home is here -> local HBM; the ATU has a copy -> local HBM; else a request to the home die, its LLC (if
            its tags had the line when the read was looked up here) or its HBM, and the data back. A copy counts as used
            when its read from HBM starts, not when it is looked up. When the data has come and the PDU says so, a copy
            is stored off the critical path and entered in the ATU from the store's start (arXiv 2510.05497, section
            IV-E4; timing as in the artifact). A die may have several memories, none, or no LLC. Where the run moves
            tokens, their vectors go through the same network, one message from die to die.
Leaves out  headers of data messages, writes to remote memory.
Checked by  tests/components/test_d2d_router.py
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from chipweave.chain import DONE, Scope, amount, equal, modulo
from chipweave.component import Param, Port, Slot, Stat, component, token_moves
from chipweave.component.broadcast import method_of_all
from chipweave.component.controller import Controller
from chipweave.component.staged import Staged
from chipweave.component.transfer_operands import MOVES, OPERANDS
from chipweave.declare import registry
from chipweave.errors import BadInput, Fault, Place


@component("d2d.router")
class D2dRouter(Staged, Controller):
    """The die's door to the mesh, with its address table (ATU) and prediction unit (PDU)."""

    access = Port(provides="memory.access", many=True, optional=True, doc="reads that missed this die's LLC")
    memory = Port(uses="memory.backing", many=True, optional=True, doc="this die's HBM, one controller or several")
    home_llc = Port(uses="memory.lookup", many=True, optional=True, doc="this die's LLC, for other dies' requests")
    prediction = Port(provides="d2d.prediction", optional=True, doc="prediction bits from the local CP, for the PDU")
    mesh = Port(uses="network", doc="the die-to-die network")
    atu = Slot("d2d.atu", doc="which remote lines have a copy here")
    pdu = Slot("d2d.pdu", doc="which experts' lines to copy when they come")

    request_size = Param("bytes", default="16 B", low="1 B", each=True, doc="command and address of a remote read")
    efficiency = Param(
        "share",
        default=0.9,
        low=0.001,
        high=1,
        each=True,
        doc="of a link's bandwidth that long messages of this die reach; one figure for all dies but under circuit",
    )
    round_to = Param(
        "time",
        default="1 ps",
        low="1 ps",
        each=True,
        held=True,
        doc="times of this die's messages are rounded up to this, under circuit",
    )
    interleave = Param(
        "choice",
        default="line",
        choices=("line", "slice", "range"),
        doc=(
            "over several memories of a die: each slice over all by lines, slices in turn, or a range of slices to each"
        ),
    )

    request_hops = Stat("hops", "links passed by requests", metric="hops")
    token_bytes = Stat("bytes", "of tokens' vectors sent to other dies; 0 where tokens are not moved")

    def declare(self, layout: Any, work: Any) -> None:
        """How many lines there are: ranges of them go to several memories."""
        self.lines = work.lines
        self.check_efficiency()

    def check_efficiency(self) -> None:
        """Raise BadInput where dies differ in `efficiency` under a link model whose messages share links."""
        doors = [part for leader in self.others["mesh"] for part in leader.members if isinstance(part, D2dRouter)]
        network, counts = self.network(), Counter(part.efficiency for part in doors)
        if len(counts) == 1 or registry.link_models.find(network.model).held:
            return
        (usual, _), *_, (rarest, _) = counts.most_common()
        odd = next(part for part in doors if part.efficiency == rarest)
        raise BadInput(
            Fault(
                f"{odd.name}.efficiency is {float(rarest)}, that of others {float(usual)}: under {network.model} all "
                "messages of a network reach one share",
                odd.written.get("efficiency", Place()),
                "one efficiency for all dies, or link_model: circuit",
            )
        )

    def serve_access(self, chain: Any, at: str, home: str, then: str, local_fill: str | tuple[Any, ...] = ()) -> str:
        """Where a missed read goes, decided at the instant of the lookup; returns the first stage.

        local_fill  side chains that store the line in this die's LLC, once it has come from this die's memory
        """
        own = amount("slice_bytes", "activation_bytes")
        local = self.ask_memory("read", chain, name="hbm_local", at=at, work=own, fill=local_fill, then=then)
        copied = self.copy_read(chain, at, own, local_fill, local, then)
        remote = self.from_home(chain, at, home, self.keep(chain, at, then))
        address = self.atu.serve_test(chain, at, yes=copied, no=remote)
        return self.decide(chain, at, home, local, address)

    def carry(self, layout: Any, work: Any) -> None:
        """Tokens' vectors from this die to another's, and slices that come to live here."""
        if work.moves_tokens:
            chain = layout.chain(token_moves.CHAIN, token_moves.OPERANDS)
            count = self.counter("token_bytes").add("die", "bytes")
            chain.start = self.message(chain, "vectors", "die", "to", "bytes", then=DONE, count=count)
        if work.moves_weights and any(part.links["memory"] for part in self.members):
            chain = layout.chain(MOVES, OPERANDS, priority="remote")
            size = amount("slice_bytes")
            stored = self.ask_memory("write", chain, name="moved_store", at="die", work=size, mark=(), then=DONE)
            chain.start = self.from_home(chain, "die", "home", stored)

    def from_home(self, chain: Any, at: str, home: str, then: str) -> str:
        """The read of a slice from its home, by the die in operand `at`."""
        return self.across(
            "mesh",
            "remote",
            chain,
            on=home,
            needs="memory",
            home=home,
            at=at,
            request=lambda name, onwards: self.request(Scope(chain), name, at, home, onwards),
            then=then,
        )

    def serve_remote(self, chain: Any, at: Any, home: Any, request: Any, then: Any) -> Any:
        """A read of this die's memory by the die in operand `at`; `request(name, then)` is its message on the way
        here."""
        data = self.message(chain, "data", home, at, "slice_bytes", then=then)
        fill = self.timed(chain, self.ask("home_llc", "fill", chain, deal_by="line", absent=DONE, home=home))
        from_hbm = self.ask_memory(
            "read", chain, name="hbm_home", at=home, work=amount("slice_bytes"), remote=True, fill=fill, then=data
        )
        miss = request("request_hbm", from_hbm)
        if not any(part.links["home_llc"] for part in self.members):
            return miss
        from_llc = self.ask("home_llc", "hit", chain, deal_by="line", absent=from_hbm, home=home, then=data)
        hit = request("request_llc", from_llc)
        return self.ask("home_llc", "lookup", chain, deal_by="line", absent=miss, home=home, hit=hit, miss=miss)

    def ask_memory(self, what: Any, chain: Any, **options: Any) -> Any:
        """A read or write of this die's memory, of several controllers as `interleave` says."""
        striped = self.interleave == "line"
        return self.ask("memory", what, chain, deal_by=self.dealt, together=striped, absent=DONE, **options)

    def dealt(self, controllers: Any) -> Any:
        """The query that picks one of `controllers` for a slice."""
        if self.interleave == "slice":
            return modulo("line", controllers)
        ranges = [line * controllers // self.lines for line in range(self.lines)]
        return self.layout.which(ranges).at("line")

    def copy_read(self, chain: Any, at: str, own: Any, fill: str | tuple[Any, ...], local: str, then: str) -> str:
        """The read of a copy: a local read that, where reads count as use, renews the copy as it starts."""
        renewed = self.atu.refresh(at)
        if not renewed:
            return local
        return self.ask_memory("read", chain, name="hbm_copy", at=at, work=own, fill=fill, mark=renewed, then=then)

    def decide(self, chain: Any, at: str, home: str, local: str, address: str) -> str:
        """Home is here, or the ATU decides."""
        return chain.choose("is_home", equal(at, home), yes=local, no=address)

    def request(self, chain: Any, name: str, at: str, home: str, then: str) -> str:
        """The request message, counted in hops."""
        hops = self.counter("request_hops").add_hops(at, self.network(), at, home)
        return self.message(chain, name, at, home, lambda part: part.request_size, count=hops, then=then)

    def keep(self, chain: Any, at: Any, then: Any) -> Any:
        """What is known when the data is on its way back: whether a copy will be stored when it is here."""
        if not any(part.links["memory"] for part in self.members):
            return then
        store = self.timed(
            chain,
            self.ask_memory(
                "write",
                chain,
                name="copy_store",
                at=at,
                work=amount("slice_bytes"),
                mark=self.atu.enter(at),
                then=DONE,
            ),
        )
        kept = chain.outcome("copied", spawn=store, then=then)
        return self.pdu.serve_test(chain, at, yes=kept, no=then)

    def message(
        self, chain: Any, name: str, source: str, target: str, size: str | Callable[[Any], int], then: str, **more: Any
    ) -> str:
        """One message through the mesh, with the parameters of the die that sends it.

        size  the operand with its bytes, or a function of the sending die's part
        """

        def figures(part: Any) -> tuple[Any, ...]:
            return size if isinstance(size, str) else size(part), part.round_to, part.efficiency

        def send(part: Any) -> str:
            return Scope(chain).send(name, self.network(), source, target, *figures(part), then=then, **more)

        return self.stage_by_die(chain, f"whose {name}", source, figures, send)

    def network(self) -> Any:
        """The chipweave.chain.nouns.LayoutNetwork that joins the dies."""
        return self.networks["mesh"]

    def on_prediction(self, sub_kernel: Any) -> None:
        """The local CP programs this die's PDU for the kernel that comes."""
        self.pdu.program(self.simulation.fabric, sub_kernel.prediction())

    def on_prediction_all(self, sub_kernel: Any) -> None:
        """The same for all of its dies at once."""
        program_all = method_of_all(self.pdu, "program")
        if program_all is not None:
            program_all(self.simulation.fabric, sub_kernel.dies, sub_kernel.mask)
            return
        for die in sub_kernel.dies:
            self.replicas[die].on_prediction(sub_kernel.of((die,)))
