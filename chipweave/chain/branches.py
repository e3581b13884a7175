"""Chains over parts that differ: names that do not clash, branches by instance, and one start for several
publishers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from chipweave.chain.nouns import Query, modulo
from chipweave.chain.stage import INSTANT
from chipweave.errors import BadInput

if TYPE_CHECKING:
    from chipweave.chain.layout import Chain, Layout


class Scope:
    """A chain as one part sees it: what the part calls "hit" is called "hit (2)" where another part's is there already.

    A part uses the names that its calls return; of its own it may use each once, as in a chain of its own.
    """

    def __init__(self, chain: Chain | Scope) -> None:
        self.chain: Chain = chain.chain if isinstance(chain, Scope) else chain
        self.taken: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chain, name)

    def hold(self, name: str, *what: Any, **more: Any) -> str:
        """See `Chain.hold`."""
        return self.chain.hold(self.free(name), *what, **more)

    def send(self, name: str, *what: Any, **more: Any) -> str:
        """See `Chain.send`."""
        return self.chain.send(self.free(name), *what, **more)

    def choose(self, name: str, *what: Any, **more: Any) -> str:
        """See `Chain.choose`."""
        return self.chain.choose(self.free(name), *what, **more)

    def outcome(self, name: str, *what: Any, **more: Any) -> str:
        """See `Chain.outcome`."""
        return self.chain.outcome(self.free(name), *what, **more)

    def free(self, name: str) -> str:
        """`name`, or with a number where another part has a stage of that name.

        Raises:
            BadInput: the part itself has one.
        """
        if name in self.taken:
            raise BadInput(f"chain {self.chain.name}: a stage named '{name}' is there already")
        self.taken.add(name)
        number, found = 1, name
        while found in self.chain.stages:
            number += 1
            found = f"{name} ({number})"
        return found


class Entry(Scope):
    """The share of a chain that the parts of one group publish; `start` is where their transfers begin."""

    def __init__(self, chain: Chain, publisher: Any, start: str) -> None:
        super().__init__(chain)
        self.publisher, self.start, self.before = publisher, start, len(chain.stages)

    def first(self) -> str:
        """The stage at which transfers of the publisher's dies begin: the first one appended unless it says
        otherwise."""
        return self.start or list(self.chain.stages)[self.before]


def fork(
    layout: Layout,
    chain: Chain | Scope,
    name: str,
    on: str,
    cases: Sequence[tuple[Sequence[int], Callable[[], str]]],
) -> str:
    """The stage that goes on at the case of the instance in operand `on`; of one case alone its own stage.

    cases  (instances, function that appends the stages of these instances and returns the first) of each
    """
    if len(cases) == 1:
        return cases[0][1]()
    branches = [make() for _, make in cases]
    if len(set(branches)) == 1:
        return branches[0]
    none = len(branches)  # of instances that never come here; the engine says so if one does
    values = [none] * (1 + max(i for instances, _ in cases for i in instances))
    for number, (instances, _) in enumerate(cases):
        for instance in instances:
            values[instance] = number
    return chain.choose(name, layout.which(values).at(on), branches=branches)


def deal(chain: Chain | Scope, name: str, by: str | Callable[[int], Query], makers: Sequence[Callable[[], str]]) -> str:
    """The stage that deals transfers: to maker number (operand `by` modulo makers), or as the Query `by(makers)`
    answers."""
    branches = [make() for make in makers]
    if len(branches) == 1:
        return branches[0]
    query = by(len(branches)) if callable(by) else modulo(by, len(branches))
    return chain.choose(name, query, branches=branches)


def settle_starts(layout: Layout) -> None:
    """Give every shared chain its start: that of the die at hand where several groups publish it."""
    for chain in layout.chains.values():
        if not chain.entries:
            continue
        scope, die = Scope(chain), chain.operands[0]
        by_die: dict[int, list[Entry]] = {}
        for entry in chain.entries:
            for part in entry.publisher.members:
                by_die.setdefault(part.die, []).append(entry)
        cases: dict[tuple[int, ...], tuple[list[Entry], list[int]]] = {}
        for number, entries in by_die.items():
            cases.setdefault(tuple(map(id, entries)), (entries, []))[1].append(number)
        first = fork(
            layout,
            scope,
            "which die",
            die,
            [(dies, partial(_dealt, scope, entries)) for entries, dies in cases.values()],
        )
        instant = chain.stages[first].kind in INSTANT
        chain.start = scope.hold("start", (), 0, then=first) if instant else first


def _dealt(scope: Scope, entries: list[Entry]) -> str:
    """The start of a chain that several parts of one die publish: they take turns by `dealt_by`.

    BadInput where their kind names no such operand.
    """
    operand = entries[0].publisher.dealt_by
    if len(entries) > 1 and not operand:
        names = ", ".join(entry.publisher.group for entry in entries)
        raise BadInput(f"{names} start work on one die, and their kind does not say how it is dealt to several")
    return deal(scope, "whose turn", operand, [entry.first for entry in entries])
