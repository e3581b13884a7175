"""Who sent what over which link: for each link the largest flows, by the expert and the dies that caused them.

A flow is what one expert of one layer makes one die send to another, requests and data alike. The kernel counts, for
each row issued, how many of its sends have started; bytes follow from the row, and links from the route of its dies.
While the run goes on a flow is one number, its key.

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
from chipweave.run.why.breakdown import TOP
from chipweave.run.why.stretches import Batch

NETWORK_BITS, LAYER_BITS, EXPERT_BITS, DIE_BITS = 5, 12, 18, 14  # of a key, from the top
LINK_BITS = 32
AT_ONCE = 1 << 14  # rows looked at in one go
Shares = Callable[[int, int], dict[int, tuple[int, int]]]  # (source, target) -> link -> (ways over it, of how many)
MANY = 1 << 20  # keys kept before they are added up


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
        self.stretches: list[tuple[list[Batch], np.ndarray, int]] = []  # (batches, starts, layer) to be looked at
        self.since = self.rows = 0  # place of the first stretch since the last layer-step; rows of all
        self.keys: list[np.ndarray] = []
        self.sizes: list[np.ndarray] = []
        self.kept_keys = 0  # in all

    def add(self, batches: list[Batch], started: np.ndarray) -> None:
        """Sends of a stretch. started: int64 [rows of all batches, slots]."""
        self.stretches.append((batches, started, 0))
        self.rows += len(started)

    def layer_ended(self, layer: int) -> None:
        """What was sent since the last layer-step belongs to this layer. Many stretches are looked at in one go."""
        for i in range(self.since, len(self.stretches)):
            self.stretches[i] = (*self.stretches[i][:2], layer)
        self.since = len(self.stretches)
        if self.rows > AT_ONCE:
            self.look()

    def look(self) -> None:
        """The sends of the stretches become keys and sizes."""
        batches = [batch for stretch, _, _ in self.stretches for batch in stretch]
        if not batches:
            return
        started = np.concatenate([starts for _, starts, _ in self.stretches]).T
        layers = np.repeat([layer for *_, layer in self.stretches], [len(starts) for _, starts, _ in self.stretches])
        names = [chain if isinstance(chain, str) else chain.name for chain, *_ in batches]
        lengths = [len(rows) for _, rows, *_ in batches]
        for name in dict.fromkeys(names):
            own = [batch for batch, other in zip(batches, names, strict=True) if other == name]
            counted = {batch[3] for batch in own}
            of_chain = np.flatnonzero(np.repeat([other == name for other in names], lengths))
            rows = np.concatenate([batch[1] for batch in own]).T
            for send in self.sends[name]:
                count = started[send.slot][of_chain]
                some = np.flatnonzero(count)
                if len(some) and not counted & send.uses:
                    self.keys.append(send.keys(rows, some) + (layers[of_chain[some]] << (EXPERT_BITS + 2 * DIE_BITS)))
                    self.sizes.append(count[some] * send.size(rows, some))
                    self.kept_keys += len(some)
        self.stretches, self.since, self.rows = [], 0, 0
        if self.kept_keys > MANY:
            self.restore(*summed(np.concatenate(self.keys), np.concatenate(self.sizes)))
            self.kept_keys = 0  # until so many more have come

    def kept(self) -> tuple[np.ndarray, np.ndarray]:
        """(keys, bytes) of all flows so far, each once."""
        self.look()
        if self.keys:
            keys, sizes = summed(np.concatenate(self.keys), np.concatenate(self.sizes))
            self.restore(keys, sizes)
            return keys, sizes
        return np.empty(0, np.int64), np.empty(0, np.int64)

    def restore(self, keys: np.ndarray, sizes: np.ndarray) -> None:
        """Go on from what `kept` gave."""
        self.keys, self.sizes, self.kept_keys = ([keys], [sizes], len(keys)) if len(keys) else ([], [], 0)

    def largest(self, dies: dict[Any, str]) -> list[tuple[str, str, int, int | None, str, str, int]]:
        """(network, link, layer, expert, from, to, bytes) of the `TOP` largest flows of each link, largest first.

        dies: names by number.
        """
        self.look()
        if not self.keys:
            return []
        keys, sizes = summed(np.concatenate(self.keys), np.concatenate(self.sizes))
        order = np.argsort(-sizes, kind="stable")
        keys, sizes = keys[order], sizes[order]
        network, layer, expert, source, target = fields(keys)
        found = []
        for number, link, flows in self.on_links(keys, sizes):
            of = self.networks[number]
            names = dies | named(self.seats.get(of.name, {}), set(dies.values()))
            for i, size in flows:
                ends = (names.get(at, str(at)) for at in (int(source[i]), int(target[i])))
                who = int(expert[i]) - 1 if expert[i] else None
                found.append((of.name, of.links[link].name, int(layer[i]), who, *ends, size))
        return found

    def on_links(self, keys: np.ndarray, sizes: np.ndarray) -> Iterable[tuple[int, int, list[tuple[int, int]]]]:
        """(network, link, (place, bytes) of its `TOP` largest flows) for flows in order of size."""
        network, _, _, source, target = fields(keys)
        pairs, firsts, of_pair = np.unique(
            ((network << DIE_BITS) + source << DIE_BITS) + target, return_index=True, return_inverse=True
        )
        ids: list[list[int]] = []
        over: list[tuple[int, int]] = []
        for n, a, b in zip(*(each[firsts].tolist() for each in (network, source, target)), strict=True):
            shares = self.shares[self.networks[n].name](a, b)
            ids.append([(n << LINK_BITS) + link for link in shares])
            over += shares.values()
        lengths = np.array([len(route) for route in ids], np.int64)
        joined = np.array([link for route in ids for link in route], np.int64)
        parts, ways = np.array(over, np.int64).reshape(-1, 2).T  # ways that lead over the link, of how many
        begin, hops = (np.cumsum(lengths) - lengths)[of_pair], lengths[of_pair]
        flow = np.repeat(np.arange(len(keys)), hops)
        at = np.arange(len(flow)) + np.repeat(begin - np.cumsum(hops) + hops, hops)
        link, whole, rest = joined[at], *np.divmod(sizes[flow], ways[at])
        size = whole * parts[at] + rest * parts[at] // ways[at]  # their product may pass 64 bits
        order = np.lexsort((flow, -size, link))
        starts = np.flatnonzero(np.diff(link[order], prepend=-1)).tolist()
        for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
            number = int(link[order[start]])
            yield (
                number >> LINK_BITS,
                number & ((1 << LINK_BITS) - 1),
                list(zip(*(each[order[start : min(end, start + TOP)]].tolist() for each in (flow, size)), strict=True)),
            )


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

    def keys(self, rows: np.ndarray, some: np.ndarray) -> np.ndarray:
        """Keys, without the layer, of some rows of int64 [operands, rows]."""
        who = 0 if self.expert is None else rows[self.expert][some] + 1
        key = (self.network << (LAYER_BITS + EXPERT_BITS)) + who
        return ((key << DIE_BITS) + rows[self.source][some] << DIE_BITS) + rows[self.target][some]

    def size(self, rows: np.ndarray, some: np.ndarray) -> Any:
        """Bytes of one message of these rows: an array, or one number for all."""
        constant, terms = self.size_of
        return constant + sum(factor * rows[operand][some] for operand, factor in terms)


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


def summed(keys: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each key once, with the sum of its sizes."""
    order = np.argsort(keys, kind="stable")
    keys, sizes = keys[order], sizes[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[starts], np.add.reduceat(sizes, starts)
