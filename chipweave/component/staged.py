"""Components that publish stages: what a transfer does between two decisions, written once for all replicas.

The parts of one kind at one place of a replicated assembly (the LLC of every die) are *replicas*. Each group of
replicas speaks through its first part, twice, before the run:

    declare(layout, work)    resources, tables and counters of all replicas
    publish(layout)          chains that start at this part (an SM cluster's reads)

and serves others' chains: `self.ask("memory", "access", chain, ...)` calls `serve_access(chain, ...)` of the part at
the other end of port `memory`, which appends its stages and returns the name of the first.
"""

import inspect

from chipweave.component.component import Component
from chipweave.errors import BadInput


class Staged(Component):
    """Base of components that work by stages.

    Attributes, set by `chipweave.component.replicas.gather` before `declare`:
        replicas: the parts of the group, by die; parameters may differ from part to part.
        group: the group's name, "die.llc".
        layout: the chipweave.chain.Layout being filled.
    """

    def declare(self, layout, work):
        """Declare what the replicas have; `work` says what is moved (chipweave.component.transfer_operands.Work)."""

    def publish(self, layout):
        """Publish the chains that start here, if any."""

    def facts(self):
        """Figures the part states of itself for policies and results (compute, hbm_bandwidth, ...), name -> value."""
        return {}

    def counter(self, stat):
        """The kernel's counter of a declared statistic, one entry per replica."""
        if stat not in self.counters:
            self.counters[stat] = self.layout.counter(f"{self.group}.{stat}", len(self.replicas))
        return self.counters[stat]

    def each(self, parameter):
        """A parameter of every replica, as a tuple."""
        return tuple(getattr(part, parameter) for part in self.replicas)

    def ask(self, port, what, chain, **options):
        """Let the part at the other end of `port` append its stages for `what`; returns the name of the first one."""
        part = self.links[port][0][0].replicas[0]
        serve = getattr(part, f"serve_{what}", None)
        if serve is None:
            raise BadInput(f"{part.name} ({part.kind}) does not serve '{what}', which {self.name}.{port} asks for")
        try:
            inspect.signature(serve).bind(chain, **options)
        except TypeError as error:
            raise BadInput(
                f"{part.name} ({part.kind}): serve_{what} does not take what {self.name}.{port} asks for: {error}"
            ) from None
        return serve(chain, **options)


class CopyTable(Staged):
    """Base of parts that name the copies of remote lines which each die keeps: the run asks them what changed."""

    def changes(self, fabric):
        """int64 [n, 3], rows (die, line, +1 stored or -1 dropped) since the last call, in the order it happened."""
        raise NotImplementedError
