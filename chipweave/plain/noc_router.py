"""One router of the plain network: input VCs, output VCs, and five stages walked once a step.

    arrivals -> RC -> VC allocation -> switch allocation -> crossbar -> output queue -> wire

Every stage first evaluates on the state as it is now, then all update, in the order RC, VA, held switch, SA, ST; what
becomes ready in an update is worked on in the next step. Slow and obvious on purpose.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING

from chipweave.noc.allocator import Allocator
from chipweave.plain.noc_vc import ACTIVE, IDLE, ROUTING, VC_ALLOC, Choice, InputVc, OutputVc, Stage, paced

if TYPE_CHECKING:
    from chipweave.plain.noc import Flit, PlainNetwork

Wanted = dict[tuple[int, int], tuple[tuple[int, int], InputVc]]  # {(input, output): (priority, VC)}


class PlainRouter:
    """One router: its VCs, the batches in its stages, held switch connections, output queues and wires.

    `net` gives options, routes, link intervals (cycles per flit) and takes flits and credits; `ports` counts inputs
    and outputs alike. With `input_speedup` or `output_speedup` s the crossbar sees s lines to a port.
    """

    def __init__(self, net: PlainNetwork, number: int, ports: int) -> None:
        """number: in the network; ports: of inputs and of outputs alike."""
        o = net.options
        self.net, self.number, self.ports, self.o = net, number, ports, o
        self.vcs = [[InputVc(p, v) for v in range(o.vcs)] for p in range(ports)]
        self.out = [[OutputVc(o.vc_depth, o.wait_for_tail_credit) for _ in range(o.vcs)] for _ in range(ports)]
        ins, outs = ports * o.input_speedup, ports * o.output_speedup
        self.piggyback = o.vc_allocator == "piggyback"
        self.va = None if self.piggyback else Allocator.of(o.vc_allocator).plain(ports * o.vcs, ports * o.vcs)
        self.sa = Allocator.of(o.sw_allocator).plain(ins, outs)
        self.spec_sa = (
            Allocator.of(o.spec_sw_allocator).plain(ins, outs)
            if o.speculative and o.spec_sw_allocator != "prio"
            else None
        )
        self.offset = [i % o.input_speedup for i in range(ins)]
        self.vc_turn = [[-1] * ports for _ in range(o.vc_classes)]
        self.rc, self.vc_stage = Stage(o.routing_delay), Stage(o.vc_alloc_delay)
        self.sw_stage, self.hold_stage, self.xbar = Stage(o.sw_alloc_delay), Stage(1), Stage(o.st_delay)
        self.held_in: dict[int, int] = {}  # expanded input: expanded output
        self.held_out: dict[int, int] = {}
        self.held_vc: dict[int, InputVc] = {}
        self.arrived: list[tuple[int, Flit]] = []  # (port, flit)
        self.credits: deque[tuple[int, int, set[int]]] = deque()  # (due, port, VCs)
        self.queue: list[deque[Flit]] = [deque() for _ in range(ports)]
        self.credit_queue: list[deque[set[int]]] = [deque() for _ in range(ports)]
        self.freed: dict[int, set[int]] = {}  # input port: VCs that this step's flits left
        self.wire_free = [0] * ports
        self.grant_free = [0] * ports
        self.wire_owed: list[float | Fraction] = [0] * ports  # parts of a cycle that are still due
        self.grant_owed: list[float | Fraction] = [0] * ports
        self.partial = 0.0

    # One cycle

    def evaluate(self, now: int) -> None:
        """One cycle of the clock: `internal_speedup` steps in the mean, fractions carried to the next cycle."""
        self.partial += self.o.internal_speedup
        while self.partial >= 1.0:
            self.step(now)
            self.partial -= 1.0

    def step(self, now: int) -> None:
        """Evaluate all stages on the state as it is, then update all; SA sees the VC grants of the same step."""
        self.accept_flits()
        self.apply_credits(now)
        self.rc.start(now)
        matched_vcs = self.vc_allocation(now)
        self.held_switch(now)
        self.switch_allocation(now, matched_vcs)
        self.xbar.start(now)
        self.freed = {}
        self.update_routing(now)
        self.update_vc_allocation(now)
        self.update_held(now)
        self.update_switch(now)
        for flit, output in self.xbar.finish(now):
            self.queue[output].append(flit)
        for port, vcs in sorted(self.freed.items()):
            self.credit_queue[port].append(vcs)

    def send(self, now: int) -> None:
        """Put one flit of each output queue on its wire, where that is free, and one batch of credits."""
        for port in range(self.ports):
            if self.queue[port] and now >= self.wire_free[port]:
                wait, self.wire_owed[port] = paced(self.net.interval(self.number, port), self.wire_owed[port])
                self.wire_free[port] = now + wait
                self.net.send_flit(self.number, port, self.queue[port].popleft(), now)
            if self.credit_queue[port]:
                self.net.send_credit(self.number, port, self.credit_queue[port].popleft(), now)

    # Input

    def accept_flits(self) -> None:
        """Write arrived flits into their VCs, in the order of ports; a VC that was empty starts on a stage."""
        for port, flit in sorted(self.arrived, key=lambda pair: pair[0]):
            vc = self.vcs[port][flit.vc]
            if self.o.priority == "hop_count":
                flit.priority = flit.hops
            vc.buffer.append(flit)
            vc.set_priority(self.o.priority)
            if vc.state == IDLE:
                self.new_head(vc)
            elif vc.state == ACTIVE and len(vc.buffer) == 1:
                stage = self.hold_stage if self.held_vc.get(self.expanded_in(vc)) is vc else self.sw_stage
                stage.waiting.append(vc)
        self.arrived = []

    def new_head(self, vc: InputVc) -> None:
        """The head flit at the front of `vc` starts its way through the stages."""
        if self.o.routing_delay:
            vc.state = ROUTING
            self.rc.waiting.append(vc)
            return
        vc.route = vc.buffer[0].route
        self.ready_for_vc(vc)
        if self.o.noq:
            self.look_two_ahead(vc)

    def ready_for_vc(self, vc: InputVc) -> None:
        """The head has a route: it waits for a VC, and for the switch at the same time where it speculates."""
        vc.state = VC_ALLOC
        if self.o.speculative:
            self.sw_stage.waiting.append(vc)
        if not self.piggyback:
            self.vc_stage.waiting.append(vc)

    def look_two_ahead(self, vc: InputVc) -> None:
        """noq: cut the VCs of the link by the output port the packet takes at the next router."""
        assert vc.route is not None
        ((port, *_),) = vc.route
        route = self.net.route_at_next(self.number, port, vc.buffer[0], vc.buffer[0].vc)
        if route:
            ((there, first, last, _),) = route
            ports = self.net.next_ports(self.number, port)
            part = (last - first + 1) // ports
            vc.next_route = (there, first + there * part, first + (there + 1) * part - 1)

    def apply_credits(self, now: int) -> None:
        """Free a slot downstream for each credit that is due by cycle `now`."""
        while self.credits and self.credits[0][0] <= now:
            _, port, vcs = self.credits.popleft()
            for vc in vcs:
                self.out[port][vc].credit()

    # Evaluate

    def choices(self, vc: InputVc) -> list[Choice]:
        """(port, first VC, last VC, priority) of everything the head at the front of `vc` may use."""
        if self.o.noq and vc.next_route:
            return [(port, vc.next_route[1], vc.next_route[2], rank) for port, _, _, rank in vc.route or ()]
        return vc.route or []

    def room(self, out_vc: OutputVc, flit: Flit) -> bool:
        """Cut-through takes a VC only when the whole packet fits."""
        return self.o.flow_control != "cut_through" or out_vc.depth - out_vc.occupied >= flit.packet.size

    def vc_allocation(self, now: int) -> dict[int, int]:
        """Match waiting heads with free output VCs; returns input VC -> output VC, both as port x vcs + vc.

        A result of an allocator slower than a cycle is checked again when it is due.
        """
        requests, begun = {}, self.vc_stage.start(now)
        for vc in begun:
            for port, first, last, rank in self.choices(vc):
                for number in range(first, last + 1):
                    out = self.out[port][number]
                    if (
                        out.owner is None
                        and not (self.o.vc_busy_when_full and out.full)
                        and self.room(out, vc.buffer[0])
                    ):
                        requests[vc.port * self.o.vcs + vc.vc, port * self.o.vcs + number] = (rank, vc.priority)
        matched = self.va.match(requests) if requests and self.va else {}
        for vc in begun:  # a second step of the same cycle begins nothing and keeps what the first one granted
            vc.matched = matched.get(vc.port * self.o.vcs + vc.vc)
        if self.o.vc_alloc_delay > 1 and now >= self.vc_stage.due:
            for vc in self.vc_stage.batch:
                if vc.matched is not None:
                    out = self.out[vc.matched // self.o.vcs][vc.matched % self.o.vcs]
                    if out.owner is not None or (self.o.vc_busy_when_full and out.full):
                        vc.matched = None
        return matched

    def expanded_in(self, vc: InputVc) -> int:
        """The crossbar input of a VC: VCs are dealt round the lines of their port."""
        return vc.port * self.o.input_speedup + vc.vc % self.o.input_speedup

    def expanded_out(self, vc: InputVc, port: int) -> int:
        """The crossbar output that a VC uses for `port`: inputs are dealt round the lines of the output."""
        return port * self.o.output_speedup + vc.port % self.o.output_speedup

    def queue_full(self, port: int) -> bool:
        """Whether the output queue takes no more flits; a negative size has no bound."""
        return self.o.output_buffer_size >= 0 and len(self.queue[port]) >= self.o.output_buffer_size

    def held_switch(self, now: int) -> None:
        """Evaluate packets that hold their switch connection: a credit and a free wire let the next flit pass."""
        for vc in self.hold_stage.start(now):
            vc.held_ok = not self.out[vc.out_port][vc.out_vc].full and now >= self.grant_free[vc.out_port]

    def speculates(self, vc: InputVc, choice: Choice) -> bool:
        """Whether a head without a VC may request the switch: by free VC and credit, as far as the options check."""
        port, first, last, _ = choice
        elig = cred = False
        if self.o.spec_check_elig:
            for number in range(first, last + 1):
                out = self.out[port][number]
                if out.owner is None and not self.queue_full(port):
                    elig = True
                    if not self.o.spec_check_cred or not out.full:
                        cred = True
                        break
        return not ((self.o.spec_check_elig and not elig) or (self.o.spec_check_cred and not cred))

    def switch_allocation(self, now: int, matched_vcs: dict[int, int]) -> None:
        """Match VCs with crossbar outputs: those that own a VC first, speculative ones in what is left over."""
        firm: Wanted = {}
        spec: Wanted = {}
        batch = self.sw_stage.start(now)
        for vc in batch:
            vc.grant = None
            if vc.state == ACTIVE:
                if not self.out[vc.out_port][vc.out_vc].full and not self.queue_full(vc.out_port):
                    self.request(now, firm, vc, vc.out_port, (1, vc.priority))
                continue
            for choice in self.choices(vc):
                if self.speculates(vc, choice):
                    self.request(
                        now,
                        spec if self.spec_sa else firm,
                        vc,
                        choice[0],
                        (0, vc.priority) if not self.spec_sa else (1, vc.priority),
                    )
        matched = self.sa.match({pair: (prio, prio) for pair, (prio, _) in firm.items()}) if firm else {}
        spec_matched = (
            self.spec_sa.match({pair: (prio, prio) for pair, (prio, _) in spec.items()})
            if self.spec_sa and spec
            else {}
        )
        wanted, granted = {o for _, o in firm}, set(matched.values())
        for vc in batch:
            i = self.expanded_in(vc)
            if i in matched:
                if firm[i, matched[i]][1] is vc:
                    vc.grant = matched[i]
            elif i in spec_matched and spec_matched[i] not in (wanted if self.o.spec_mask_by_reqs else granted):
                if spec[i, spec_matched[i]][1] is vc:
                    vc.grant = spec_matched[i]
            if vc.grant is not None:
                self.offset[i] = (vc.vc + self.o.input_speedup) % self.o.vcs
        if (self.o.speculative or self.o.sw_alloc_delay > 1) and self.sw_stage.batch and now >= self.sw_stage.due:
            for vc in self.sw_stage.batch:
                if vc.grant is not None and not self.grant_stands(vc, matched_vcs):
                    vc.grant = None

    def request(self, now: int, requests: Wanted, vc: InputVc, port: int, priority: tuple[int, int]) -> None:
        """Of the VCs of an input that want one output, the switch hears one: by priority, then round the VCs."""
        i, o = self.expanded_in(vc), self.expanded_out(vc, port)
        if i in self.held_in or o in self.held_out or now < self.grant_free[port]:
            return
        if (i, o) in requests:
            rival_priority, rival = requests[i, o]
            distance = lambda x: (x.vc - self.offset[i]) % self.o.vcs  # noqa: E731
            if (rival_priority, -distance(rival)) >= (priority, -distance(vc)):
                return
        requests[i, o] = (priority, vc)

    def grant_stands(self, vc: InputVc, matched_vcs: dict[int, int]) -> bool:
        """Whether a switch grant is still usable when it takes effect: VC owned or just matched, credit, line free."""
        port = vc.grant // self.o.output_speedup
        if self.expanded_in(vc) in self.held_in or vc.grant in self.held_out:
            return False
        if vc.state == ACTIVE:
            return not self.out[vc.out_port][vc.out_vc].full
        if self.piggyback:
            return self.piggyback_vc(vc, port) is not None
        got = (
            matched_vcs.get(vc.port * self.o.vcs + vc.vc) if self.o.vc_alloc_delay == 1 else None
        )  # slower ones are not there yet
        return got is not None and got // self.o.vcs == port and not self.out[port][got % self.o.vcs].full

    def piggyback_vc(self, vc: InputVc, port: int) -> int | None:
        """The free VC with a credit that a switch winner takes, round the VCs of the output."""
        turn = self.vc_turn[vc.buffer[0].packet.vc_class][port]
        free = [
            ((number - turn + self.o.vcs) % self.o.vcs - 1000 * rank, number)
            for p, first, last, rank in self.choices(vc)
            if p == port
            for number in range(first, last + 1)
            if self.out[port][number].owner is None and not self.out[port][number].full
        ]
        return min(free)[1] if free else None

    # Update

    def update_routing(self, now: int) -> None:
        """Heads whose route computation ends in this cycle go on to VC allocation."""
        for vc in self.rc.finish(now):
            flit = vc.buffer[0]
            vc.route = self.net.route(self.number, vc.port, flit, vc.vc)
            self.ready_for_vc(vc)

    def update_vc_allocation(self, now: int) -> None:
        """Winners own their output VC; losers wait for the next allocation."""
        for vc in self.vc_stage.finish(now):
            if vc.matched is None:
                self.vc_stage.waiting.append(vc)
                continue
            vc.out_port, vc.out_vc = divmod(vc.matched, self.o.vcs)
            self.out[vc.out_port][vc.out_vc].take(vc)
            vc.state = ACTIVE
            if not self.o.speculative:
                self.sw_stage.waiting.append(vc)

    def update_held(self, now: int) -> None:
        """Move a flit of each held connection, or release it; a tail always releases it."""
        for vc in self.hold_stage.finish(now):
            if vc.held_ok and not self.queue_full(vc.out_port):
                i = self.expanded_in(vc)
                o = self.held_in[i]
                flit = self.move(now, vc, o)
                if vc.buffer and not flit.tail:
                    self.hold_stage.waiting.append(vc)
                    continue
                self.release(i)
                if flit.tail:
                    self.next_packet(vc)
            else:
                self.release(self.expanded_in(vc))
                self.sw_stage.waiting.append(vc)

    def release(self, i: int) -> None:
        """Release the held connection of crossbar input `i`."""
        del self.held_out[self.held_in.pop(i)], self.held_vc[i]

    def update_switch(self, now: int) -> None:
        """Move the flits of switch winners into the crossbar; piggyback takes the output VC here."""
        for vc in self.sw_stage.finish(now):
            if vc.grant is None:
                self.sw_stage.waiting.append(vc)
                continue
            if vc.state == VC_ALLOC:
                port = vc.grant // self.o.output_speedup
                number = self.piggyback_vc(vc, port)
                if number is None:  # another winner of this cycle took the last one (output speedup)
                    self.sw_stage.waiting.append(vc)
                    continue
                vc.out_port, vc.out_vc = port, number
                self.out[port][vc.out_vc].take(vc)
                vc.state = ACTIVE
                self.vc_turn[vc.buffer[0].packet.vc_class][port] = (vc.out_vc + 1) % self.o.vcs
            flit = self.move(now, vc, vc.grant)
            if flit.tail:
                self.next_packet(vc)
            elif vc.buffer and self.o.hold_switch_for_packet:
                i = self.expanded_in(vc)
                self.held_in[i], self.held_out[vc.grant], self.held_vc[i] = vc.grant, i, vc
                self.hold_stage.waiting.append(vc)
            elif vc.buffer:
                self.sw_stage.waiting.append(vc)

    def next_packet(self, vc: InputVc) -> None:
        """The tail has left: the next head in the buffer, if there is one, starts."""
        vc.state = IDLE
        if vc.buffer:
            self.new_head(vc)

    def move(self, now: int, vc: InputVc, expanded_out: int) -> Flit:
        """The front flit leaves its buffer: a credit goes back, one is used, and the crossbar has it."""
        flit = vc.buffer.popleft()
        vc.set_priority(self.o.priority)
        flit.hops += 1
        old_vc, flit.vc = flit.vc, vc.out_vc
        if self.o.routing_delay == 0 and flit.head:
            if self.o.noq:
                flit.route, vc.next_route = ([(*vc.next_route, 0)] if vc.next_route else None), None
            else:
                flit.route = self.net.route_at_next(self.number, vc.out_port, flit, flit.vc)
        self.out[vc.out_port][vc.out_vc].sending(flit)
        interval = self.net.interval(self.number, vc.out_port)
        if interval > 1:  # a narrow wire: no further grant until it is free
            wait, self.grant_owed[vc.out_port] = paced(interval, self.grant_owed[vc.out_port])
            self.grant_free[vc.out_port] = now + wait
        self.net.count(self.number, vc.out_port, vc.out_vc)
        self.net.passed[self.number, vc.out_port].append((now, flit.packet.src, flit.packet.dst))
        self.xbar.waiting.append((flit, vc.out_port))
        self.freed.setdefault(vc.port, set()).add(old_vc)
        return flit
