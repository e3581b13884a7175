"""Chains of stages: what happens to a transfer between two decisions, written once when the system is built.

A `Layout` declares everything a simulation has (resources, networks, tables, counters) and its chains. Components
append to it; `chipweave.fabric.build(layout, ...)` turns it into a running engine. A chain is a graph of named
stages over the integer operands of a transfer:

    hold     takes resources for a time known when it starts
    send     sends a message through a network
    choose   asks one question at the instant the hold before it starts, and goes on at the branch
    outcome  settles something for that hold at the same instant: its duration, marks, counts, side chains

Control flows from a hold through any number of `choose` and `outcome` stages, all at the instant it starts, to the
next `hold`, `send` or `DONE`: that one is the successor. Different components may write different parts, knowing
only each other's stage names. docs/reference/stages.md tells the whole story with examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, TypeVar

from chipweave.chain.branches import Entry
from chipweave.chain.check import check_names, check_walk
from chipweave.chain.nouns import (
    Asked,
    Bits,
    Constant,
    Count,
    Counter,
    Keyed,
    LayoutNetwork,
    Link,
    Map,
    Mark,
    Query,
    Resources,
    RouteTime,
    Tags,
    Take,
    amount,
)
from chipweave.chain.stage import DONE, MAX_OPERANDS, TIMED, Stage, describe
from chipweave.errors import BadInput, Faults

Part = TypeVar("Part")


class Chain:
    """One program. The first stage appended is where a transfer starts unless `start` names another.

    operands   names of the integers each transfer brings (at most 16), in the order of the columns of a batch
    priority   the operand (0..7, larger first in wait queues) that orders its waits; "" for none

    `control` says that its transfers are messages between parts of control, no part of a layer's work.
    """

    control = False

    def __init__(self, name: str, operands: Sequence[str], priority: str = "", start: str = "") -> None:
        """A chain without stages; see `Layout.chain`."""
        self.name, self.operands, self.priority, self.start = name, tuple(operands), priority, start
        self.stages: dict[str, Stage] = {}
        self.entries: list[Entry] = []

    def enter(self, publisher: Any, operands: Sequence[str], priority: str, start: str) -> Entry:
        """An `Entry` of the chain for the parts that `publisher` speaks for."""
        if (tuple(operands), priority) != (self.operands, self.priority):
            raise BadInput(
                f"chain {self.name}: {publisher.group} publishes it with operands {', '.join(operands)} and priority "
                f"'{priority}', {self.entries[0].publisher.group} with {', '.join(self.operands)} and '{self.priority}'"
            )
        self.entries.append(Entry(self, publisher, start))
        return self.entries[-1]

    def hold(
        self,
        name: str,
        take: Take | list[Any] | tuple[Any, ...] = (),
        lasts: Any = None,
        mark: Mark | list[Mark] | tuple[Any, ...] = (),
        count: Count | list[Count] | tuple[Any, ...] = (),
        spawn: list[Any] | str | tuple[Any, ...] = (),
        then: str = DONE,
    ) -> str:
        """Take resources (`Resources.at`, `LayoutNetwork.route`) for `lasts`; a later `outcome` may settle the
        duration."""
        return self._add(
            Stage(name, "hold", _many(take), _lasts(lasts), None, (), _many(mark), _many(count), _many(spawn), then)
        )

    def send(
        self,
        name: str,
        network: LayoutNetwork,
        source: str,
        target: str,
        bytes: int | str,
        quantum_ps: int = 1,
        efficiency: Any = 1,
        mark: Mark | tuple[Any, ...] = (),
        count: Count | tuple[Any, ...] = (),
        spawn: tuple[Any, ...] = (),
        then: str = DONE,
    ) -> str:
        """Send `bytes` from the endpoint in operand `source` to `target`; the stage ends when they have arrived.

        Under `circuit` this holds the whole route for `RouteTime`.
        """
        message = RouteTime(network, source, target, amount(bytes), quantum_ps, _fraction(efficiency))
        return self._add(
            Stage(name, "send", (), None, None, (), _many(mark), _many(count), _many(spawn), then, message)
        )

    def choose(
        self, name: str, query: Query, yes: str | None = None, no: str | None = None, branches: Any = None
    ) -> str:
        """Ask `query`; go on at `yes` or `no`, or at `branches[answer]`."""
        branches = (no, yes) if branches is None else tuple(branches)
        return self._add(Stage(name, "choose", query=query, branches=branches))

    def outcome(
        self,
        name: str,
        lasts: Asked | int | None = None,
        mark: list[Mark] | tuple[Any, ...] = (),
        count: Count | list[Count] | tuple[Any, ...] = (),
        spawn: str | tuple[Any, ...] = (),
        then: str = DONE,
    ) -> str:
        """Settle duration (the last one settled counts), marks, counts and side chains of the hold that just
        started."""
        return self._add(
            Stage(name, "outcome", (), _lasts(lasts), None, (), _many(mark), _many(count), _many(spawn), then)
        )

    def _add(self, stage: Stage) -> str:
        """Add a stage; BadInput where its name is taken."""
        if stage.name in self.stages or stage.name == DONE:
            raise BadInput(f"chain {self.name}: a stage named '{stage.name}' is there already")
        self.stages[stage.name] = stage
        return stage.name

    def first(self) -> str:
        """The stage that transfers start at: `start`, else the first one added."""
        return self.start or next(iter(self.stages))

    def check(self) -> None:
        """Raise `BadInput` with every fault of the chain: unknown names, missing durations, endless instants."""
        faults = Faults()
        if not self.stages:
            raise BadInput(f"chain {self.name} has no stage")
        if len(self.operands) > MAX_OPERANDS or len(set(self.operands)) != len(self.operands):
            faults.add(f"chain {self.name}: operands must be at most {MAX_OPERANDS} different names")
        check_names(self, faults)
        faults.raise_if_any()
        for stage in self.stages.values():
            if stage.kind in TIMED:
                check_walk(self, stage, stage.name, stage.lasts is not None or stage.kind == "send", (), faults)
        faults.raise_if_any()

    def listing(self) -> str:
        """The chain as text, one stage a line, for people.

        >>> print(Chain("c", ["die"]).listing())
        chain c(die)
        """
        lines = [f"chain {self.name}({', '.join(self.operands)})"]
        for stage in self.stages.values():
            lines.append("  " + describe(stage))
        return "\n".join(lines)


class Layout:
    """All that one engine simulates. Names must differ within each kind; `find(name)` gives a part back by its name."""

    def __init__(self) -> None:
        """Nothing declared; the order of declaring numbers the parts, in both engines."""
        families = ("resources", "networks", "tags", "keyed", "bits", "maps", "counters")
        self.parts: dict[str, list[Any]] = {family: [] for family in families}
        self.chains: dict[str, Chain] = {}
        self.usual: dict[str, int] = {}  # operand -> its value in most transfers, where it is known before the run
        self.seats: dict[str, dict[str, int]] = {}  # network -> part or bare router -> the endpoint that it is
        self.publisher: Any = None

    def resources(self, name: str, count: int, names: Iterable[str] = ()) -> Resources:
        """`count` units that one holder at a time can take; names: what messages and statistics call them."""
        return self._part("resources", Resources, name, count, names=tuple(names))

    def network(
        self,
        name: str,
        model: str,
        endpoints: int,
        links: Iterable[Link],
        routes: Callable[[int, int], Sequence[int]],
        directed: bool = True,
        **options: Any,
    ) -> LayoutNetwork:
        """A network; `model` is circuit, fair or flit, `routes(source, target)` -> indices into `links`."""
        return self._part(
            "networks",
            LayoutNetwork,
            name,
            model,
            endpoints,
            tuple(links),
            routes,
            directed=directed,
            options=tuple(sorted(options.items())),
        )

    def tags(
        self, name: str, instances: int, sets: int | Sequence[int], ways: int | Sequence[int], journal: bool = False
    ) -> Tags:
        """Tags; `sets` and `ways` are one number, or one for each instance."""
        (most, sets_of), (widest, ways_of) = _varying(sets, instances), _varying(ways, instances)
        more = {"journal": journal, "sets_of": sets_of, "ways_of": ways_of}
        return self._part("tags", Tags, name, instances, most, widest, **more)

    def keyed(
        self, name: str, instances: int, keys: int, capacity: int | Sequence[int] = 0, journal: bool = False
    ) -> Keyed:
        """A keyed store; `capacity` is one number, or one for each instance, 0 having no bound."""
        most, each = _varying(capacity, instances)
        return self._part("keyed", Keyed, name, instances, keys, most, journal=journal, capacity_of=each)

    def bits(self, name: str, instances: int, keys: int, journal: bool = False) -> Bits:
        """A number of 8 bits for each of `keys` keys of each instance; journal: changes are
        recorded with their time.
        """
        return self._part("bits", Bits, name, instances, keys, journal=journal)

    def map(self, name: str, values: Iterable[int]) -> Map:
        """A constant table of whole numbers that chains look up."""
        return self._part("maps", Map, name, tuple(int(v) for v in values))

    def which(self, values: Iterable[int]) -> Map:
        """The map with these values, made once however many chains branch by it."""
        values = tuple(int(v) for v in values)
        made = next((m for m in self.parts["maps"] if m.values == values), None)
        return made or self.map(f"which {len(self.parts['maps'])}", values)

    def counter(self, name: str, count: int) -> Counter:
        """`count` sums that stages add to; results read them by name."""
        return self._part("counters", Counter, name, count)

    def chain(self, name: str, operands: Sequence[str], priority: str = "", start: str = "") -> Chain | Entry:
        """A new chain. Parts of several groups that publish one of the same name share it: each gets an entry of its
        own (`chipweave.chain.branches.Entry`), and a transfer starts at that of its die."""
        if self.publisher is None:
            if name in self.chains:
                raise BadInput(f"a chain named '{name}' is there already")
            self.chains[name] = Chain(name, operands, priority, start)
            return self.chains[name]
        shared = self.chains.setdefault(name, Chain(name, operands, priority))
        return shared.enter(self.publisher, operands, priority, start)

    def find(self, name: str) -> Any:
        """The part of any family with this name; BadInput where there is none."""
        for parts in self.parts.values():
            for part in parts:
                if part.name == name:
                    return part
        raise BadInput(f"no part named '{name}' in the layout")

    def check(self) -> None:
        for chain in self.chains.values():
            chain.check()

    def _part(self, family: str, kind: Callable[..., Part], name: str, *fields: Any, **more: Any) -> Part:
        """Make a part and give it the next number of its family; BadInput for a name that is taken."""
        parts = self.parts[family]
        if any(p.name == name for p in parts):
            raise BadInput(f"{family}: '{name}' is there already")
        made = kind(name, *fields, number=len(parts), **more)
        parts.append(made)
        return made


def _varying(value: int | Sequence[int], instances: int) -> tuple[int, tuple[int, ...]]:
    """(the largest, one for each instance where they differ) of a number, or of one for each instance."""
    if isinstance(value, int):
        return value, ()
    each = tuple(int(v) for v in value)
    if len(each) != instances:
        raise BadInput(f"{len(each)} values for {instances} instances")
    return (max(each, default=0), each) if len(set(each)) > 1 else (each[0] if each else 0, ())


def _many(items: Any) -> tuple[Any, ...]:
    return tuple(items) if isinstance(items, (tuple, list)) else (items,)


def _fraction(value: Fraction | float | str) -> Fraction:
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)


def _lasts(lasts: Any) -> Any:
    return Constant(lasts) if isinstance(lasts, int) else lasts
