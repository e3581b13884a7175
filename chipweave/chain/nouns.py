"""The nouns of a chain: what it takes, asks, changes and counts, and how long things last.

Everything here is plain immutable data. Times are integer picoseconds, amounts integers, rates exact fractions per
second. Components make these through `chipweave.chain.Layout`; both engines (C and plain) read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

PS_PER_SECOND = 10**12


@dataclass(frozen=True)
class Amount:
    """`constant + sum(factor * operand)`: bytes, flop, or what a counter adds. Made by `amount(...)`."""

    constant: int = 0
    terms: tuple[tuple[str, int], ...] = ()  # of (operand name, integer factor)

    def operands(self) -> list[str]:
        """The operands it depends on."""
        return [name for name, _ in self.terms]


def amount(*parts: Any) -> Amount:
    """An `Amount` from integers, operand names, (operand, factor) pairs and other amounts, added up.

    >>> amount("slice_bytes", ("tokens", 4096), 16).constant
    16
    """
    constant = 0
    terms: list[tuple[str, int]] = []
    for part in parts:
        if isinstance(part, Amount):
            constant += part.constant
            terms += part.terms
        elif isinstance(part, str):
            terms.append((part, 1))
        elif isinstance(part, tuple):
            terms.append((part[0], int(part[1])))
        else:
            constant += int(part)
    return Amount(constant, tuple(terms))


# ---- what a hold takes


@dataclass(frozen=True)
class Take:
    """One resource of an array, picked by an operand (`Resources.at`)."""

    resources: Resources
    operand: str


@dataclass(frozen=True)
class TakeRoute:
    """All links of the route between two endpoints of a circuit network (`LayoutNetwork.route`).

    `bytes` is what the links' statistics count; it changes no time.
    """

    network: LayoutNetwork
    source: str
    target: str
    bytes: Amount = Amount()


@dataclass(frozen=True)
class Resources:
    """`count` equal resources, each used by one hold at a time (LLC ports, HBM stacks, compute units)."""

    name: str
    count: int
    number: int
    names: tuple[str, ...] = ()

    def at(self, operand: str) -> Take:
        """The resource whose index is the value of `operand`."""
        return Take(self, operand)

    def label(self, index: int) -> str:
        """The name of one unit, for messages."""
        return self.names[index] if self.names else f"{self.name}[{index}]"


@dataclass(frozen=True)
class Link:
    """One direction of a link between two routers; `latency_ps` >= 0, `bytes_per_s` an exact rate."""

    name: str
    source: int
    target: int
    latency_ps: int
    bytes_per_s: Fraction


@dataclass(frozen=True)
class LayoutNetwork:
    """Links with a link model; `routes(source, target)` lists the indices into `links` that a message crosses.

    Under `circuit` with `directed=False` the two directions between a pair of routers are one lock (statistics stay
    per direction).
    """

    name: str
    model: str
    endpoints: int
    links: tuple[Link, ...]
    routes: Callable[[int, int], Sequence[int]] = field(compare=False)
    number: int = 0
    directed: bool = True
    options: tuple[tuple[str, Any], ...] = ()  # of (key, value), for link models with parameters of their own

    def route(self, source: str, target: str, bytes: int | str = 0) -> TakeRoute:
        """Hold every link from the endpoint in operand `source` to the one in `target` (`circuit` only)."""
        return TakeRoute(self, source, target, amount(bytes))


# ---- how long a hold lasts


@dataclass(frozen=True)
class Constant:
    """`ps` picoseconds."""

    ps: int


@dataclass(frozen=True)
class Rate:
    """latency[i] + ceil(work / rate[i]), the quotient rounded up to a multiple of `quantum_ps`; i = operand `at`.

    `latency_ps` and `per_second` have one entry, or one per instance. `work` and `per_second` share a unit
    (bytes and bytes/s, flop and flop/s). In C: `rated` of csrc/stages/run/walk.inc.h, `quotient` of csrc/stages/time.c.
    """

    work: Amount
    latency_ps: tuple[int, ...]
    per_second: tuple[Fraction | int, ...]
    at: str = ""
    quantum_ps: int = 1


@dataclass(frozen=True)
class RouteTime:
    """Sum of the latencies on the route + ceil(bytes / smallest rate on it), rounded up to `quantum_ps`.

    `efficiency` scales every rate. An empty route takes no time.
    """

    network: LayoutNetwork
    source: str
    target: str
    bytes: Amount
    quantum_ps: int = 1
    efficiency: Fraction = Fraction(1)


@dataclass(frozen=True)
class Steps:
    """latency + ceil(work / rate), where rate is that of the first step with operand `by` <= `upto` (last: None)."""

    by: str
    work: Amount
    upto: tuple[int, ...]  # ascending integers, one fewer than per_second
    per_second: tuple[Fraction | int, ...]
    latency_ps: int = 0
    quantum_ps: int = 1


@dataclass(frozen=True)
class Pick:
    """The rule of one instance: `rules[i]`, i being the value of operand `at`. Made by `pick(...)`."""

    at: str
    rules: tuple[Any, ...]


def pick(at: str, rules: Iterable[Any]) -> Any:
    """A `Pick`, or where all instances have the same rule, that rule itself: equal parts cost nothing more.

    >>> pick("die", [Constant(3), Constant(3)])
    Constant(ps=3)
    """
    rules = tuple(Constant(rule) if isinstance(rule, int) else rule for rule in rules)
    return rules[0] if all(rule is rules[0] or rule == rules[0] for rule in rules) else Pick(at, rules)


@dataclass(frozen=True)
class Longest:
    """The longest of several rules: holds that begin together and end together. None of them may be `Asked`."""

    rules: tuple[Any, ...]


@dataclass(frozen=True)
class Given:
    """An operand holds the duration in ps."""

    operand: str


@dataclass(frozen=True)
class Asked:
    """`answer(question)` says the duration in ps, at the instant the hold starts (`chipweave.chain.Question`)."""

    answer: Callable[..., Any] = field(compare=False)


# ---- tables: what `choose` asks and `mark` changes


@dataclass(frozen=True)
class Query:
    """One question: `op` of `table` (None for operands) with operand names `of`; the answer picks the branch.

    Yes/no questions answer 1/0. `Ask` questions call `answer(question)`.
    """

    op: str
    table: Tags | Keyed | Bits | Map | None = None
    of: tuple[str, ...] = ()
    value: int = 0
    answer: Callable[..., Any] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Mark:
    """One change of a table, at the `start` or the `end` of the hold it belongs to."""

    op: str
    table: Tags | Keyed | Bits | None
    of: tuple[str, ...]
    value: int = 0
    when: str = "start"
    answer: Callable[..., Any] | None = field(default=None, compare=False)

    def at_end(self) -> Mark:
        """The same change at the end of its stage: a line is there when its data has come, not when
        it was requested.
        """
        return Mark(self.op, self.table, self.of, self.value, "end", self.answer)


def equal(a: str, b: str) -> Query:
    """Yes if two operands are equal."""
    return Query("equal", None, (a, b))


def less(a: str, b: str) -> Query:
    """Yes if operand `a` is less than operand `b`."""
    return Query("less", None, (a, b))


def operand(name: str) -> Query:
    """The operand itself picks the branch: 0, 1, 2, ..."""
    return Query("operand", None, (name,))


def modulo(name: str, divisor: int) -> Query:
    """The operand modulo `divisor` picks the branch: work dealt in turn to equal places."""
    return Query("modulo", None, (name,), divisor)


def ask(answer: Callable[..., int]) -> Query:
    """A Python function picks the branch: `answer(question) -> int` (or bool)."""
    return Query("ask", None, (), 0, answer)


def tell(function: Callable[..., Any]) -> Mark:
    """A mark made by a Python function, called with the `Question` at that instant; its result is ignored."""
    return Mark("ask", None, (), 0, "start", function)


@dataclass(frozen=True)
class Tags:
    """Set-associative tags: `instances` x `sets` x `ways` keys; the set is operand `set` mod `sets`.

    `sets_of` and `ways_of` have those of each instance where they differ; `sets`, `ways` are then the most of them.
    `insert` puts the key first in its set and drops the last one; inserting a present key only refreshes it.
    `has` does not refresh; add `touch` as a mark for an LRU that reads refresh. Keys are >= 0.
    """

    name: str
    instances: int
    sets: int
    ways: int
    number: int
    journal: bool = False
    sets_of: tuple[int, ...] = ()
    ways_of: tuple[int, ...] = ()

    def has(self, at: str, set: str, key: str) -> Query:
        """1 where `key` is in the set, else 0; the order of the set does not change."""
        return Query("tags_has", self, (at, set, key))

    def insert(self, at: str, set: str, key: str) -> Mark:
        """Make `key` the most recent of its set, evicting the least recent."""
        return Mark("tags_insert", self, (at, set, key))

    def touch(self, at: str, set: str, key: str) -> Mark:
        return Mark("tags_touch", self, (at, set, key))


@dataclass(frozen=True)
class Keyed:
    """A store of keys 0..keys-1 per instance, `capacity` entries each (0: unbounded), least recently used first out.

    Only `insert` and `refresh` renew a key's age. `pin` makes a key present for good, outside the capacity.
    `capacity_of` has the capacity of each instance where they differ; `capacity` is then the largest of them.
    """

    name: str
    instances: int
    keys: int
    capacity: int
    number: int
    journal: bool = False
    capacity_of: tuple[int, ...] = ()

    def has(self, at: str, key: str) -> Query:
        return Query("keyed_has", self, (at, key))

    def insert(self, at: str, key: str) -> Mark:
        return Mark("keyed_insert", self, (at, key))

    def refresh(self, at: str, key: str) -> Mark:
        return Mark("keyed_refresh", self, (at, key))

    def pin(self, at: str, key: str) -> Mark:
        """Hold `key` for ever, beside the capacity."""
        return Mark("keyed_pin", self, (at, key))


@dataclass(frozen=True)
class Bits:
    """A uint8 table [instances, keys], written from Python (`Engine.array(bits)`) and by marks; any value 0..255."""

    name: str
    instances: int
    keys: int
    number: int
    journal: bool = False

    def at(self, at: str, key: str) -> Query:
        """The entry itself picks the branch (0: no, 1: yes)."""
        return Query("bits_at", self, (at, key))

    def set(self, at: str, key: str, value: int = 1) -> Mark:
        return Mark("bits_set", self, (at, key), value)


@dataclass(frozen=True)
class Map:
    """A fixed table of small integers; the entry at the operand picks the branch."""

    name: str
    values: tuple[int, ...]
    number: int

    def at(self, index: str) -> Query:
        """The value at an index, which answers a question with as many branches."""
        return Query("map_at", self, (index,))


@dataclass(frozen=True)
class Counter:
    """int64 [count] that outcomes add to; read with `Engine.array(counter)`."""

    name: str
    count: int
    number: int

    def add(self, at: str, *what: Any, piece: tuple[int, int] = (0, 0)) -> Count:
        """Add `amount(*what)` (1 if nothing is given) to the entry of operand `at`.

        piece  (i, n): only the i-th of n whole pieces that add up to the amount, for what is striped over n places
        """
        return Count(self, at, amount(*what) if what else Amount(1), None, piece)

    def add_hops(self, at: str, network: LayoutNetwork, source: str, target: str) -> Count:
        """Add the number of links on the route."""
        return Count(self, at, Amount(), (network, source, target))


@dataclass(frozen=True)
class Count:
    """What a stage adds to a counter; made by `Counter.add` and `Counter.add_hops`."""

    counter: Counter
    at: str
    amount: Amount
    hops: tuple[LayoutNetwork, str, str] | None
    piece: tuple[int, int] = (0, 0)
