"""Components that publish stages: what a transfer does between two decisions, written once for all parts that are
equal.

The equal parts at one place of the dies (the LLC of every die) form a group (chipweave.component.replicas). Each group
speaks through its first part, twice, before the run:

    declare(layout, work)    resources, tables and counters of all its parts, with an entry for each die of the system
    publish(layout)          chains that start at this part (an SM cluster's reads)
    carry(layout, work)      what control moves between dies (tokens, weights), where the run has it

and serves others' chains: `self.ask("memory", "access", chain, ...)` calls `serve_access(chain, ...)` of the part at
the other end of port `memory`, which appends its stages and returns the name of the first. Where the dies' ports lead
to parts of several groups, each appends its stages, and the chain branches on the die. `self.across("mesh", ...)` calls
the parts at the other ends of a network likewise.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from chipweave.chain.branches import Scope, deal, fork
from chipweave.chain.layout import Layout
from chipweave.chain.nouns import Counter, pick
from chipweave.chain.stage import DONE, TIMED
from chipweave.component.component import Component
from chipweave.errors import BadInput


class Staged(Component):
    """Base of components that work by stages.

    Attributes, set by `chipweave.component.replicas.gather` before `declare`:
        members: the parts of the group, by die.
        replicas: the same with an entry for each die of the system; the first part stands in where a die has none.
        group: the group's name, "die.llc".
        layout: the chipweave.chain.Layout being filled.
        dealt_by: of parts that start chains: the operand by which work is dealt to several of them on one die.
    """

    dealt_by = ""
    members: list[Any]
    replicas: list[Any]
    group: str
    die: int | None
    dies: int
    layout: Layout
    counters: dict[str, Counter]
    networks: dict[str, Any]
    others: dict[str, dict[Any, list[int]]]

    def declare(self, layout: Layout, work: Any) -> None:
        """Declare what the group has; `work` says what is moved (chipweave.component.transfer_operands.Work)."""

    def publish(self, layout: Layout) -> None:
        """Publish the chains that start here, if any."""

    def carry(self, layout: Layout, work: Any) -> None:
        """Publish the chains that others start: of tokens and of weights, where `work` says that the run moves them."""

    def facts(self) -> dict[str, Any]:
        """Figures the part states of itself for policies and results (compute, hbm_bandwidth, ...), name -> value, or
        name -> one value for each die (`each`)."""
        return {}

    def counter(self, stat: str) -> Counter:
        """The kernel's counter of a declared statistic, one entry for each die."""
        if stat not in self.counters:
            self.counters[stat] = self.layout.counter(f"{self.group}.{stat}", len(self.replicas))
        return self.counters[stat]

    def each(self, parameter: str) -> tuple[Any, ...]:
        """A parameter of every die's part, as a tuple."""
        return tuple(getattr(part, parameter) for part in self.replicas)

    def by_die(self, at: str, rule: Callable[[Any], Any]) -> Any:
        """The duration rule that `rule(part)` gives for the part of the die in operand `at`; one rule where all are
        equal."""
        kept: dict[Any, Any] = {}
        return pick(at, [kept[part] if part in kept else kept.setdefault(part, rule(part)) for part in self.replicas])

    def stage_by_die(
        self, chain: Any, name: str, at: str, figures: Callable[[Any], Any], make: Callable[[Any], str]
    ) -> str:
        """The stage that `make(part)` appends for the part of the die in operand `at`: one for all parts with equal
        `figures(part)`, and a choice called `name` before them where there are several."""
        alike: dict[Any, list[Any]] = {}
        for part in self.members:
            alike.setdefault(figures(part), []).append(part)
        cases = [([part.die for part in parts], lambda part=parts[0]: make(part)) for parts in alike.values()]
        return fork(self.layout, Scope(chain), name, at, cases)

    def peers(self, port: str) -> list[tuple[list[int], tuple[Any, ...]]]:
        """[(dies, groups)]: to which groups (their first parts) the port leads on which dies of this group."""
        found: dict[tuple[Any, ...], list[int]] = {}
        for part in self.members:
            leaders = tuple(peer.members[0] for peer, _ in part.links[port])
            found.setdefault(leaders, []).append(part.die)
        return [(dies, leaders) for leaders, dies in found.items()]

    def ask(
        self,
        port: str,
        what: str,
        chain: Any,
        on: str = "",
        deal_by: str | Callable[[int], Any] = "",
        together: bool = False,
        absent: Any = None,
        **options: Any,
    ) -> str:
        """Let the part at the other end of `port` append its stages for `what`; returns the name of the first one.

        Args:
            on: the operand with the die of this part and its peer; by default the option `at`, or else `home`.
            deal_by: the operand by which it is dealt to several parts at the port, in turn; or a function of their
                number that returns the Query which picks one.
            together: several parts at the port answer as one: the first, with all of them as its option `beside`.
            absent: the stage to go on at where nothing is connected.
        """
        on = on or options.get("at") or options.get("home") or chain.operands[0]
        cases = [
            (dies, lambda leaders=leaders: self._asked(port, what, chain, leaders, deal_by, together, absent, options))
            for dies, leaders in self.peers(port)
        ]
        return fork(self.layout, Scope(chain), f"which {port}", on, cases)

    def across(self, port: Any, what: Any, chain: Any, on: Any, needs: str = "", **options: Any) -> Any:
        """Ask the part at the other end of the network of `port`, on the die in operand `on`; returns the first stage.

        needs  only parts whose port of this name is connected take part
        """
        cases = [
            (dies, lambda leader=leader: leader._serve(what, chain, options, f"{self.name}.{port}"))
            for leader, dies in self.others[port].items()
            if not needs or any(part.links.get(needs) for part in leader.members)
        ]
        if not cases:
            raise BadInput(f"{self.name}.{port}: no part of the network has anything at port {needs}")
        return fork(self.layout, Scope(chain), f"which {port}", on, cases)

    def timed(self, chain: Any, stage: Any) -> Any:
        """A stage that can begin a side chain: `stage`, behind a hold of no length where it is settled at an
        instant."""
        if stage == DONE:
            return ()
        instant = chain.stages[stage].kind not in TIMED
        return Scope(chain).hold("side", (), 0, then=stage) if instant else stage

    def _asked(
        self, port: Any, what: Any, chain: Any, leaders: Any, deal_by: Any, together: Any, absent: Any, options: Any
    ) -> Any:
        """The stages of one die's peers at a port: one peer's own, one of several by `deal_by`, or all together.

        leaders: the first part of each group at the other end. BadInput where nothing is connected
        and `absent` is not given, or where several are and nothing says how to choose.
        """
        if not leaders:
            if absent is None:
                raise BadInput(f"{self.group}.{port} is not connected, and {self.kind} asks for '{what}' there")
            return absent
        if together and len(leaders) > 1:
            return leaders[0]._serve(what, chain, {**options, "beside": leaders}, f"{self.name}.{port}")
        if len(leaders) > 1 and not deal_by:
            raise BadInput(
                f"{self.group}.{port} leads to {', '.join(p.group for p in leaders)}, "
                f"and {self.kind} asks one for '{what}'"
            )
        makers = [
            lambda leader=leader: leader._serve(what, chain, options, f"{self.name}.{port}") for leader in leaders
        ]
        return deal(Scope(chain), f"which of {port}", deal_by, makers)

    def _serve(self, what: Any, chain: Any, options: Any, asker: Any) -> Any:
        """The stages of this group for `what`, with `asker` in the words of what is wrong."""
        serve = getattr(self, f"serve_{what}", None)
        if serve is None:
            raise BadInput(f"{self.name} ({self.kind}) does not serve '{what}', which {asker} asks for")
        scope = Scope(chain)
        try:
            inspect.signature(serve).bind(scope, **options)
        except TypeError as error:
            raise BadInput(
                f"{self.name} ({self.kind}): serve_{what} does not take what {asker} asks for: {error}"
            ) from None
        return serve(scope, **options)


class CopyTable(Staged):
    """Base of parts that name the copies of remote lines which each die keeps: the run asks them what changed."""

    def changes(self, fabric: Any) -> Any:
        """int64 [n, 3], rows (die, line, +1 stored or -1 dropped) since the last call, in the order it happened."""
        raise NotImplementedError
