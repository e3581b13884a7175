"""D2D router of one die: decides where a read that missed the LLC goes, and carries what crosses the mesh.

Models      home is here -> local HBM; the ATU has a copy -> local HBM; else a request to the home die, its LLC (if
            its tags had the line when the read was looked up here) or its HBM, and the data back. A copy counts as used
            when its read from HBM starts, not when it is looked up. When the data has come and the PDU says so, a copy
            is stored off the critical path and entered in the ATU from the store's start (arXiv 2510.05497, section
            IV-E4; timing as in the artifact).
Leaves out  headers of data messages, writes to remote memory.
Checked by  tests/components/test_d2d_router.py
"""

from chipweave.chain import DONE, amount, equal
from chipweave.component import Param, Port, Slot, Stat, component
from chipweave.component.controller import Controller
from chipweave.component.staged import Staged


@component("d2d.router")
class D2dRouter(Staged, Controller):
    """The die's door to the mesh, with its address table (ATU) and prediction unit (PDU)."""

    access = Port(provides="memory.access", doc="reads that missed this die's LLC")
    memory = Port(uses="memory.backing", doc="this die's HBM")
    home_llc = Port(uses="memory.lookup", doc="this die's LLC, for other dies' requests")
    prediction = Port(provides="d2d.prediction", doc="prediction bits from the local CP, for the PDU")
    mesh = Port(uses="network", doc="the die-to-die network")
    atu = Slot("d2d.atu", doc="which remote lines have a copy here")
    pdu = Slot("d2d.pdu", doc="which experts' lines to copy when they come")

    request_size = Param("bytes", default="16 B", low="1 B", doc="command and address of a remote read")
    efficiency = Param("share", default=0.9, low=0.001, high=1, doc="of a link's bandwidth that long messages reach")
    round_to = Param("time", default="1 ps", low="1 ps", doc="message times are rounded up to this")

    request_hops = Stat("hops", "links passed by requests", metric="hops")

    def serve_access(self, chain, at, home, local_fill, home_fill, then):
        """Where a missed read goes, decided at the instant of the lookup; returns the first stage."""
        own = amount("slice_bytes", "activation_bytes")
        local = self.ask("memory", "read", chain, name="hbm_local", at=at, work=own, fill=local_fill, then=then)
        copied = self.copy_read(chain, at, own, local_fill, local, then)
        data = self.data_back(chain, at, home, then)
        from_hbm = self.ask(
            "memory",
            "read",
            chain,
            name="hbm_home",
            at=home,
            work=amount("slice_bytes"),
            remote=True,
            fill=home_fill,
            then=data,
        )
        from_llc = self.ask("home_llc", "hit", chain, home=home, then=data)
        hit = self.request(chain, "request_llc", at, home, then=from_llc)
        miss = self.request(chain, "request_hbm", at, home, then=from_hbm)
        remote = self.ask("home_llc", "lookup", chain, home=home, hit=hit, miss=miss)
        address = self.atu.serve_test(chain, at, yes=copied, no=remote)
        return self.decide(chain, at, home, local, address)

    def copy_read(self, chain, at, own, fill, local, then):
        """The read of a copy: a local read that, where reads count as use, renews the copy as it starts."""
        renewed = self.atu.refresh(at)
        return (
            self.ask("memory", "read", chain, name="hbm_copy", at=at, work=own, fill=fill, mark=renewed, then=then)
            if renewed
            else local
        )

    def decide(self, chain, at, home, local, address):
        """Home is here, or the ATU is asked."""
        return chain.choose("is_home", equal(at, home), yes=local, no=address)

    def request(self, chain, name, at, home, then):
        """The request message, counted in hops."""
        hops = self.counter("request_hops").add_hops(at, self.network(), at, home)
        return self.message(chain, name, at, home, self.request_size, count=hops, then=then)

    def data_back(self, chain, at, home, then):
        """The slice on its way back; at its start it is known whether a copy will be stored when it is here."""
        store = self.ask(
            "memory",
            "write",
            chain,
            name="copy_store",
            at=at,
            work=amount("slice_bytes"),
            mark=self.atu.enter(at),
            then=DONE,
        )
        kept = chain.outcome("copied", spawn=store, then=then)
        wanted = self.pdu.serve_test(chain, at, yes=kept, no=then)
        return self.message(chain, "data", home, at, "slice_bytes", then=wanted)

    def message(self, chain, name, source, target, size, then, **more):
        """One message through the mesh."""
        return chain.send(name, self.network(), source, target, size, self.round_to, self.efficiency, then=then, **more)

    def network(self):
        """The chipweave.chain.nouns.Network that joins the dies."""
        return self.networks["mesh"]

    def on_prediction(self, sub_kernel):
        """The local CP programs this die's PDU for the kernel that comes."""
        self.pdu.program(self.simulation.fabric, sub_kernel.prediction())
