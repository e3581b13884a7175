"""Turns a layout into calls of the C engine's building functions. Names become numbers here.

The engine numbers each sort of part in the order it is added, and `chipweave.chain.layout` numbers
them in the same order; so `table.number` of a part is its number in C too. C copies every struct it
is given: memory made for a call may go as soon as the constructor returns.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from chipweave._kernel import ffi, lib
from chipweave.chain.layout import Chain, Layout
from chipweave.chain.nouns import PS_PER_SECOND, Amount, Asked, Constant, Given, Longest, Pick, Rate, RouteTime, Take
from chipweave.chain.stage import DONE
from chipweave.declare import registry
from chipweave.errors import BadInput, ChipweaveError
from chipweave.fabric.link_models.base import Routes

ASKS = {
    "equal": "EQUAL",
    "less": "LESS",
    "operand": "OPERAND",
    "tags_has": "TAGS",
    "keyed_has": "KEYED",
    "bits_at": "BITS",
    "map_at": "MAP",
    "modulo": "MODULO",
    "ask": "PYTHON",
}
MARKS = {
    "tags_insert": "TAGS_INSERT",
    "tags_touch": "TAGS_TOUCH",
    "keyed_insert": "KEYED_INSERT",
    "keyed_refresh": "KEYED_REFRESH",
    "keyed_pin": "KEYED_PIN",
    "bits_set": "BITS_SET",
    "ask": "PYTHON",
}
LARGEST = 2**62


class Compiler:
    """Builds every part of `layout` in the engine `handle`; remembers which number each part got.

    Order matters: resources first (they number the locks), then networks (whose links are resources
    too), tables, counters, and last the programs that name all of these. bin_ps, max_bins: bins of
    the link statistics.
    """

    def __init__(self, handle: Any, layout: Layout, bin_ps: int, max_bins: int) -> None:
        self.handle, self.layout, self.bins = handle, layout, (bin_ps, max_bins)
        self.keep: list[Any] = []  # C memory that must outlive a call
        self.first: dict[str, int] = {}
        self.labels: dict[int, str] = {}
        self.programs: dict[str, Any] = {}
        self.chains: list[Chain] = []
        self.networks: dict[str, Any] = {}  # by name: link_models.base.Compiled
        self.routes: dict[str, Routes] = {}  # by the network's name
        parts = layout.parts
        for array in parts["resources"]:
            self.first[array.name] = self.made(lib.stages_add_resources(handle, array.count))
            self.labels |= {self.first[array.name] + i: array.label(i) for i in range(array.count)}
        for network in parts["networks"]:
            self._network(network)
        for t in parts["tags"]:
            number = self.made(lib.stages_add_tags(handle, t.instances, t.sets, t.ways, t.journal))
            for vary, each in ((lib.stages_vary_sets, t.sets_of), (lib.stages_vary_ways, t.ways_of)):
                if each:
                    self.made(vary(handle, number, list(each)))
        for t in parts["keyed"]:
            number = self.made(lib.stages_add_keyed(handle, t.instances, t.keys, t.capacity, t.journal))
            if t.capacity_of:
                self.made(lib.stages_vary_keyed(handle, number, list(t.capacity_of)))
        for t in parts["bits"]:
            self.made(lib.stages_add_bits(handle, t.instances, t.keys, t.journal))
        for t in parts["maps"]:
            self.made(lib.stages_add_map(handle, len(t.values), list(t.values)))
        for c in parts["counters"]:
            self.made(lib.stages_add_counter(handle, c.count))
        for chain in layout.chains.values():
            self.programs[chain.name] = self._program(chain)
            self.chains.append(chain)
        self.keep.clear()

    def label(self, resource: Any) -> Any:
        """The name of a global resource number."""
        return self.labels[resource]

    def made(self, number: Any) -> Any:
        """A number of the engine's, or ChipweaveError with its message."""
        if number < 0:
            raise ChipweaveError(ffi.string(lib.stages_message(self.handle)).decode())
        return number

    def _new(self, kind: str, values: dict[Any, Any] | int | list[Any]) -> Any:
        """C memory that lives until the engine has copied it."""
        made = ffi.new(kind, values)
        self.keep.append(made)
        return made

    # ---- networks

    def _network(self, network: Any) -> None:
        """Routes first, then whatever the link model builds on them: held links as resources, or a
        network of its own.
        """
        self.routes[network.name] = routes = Routes(self, network)
        self.networks[network.name] = registry.link_models.find(network.model).compile(self, network, routes)

    def add_network(self, operations: Any, model: Any) -> int:
        """The number of a network in the engine; `model` is the engine's from now on."""
        return self.made(lib.stages_add_network(self.handle, operations, model))

    # ---- programs

    def _program(self, chain: Any) -> int:
        """One chain as a stages_node array; returns the program's number.

        Operands become columns of a transfer's row.
        """
        self.chain, self.column = chain.name, {name: i for i, name in enumerate(chain.operands)}
        self.stage_number = {name: i for i, name in enumerate(chain.stages)} | {DONE: -1}
        nodes = self._new("stages_node[]", [self._node(stage) for stage in chain.stages.values()])
        priority = self.column[chain.priority] if chain.priority else -1
        return self.made(
            lib.stages_add_program(
                self.handle, len(chain.operands), priority, self.stage_number[chain.first()], len(nodes), nodes
            )
        )

    def _node(self, stage: Any) -> dict[str, Any]:
        """One stage as a stages_node.

        A send over held links is a hold of the whole route for its duration; a send over any other
        model stays a send, and takes the network itself. `then` is unused where there are branches;
        DONE is -1.
        """
        takes, lasts, kind = (
            [self._take(t) for t in stage.take],
            stage.lasts,
            getattr(lib, "STAGE_" + stage.kind.upper()),
        )
        if stage.kind == "send":
            message = stage.message
            takes = [
                self._route(message.network, message.source, message.target, message.bytes, (self.chain, stage.name))
            ]
            if registry.link_models.find(message.network.model).held:
                kind, lasts = lib.STAGE_HOLD, message
        lists: dict[str, tuple[str, list[Any]]] = {
            "branches": ("int32_t[]", [self.stage_number[b] for b in stage.branches]),
            "spawns": ("int32_t[]", [self.stage_number[s] for s in stage.spawn]),
            "takes": ("stages_take[]", takes),
            "marks": ("stages_mark[]", [self._mark(m) for m in stage.marks]),
            "counts": ("stages_count[]", [self._count(c) for c in stage.counts]),
        }
        node = {name: self._new(c_kind, values) for name, (c_kind, values) in lists.items()}
        node |= {"n_" + name: len(values) for name, (_, values) in lists.items()}
        node |= {
            "kind": kind,
            "then": self.stage_number[stage.then] if not stage.branches else -1,
            "lasts": self._lasts(lasts),
        }
        if stage.query:
            query = stage.query
            node |= {
                "ask": getattr(lib, "ASK_" + ASKS[query.op]),
                "table": query.table.number if query.table else query.value if query.op == "modulo" else -1,
                "of": self._of(query.of),
            }
        return node

    def _of(self, names: tuple[str, ...]) -> list[int]:
        """Up to three operand columns, the most that a question or a mark takes; the rest is 0 and not read."""
        return ([self.column[n] for n in names] + [0, 0, 0])[:3]

    def _take(self, take: Take) -> dict[str, dict[str, int | list[Any]] | int]:
        """A resource that a hold takes: unit [operand] of an array, or every link of a route."""
        if isinstance(take, Take):
            return {
                "first": self.first[take.resources.name],
                "count": take.resources.count,
                "operand": self.column[take.operand],
                "network": -1,
                "bytes": self._amount(Amount()),
            }
        return self._route(take.network, take.source, take.target, take.bytes)

    def _route(
        self, network: Any, source: str, target: str, size: Amount, stage: tuple[str, str] | None = None
    ) -> dict[Any, Any]:
        """The links of a route as a take; `stage` (chain, stage) picks the traffic class under flit."""
        return {
            "network": self.networks[network.name].number(stage),
            "source": self.column[source],
            "target": self.column[target],
            "bytes": self._amount(size),
        }

    def _mark(self, mark: Any) -> dict[str, int | list[int]]:
        """A change of a table, at the start or the end of its stage."""
        return {
            "op": getattr(lib, "MARK_" + MARKS[mark.op]),
            "table": mark.table.number if mark.table else -1,
            "of": self._of(mark.of),
            "value": mark.value,
            "at_end": mark.when == "end",
        }

    def _count(self, count: Any) -> dict[Any, Any]:
        """What a stage adds to a counter: amount, or amount x hops; part and parts cut it into exact pieces."""
        network, source, target = count.hops or (None, None, None)
        return {
            "counter": count.counter.number,
            "at": self.column[count.at],
            "amount": self._amount(count.amount),
            "hops": self.routes[network.name].number if network else -1,
            "endpoints": network.endpoints if network else 0,
            "source": self.column[source] if network else 0,
            "target": self.column[target] if network else 0,
            "part": count.piece[0],
            "parts": count.piece[1],
        }

    def _amount(self, amount: Amount) -> dict[Any, Any]:
        """A linear form over operands: constant + sum of factor x operand. Whole numbers only."""
        return {
            "constant": amount.constant,
            "n": len(amount.terms),
            "operand": [self.column[n] for n, _ in amount.terms],
            "factor": [f for _, f in amount.terms],
        }

    # ---- durations

    def _lasts(self, rule: Any) -> int:
        """Number of a duration rule in the engine, or -1 for none. Durations are ps, rounded up to quantum_ps.

        `by` is the operand that picks a rate (Rate.at, Steps.by, Pick.at); one latency or one rate
        serves all. Anything that is none of the listed rules is a Steps.
        """
        if rule is None:
            return -1
        made = {"by": -1, "quantum_ps": getattr(rule, "quantum_ps", 1)}
        if isinstance(rule, Constant):
            made |= {"kind": lib.LASTS_CONSTANT, "value": _time(rule.ps, "a constant duration")}
        elif isinstance(rule, Given):
            made |= {"kind": lib.LASTS_GIVEN, "value": self.column[rule.operand]}
        elif isinstance(rule, Asked):
            made |= {"kind": lib.LASTS_PYTHON}
        elif isinstance(rule, RouteTime):
            made |= self._route_time(rule)
        elif isinstance(rule, (Pick, Longest)):
            made |= self._picks(rule)
        elif isinstance(rule, Rate):
            n = max(len(rule.latency_ps), len(rule.per_second))
            pairs = [
                (
                    rule.latency_ps[i if len(rule.latency_ps) > 1 else 0],
                    rule.per_second[i if len(rule.per_second) > 1 else 0],
                )
                for i in range(n)
            ]
            made |= {
                "kind": lib.LASTS_RATE,
                "by": self.column[rule.at] if rule.at else -1,
                "work": self._amount(rule.work),
            } | self._rates(pairs, rule)
        else:
            made |= {
                "kind": lib.LASTS_STEPS,
                "by": self.column[rule.by],
                "work": self._amount(rule.work),
                "upto": self._new("int64_t[]", list(rule.upto) or 1),
            } | self._rates([(rule.latency_ps, r) for r in rule.per_second], rule)
        return self.made(lib.stages_add_lasts(self.handle, self._new("stages_lasts *", made)))

    def _picks(self, rule: Any) -> Any:
        """Rules within a rule; equal ones are made once."""
        numbers = {}
        for each in rule.rules:
            if isinstance(rule, Longest) and isinstance(each, Asked):
                raise BadInput(f"chain {self.chain}: the longest of several durations cannot be answered in Python")
            if each not in numbers:
                numbers[each] = self._lasts(each)
        picks = [numbers[each] for each in rule.rules]
        by = {"by": self.column[rule.at]} if isinstance(rule, Pick) else {}
        kind = lib.LASTS_PICK if by else lib.LASTS_LONGEST
        return {"kind": kind, "n_picks": len(picks), "picks": self._new("int32_t[]", picks)} | by

    def _rates(self, pairs: list[Any], rule: Any) -> dict[str, Any]:
        """Pairs of (latency ps, units per second) as exact fractions."""
        known: dict[tuple[int, int], dict[str, int]] = {}  # dies that are alike give the very same numbers
        for latency, speed in pairs:
            if (id(latency), id(speed)) not in known:
                known[id(latency), id(speed)] = _rate(latency, speed, rule.quantum_ps)
        rates = [known[id(latency), id(speed)] for latency, speed in pairs]
        return {"n_rates": len(rates), "rates": self._new("stages_rate[]", rates)}

    def _route_time(self, rule: RouteTime) -> dict[str, Any]:
        """Latencies add up, the slowest link decides the rate: one rate for each speed that links have."""
        network = rule.network
        return {
            "kind": lib.LASTS_ROUTE,
            "network": self.networks[network.name].number(),
            "source": self.column[rule.source],
            "target": self.column[rule.target],
            "work": self._amount(rule.bytes),
        } | self._rates([(0, Fraction(speed) * rule.efficiency) for speed in self.routes[network.name].speeds], rule)


def _time(ps: int, what: str) -> int:
    """`ps` where it is in 0..2^61, so that sums of two times still fit 62 bits; else BadInput."""
    if not 0 <= ps < LARGEST // 2:
        raise BadInput(f"{what} of {ps} ps is not in 0..2^61")
    return ps


@lru_cache(maxsize=4096)  # dies are alike, and so are their rates
def _rate(latency_ps: int, per_second: Fraction | int, quantum_ps: int) -> dict[str, int]:
    """quanta per unit of work as a reduced fraction a/b."""
    speed = Fraction(per_second)
    if speed <= 0 or quantum_ps < 1:
        raise BadInput(f"a rate of {per_second} per second with a quantum of {quantum_ps} ps: both must be positive")
    exact = Fraction(PS_PER_SECOND) / speed / quantum_ps
    if exact.numerator >= LARGEST or exact.denominator >= LARGEST:
        raise BadInput(f"the rate {per_second} per second is too fine: its exact fraction does not fit 62 bits")
    return {"latency_ps": _time(latency_ps, "a latency"), "a": exact.numerator, "b": exact.denominator}
