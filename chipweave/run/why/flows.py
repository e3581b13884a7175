"""Who sent what over which link: for each link the largest flows, by the expert and the dies that caused them.

A flow is what one expert of one layer makes one die send to another, requests and data alike. The kernel counts, for
each row issued, how many of its sends have started; bytes follow from the row, and links from the route of its dies.
While the run goes on a flow is one number, its key, and C adds up (csrc/stages/flow_sums.c).

Packets or messages that are dealt to several equally short ways in turn load each way alike: a flow's bytes on a link
are then its share of the ways, to within a packet (a byte, where the ways carry pieces) of each message. Where packets
choose by the load that they meet (adaptive routing) no flow is followed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipweave.chain.nouns import TakeRoute
from chipweave.errors import ChipweaveError
from chipweave.io.native import ffi, lib
from chipweave.run.why.breakdown import TOP
from chipweave.run.why.stretches import Batch

NETWORK_BITS, LAYER_BITS, EXPERT_BITS, DIE_BITS = 5, 12, 18, 14  # of a key, from the top
DENSE = 1 << 22  # pairs of endpoints up to this number have a table; beyond, they are sorted
Shares = Callable[[int, int], dict[int, tuple[int, int]]]  # (source, target) -> link -> (ways over it, of how many)


class Flows:
    """The flows of a run, added up as it goes on."""

    def __init__(self, fabric: Any) -> None:
        """fabric: of the run; sends over networks whose packets choose their way are not followed."""
        layout = fabric.layout
        self.shares: dict[str, Shares] = {}
        for network in layout.parts["networks"]:
            shares = shares_of(fabric, network)
            if shares and network.endpoints <= 1 << DIE_BITS:
                self.shares[network.name] = shares
        followed = [n for n in layout.parts["networks"] if n.name in self.shares]
        self.networks = followed[: 1 << NETWORK_BITS]
        self.seats = layout.seats
        self.sends: dict[str, list[Send]] = {name: [] for name in layout.chains}
        slot_of, self.slots = [], 0
        for name, chain in layout.chains.items():
            for stage in chain.stages.values():
                send = stage.message or next((t for t in stage.take if isinstance(t, TakeRoute)), None)
                seen = send is not None and send.network in self.networks
                slot_of.append(self.slots if seen else -1)
                if seen:
                    self.sends[name].append(Send.of(self.slots, send, self.networks, list(chain.operands)))
                    self.slots += 1
        self.slot_of = np.array(slot_of, np.int32)
        self.sums = FlowSums(DIE_BITS)
        self.counting: dict[tuple[str, str | None], Sends] = {}  # (chain, operand counted) -> its sends

    def add(self, batches: list[Batch], started: np.ndarray) -> None:
        """Sends of a stretch. started: int64 [rows of all batches, slots]."""
        at = 0
        for chain, rows, _, counted in batches:
            key = chain if isinstance(chain, str) else chain.name, counted
            if key not in self.counting:
                self.counting[key] = Sends([send for send in self.sends[key[0]] if counted not in send.uses])
            self.sums.add(self.counting[key], rows, started[at : at + len(rows)])
            at += len(rows)

    def layer_ended(self, layer: int) -> None:
        """What was sent since the last layer-step belongs to this layer."""
        self.sums.settle(layer << (EXPERT_BITS + 2 * DIE_BITS))

    def kept(self) -> tuple[np.ndarray, np.ndarray]:
        """(keys, bytes) of all flows so far, each once."""
        self.layer_ended(0)
        return self.sums.all()

    def restore(self, keys: np.ndarray, sizes: np.ndarray) -> None:
        """Go on from what `kept` gave."""
        *_, source, target = fields(keys)
        rows = np.stack([(keys >> 2 * DIE_BITS) - 1, source, target, sizes], axis=1)
        self.sums.add(Sends([KEPT]), rows, np.ones((len(keys), 1), np.int64))
        self.layer_ended(0)

    def largest(self, dies: dict[Any, str]) -> list[tuple[str, str, int, int | None, str, str, int]]:
        """(network, link, layer, expert, from, to, bytes) of the `TOP` largest flows of each link, largest first.

        dies: names by number.
        """
        self.layer_ended(0)
        keys, sizes = self.sums.all()
        found = []
        for number, link, flows in self.on_links(keys, sizes):
            of = self.networks[number]
            names = dies | named(self.seats.get(of.name, {}), set(dies.values()))
            _, layer, expert, source, target = fields(keys[[flow for flow, _ in flows]])
            for i, (_, size) in enumerate(flows):
                ends = (names.get(at, str(at)) for at in (int(source[i]), int(target[i])))
                who = int(expert[i]) - 1 if expert[i] else None
                found.append((of.name, of.links[link].name, int(layer[i]), who, *ends, size))
        return found

    def on_links(self, keys: np.ndarray, sizes: np.ndarray) -> Iterable[tuple[int, int, list[tuple[int, int]]]]:
        """(network, link, (place, bytes) of its `TOP` largest flows, the largest first) of each link that has flows."""
        if not len(keys):
            return
        route, pairs = self.pairs(keys)
        routes = [{(n, link): of for link, of in self.shares[self.networks[n].name](a, b).items()} for n, a, b in pairs]
        names = sorted({link for links in routes for link in links})
        number = {name: i for i, name in enumerate(names)}
        begin = np.cumsum([0, *map(len, routes)], dtype=np.int64)
        links = [(number[link], *of) for each in routes for link, of in each.items()]
        columns = np.array(links, np.int32).reshape(-1, 3)
        largest = np.full((2, len(names), min(TOP, len(keys))), -1, np.int64)
        lib.flow_sums_largest(
            *(ffi.from_buffer("int64_t[]", each) for each in (keys, sizes)),
            len(keys),
            ffi.from_buffer("int32_t[]", route),
            ffi.from_buffer("int64_t[]", begin),
            ffi.cast("flow_link *", ffi.from_buffer("int32_t[]", columns)),
            largest.shape[2],
            *(ffi.from_buffer("int64_t[]", each) for each in largest),
        )
        for name, flows, carried in zip(names, *largest.tolist(), strict=True):
            yield (*name, [(flow, size) for flow, size in zip(flows, carried, strict=True) if flow >= 0])

    def pairs(self, keys: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int, int]]]:
        """(int32 number of the pair of each key, [(network, source, target)])."""
        network, _, _, source, target = fields(keys)
        wide = int(max(source.max(), target.max())) + 1
        codes = (network * wide + source) * wide + target
        if len(self.networks) * wide * wide < DENSE:
            seen = np.zeros(len(self.networks) * wide * wide, bool)
            seen[codes] = True
            found, place = np.flatnonzero(seen), np.zeros(len(seen), np.int32)
            place[found] = np.arange(len(found))
            numbers = place[codes]
        else:
            found, numbers = np.unique(codes, return_inverse=True)
        pairs = [(code // wide // wide, code // wide % wide, code % wide) for code in found.tolist()]
        return numbers.astype(np.int32, copy=False), pairs


def shares_of(fabric: Any, network: Any) -> Shares | None:
    """What links of a network carry of a pair's bytes; None where packets choose their way."""
    if fabric.keeps_to_routes(network):
        return lambda source, target: dict.fromkeys(network.routes(source, target), (1, 1))
    dealt = dict(network.options).get("dealt")
    if dealt is None:
        return None

    def shares(source: int, target: int) -> dict[int, tuple[int, int]]:
        ways = dealt(source, target)
        over = Counter(link for way in ways for link in way)
        return {link: (n, len(ways)) for link, n in over.items()}

    return shares


@dataclass(frozen=True)
class Send:
    """A stage that sends, in the places of its chain's operands.

    Attributes:
        slot: where the kernel counts its starts.
        network: its number among those followed.
        expert: None where the chain has no such operand.
        size_of: (constant, ((operand, factor), ...)), bytes of one message.
        uses: names of the operands that a flow is made of.
    """

    slot: int
    network: int
    source: int
    target: int
    expert: int | None
    size_of: tuple[int, tuple[tuple[int, int], ...]]
    uses: set[str]

    @classmethod
    def of(cls, slot: int, send: Any, networks: list[Any], operands: list[str]) -> Send:
        """Of a Message or a TakeRoute."""
        expert = operands.index("expert") if "expert" in operands else None
        terms = tuple((operands.index(name), factor) for name, factor in send.bytes.terms)
        uses = {send.source, send.target, "expert", *(name for name, _ in send.bytes.terms)}
        ends = operands.index(send.source), operands.index(send.target)
        return cls(slot, networks.index(send.network), *ends, expert, (send.bytes.constant, terms), uses)

    @property
    def base(self) -> int:
        """What its keys have in common."""
        return self.network << (LAYER_BITS + EXPERT_BITS + 2 * DIE_BITS)


KEPT = Send(0, 0, 1, 2, 0, (0, ((3, 1),)), set())  # of rows (rest of the key - 1, source, target, bytes)


class Sends(list[Send]):
    """Sends of one chain, and the same as C takes them."""

    def __init__(self, sends: list[Send]) -> None:
        super().__init__(sends)
        self.c = ffi.new("flow_send[]", len(sends))
        for to, send in zip(self.c, sends, strict=True):
            to.base, to.slot, to.source, to.target = send.base, send.slot, send.source, send.target
            to.owner = -1 if send.expert is None else send.expert
            to.constant, terms = send.size_of
            to.n = len(terms)
            for i, (operand, factor) in enumerate(terms):
                to.operand[i], to.factor[i] = operand, factor


class FlowSums:
    """Sums of bytes by the key of a flow; see csrc/stages/flow_sums.h."""

    def __init__(self, bits: int) -> None:
        self.handle = ffi.gc(lib.flow_sums_new(bits), lib.flow_sums_free)

    def add(self, sends: Sends, rows: np.ndarray, started: np.ndarray) -> None:
        """Keep what has started of sends: rows int64 [n, operands], started int64 [n, slots]."""
        if not sends or not len(rows):
            return
        given = [np.ascontiguousarray(each, np.int64) for each in (rows, started)]
        operands, counts = (ffi.from_buffer("int64_t[]", each) for each in given)
        n, wide = rows.shape
        checked(lib.flow_sums_add(self.handle, sends.c, len(sends), operands, n, wide, counts, started.shape[1]))

    def settle(self, group: int) -> None:
        """What is kept belongs to `group`, a number to add to its keys."""
        checked(lib.flow_sums_settle(self.handle, group))

    def all(self) -> tuple[np.ndarray, np.ndarray]:
        """(keys, sums), in no order."""
        found = np.empty((2, lib.flow_sums_all(self.handle, ffi.NULL, ffi.NULL, -1)), np.int64)
        keys, sizes = (ffi.from_buffer("int64_t[]", each) for each in found)
        lib.flow_sums_all(self.handle, keys, sizes, found.shape[1])
        return found[0], found[1]


def checked(status: int) -> None:
    """Turn a status of flow_sums.h into an error."""
    if status:
        raise ChipweaveError("no memory for the flows of a run" if status == -1 else "a flow passes 2^63 bytes")


def named(seats: dict[str, int], dies: set[str]) -> dict[int, str]:
    """Endpoint -> the name of the die that the part there is on, else the part's own."""
    found = {}
    for part, endpoint in seats.items():
        words = part.split(".")
        upwards = (".".join(words[:length]) for length in range(len(words), 0, -1))
        found[endpoint] = next((name for name in upwards if name in dies), part)
    return found


def fields(keys: np.ndarray) -> list[np.ndarray]:
    """Network, layer, expert + 1 (0: none), source and target of keys."""
    found = []
    for bits in (DIE_BITS, DIE_BITS, EXPERT_BITS, LAYER_BITS, NETWORK_BITS):
        found.append(keys & ((1 << bits) - 1))
        keys = keys >> bits
    return found[::-1]
