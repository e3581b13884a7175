"""The routed experts of a step on a composed system: dispatch, experts and combine of every MoE layer, simulated.

Tokens travel as messages through the system's own network, under the link model and strategy of the step; weights
are read as the strategy says, on the same links. A step of n tokens is a batch of n requests of a routing trace, of
which prefill and two decode steps are run; its times are the mean of the decode steps, layer by layer. Tokens of
prompts route as tokens that decode do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from chipweave import topology
from chipweave.component.replicas import bare, gather
from chipweave.component.staged import Staged
from chipweave.declare import registry
from chipweave.errors import BadInput, Fault, nearest
from chipweave.policy import strategy as strategies
from chipweave.run import simulate
from chipweave.run.record import column
from chipweave.run.spec import MOST, RunSpec
from chipweave.serving.models import ServingModel
from chipweave.serving.setting import FORMATS, RESERVED
from chipweave.trace import library
from chipweave.trace import models as routing_models

STEPS, REQUESTS, SEED = 3, 256, 1
"""Of the trace: steps that are run (a prefill and two of decode), requests of one that is made, its seed."""

SAME = {"deepseek-r1": "deepseek-v3"}
"""Models with the shapes of another."""

MOST_ERROR = 0.01
"""Of a layer's time between two simulated numbers of tokens, as `near` answers."""


@dataclass(frozen=True)
class Choice:
    """Under what the experts of a composed system run; names as `chipweave compare` has them."""

    strategy: str = "ep"
    link_model: str = ""  # as the preset and the topology say
    preset: str = "physical"


def choice_of(words: Mapping[str, str | None]) -> Choice | None:
    """The Choice of the words that were given; None where there is none, which other systems need."""
    given = {key: word for key, word in words.items() if word}
    return Choice(**given) if given else None


class Times(NamedTuple):
    """Seconds of one MoE layer: tokens to their experts, experts, results back."""

    dispatch: float
    experts: float
    combine: float


class Composed:
    """The MoE layers of one model on one composed system; every number of tokens is simulated once.

    held: bytes of each computing die that attention, dense layers and cache take, so that copies have no room there.
    source: a trace of the model's routing by name or file; "": one is made by the model's law.
    """

    def __init__(
        self,
        system: str,
        model: ServingModel,
        model_name: str,
        form: str,
        peak_8bit: str,
        choice: Choice,
        source: str = "",
        held: float = 0.0,
    ) -> None:
        self.system, self.model, self.choice, self.source = system, model, choice, source
        self.form, self.peak_8bit, self.held = form, peak_8bit, held
        self._check_names()
        self.routing = replace(_routing_model(model_name, model), weight_bytes=Fraction(FORMATS[form][1]))
        self.known: dict[int, tuple[Times, ...]] = {}
        self.simulated, self.largest_error = 0, 0.0
        self.links: dict[str, str] = {}  # link model and admission of the runs, once there is one

    def _check_names(self) -> None:
        """Refuse a strategy or link model that there is not, both at once."""
        faults, chosen = [], self.choice
        if not chosen.strategy.endswith(".yaml") and chosen.strategy not in strategies.shipped():
            known = strategies.shipped()
            faults.append(
                Fault(
                    f"unknown strategy '{chosen.strategy}'",
                    allowed=", ".join(known) + ", or a file",
                    nearest=nearest(chosen.strategy, known),
                )
            )
        kinds = registry.link_models.kinds()
        if chosen.link_model and chosen.link_model not in kinds:
            faults.append(
                Fault(
                    f"unknown link model '{chosen.link_model}'",
                    allowed=", ".join(kinds),
                    nearest=nearest(chosen.link_model, kinds),
                )
            )
        if faults:
            raise BadInput(faults)

    @cached_property
    def trace(self) -> Any:
        """The routing trace, opened or made at the first use."""
        if not self.source:
            return library.generated(self.routing, REQUESTS, STEPS, SEED)
        trace = library.open_trace(self.source)
        library.check_model(trace, self.routing)
        return library.replayed(trace, REQUESTS, STEPS, SEED) if trace.prefill_only else trace

    def of(self, tokens: int) -> tuple[Times, ...]:
        """Times of every MoE layer of a step of `tokens` tokens, in order of layers: simulated."""
        if tokens not in self.known:
            self.known[tokens] = self._simulated(tokens)
            self.simulated += 1
        return self.known[tokens]

    def near(self, tokens: int) -> tuple[Times, ...]:
        """As `of`, from simulated neighbours where the middle of them is met within MOST_ERROR: what a server asks for
        each of its steps. `largest_error` says how far off a middle was."""
        low = 1 << (tokens.bit_length() - 1)
        high = 2 * low
        while tokens not in (low, high):
            middle = (low + high) // 2
            ends = {at: self.of(at) for at in (low, middle, high)}
            error = abs(_sum(_between(ends[low], ends[high], (middle - low) / (high - low))) / _sum(ends[middle]) - 1)
            low, high = (low, middle) if tokens <= middle else (middle, high)
            if error <= MOST_ERROR:
                self.largest_error = max(self.largest_error, error)
                return _between(ends[low], ends[high], (tokens - low) / (high - low))
        return self.of(tokens)

    def document(self) -> dict[str, Any]:
        """What the experts' part was simulated on and under, for results."""
        return {
            "topology": self.system,
            "strategy": self.choice.strategy,
            "preset": self.choice.preset,
            **self.links,
            "trace": {"name": self.trace.name, "sha256": self.trace.sha256},
            "simulated": self.simulated,
        }

    def _simulated(self, tokens: int) -> tuple[Times, ...]:
        """One run of the system: mean of its decode steps, layer by layer."""
        if tokens > MOST:
            raise BadInput(Fault(f"a step of {tokens:,} tokens on {self.system}", allowed=f"at most {MOST:,}"))
        spec = RunSpec(
            self.system,
            self.choice.preset,
            self.routing.name,
            self.source or None,
            tokens,
            STEPS,
            self.choice.strategy,
            self.choice.link_model or None,
            sets=self._sets(),
        )
        found: list[Any] = []
        outcome = simulate.simulate(spec, lambda job: found.append(job), loaded=self._loaded(spec), account=False)
        rows = zip((job for job in found if job is not None), column(outcome.table, "time_ps"), strict=True)
        self.links = {key: outcome.row[key] for key in ("link_model", "admission")}
        sums: dict[int, list[float]] = {}
        for job, time in rows:
            if job.step < outcome.prefill_steps:
                continue
            there, back = job.moved_ps or (0, 0)
            self._check_tokens(int(job.view.counts.sum()), tokens)
            each = sums.setdefault(job.layer_index, [0.0, 0.0, 0.0, 0])
            for place, ps in enumerate((there, int(time) - there - back, back)):
                each[place] += ps * 1e-12
            each[3] += 1
        return tuple(Times(*(s / steps for s in parts)) for _, (*parts, steps) in sorted(sums.items()))

    def _check_tokens(self, choices: int, tokens: int) -> None:
        """Refuse a trace whose requests end or leave choices out: its steps have fewer tokens than the server's."""
        if abs(choices / (tokens * self.routing.top_k) - 1) > MOST_ERROR:
            raise BadInput(
                Fault(
                    f"trace {self.trace.name}: a decode step of {tokens} requests makes {choices} choices of "
                    f"experts, not {tokens} x {self.routing.top_k}",
                    allowed="a trace whose requests decode in all its steps",
                )
            )

    def _loaded(self, spec: RunSpec) -> Any:
        """What `spec` names, with the weights in the step's format; a fresh system, as a run starts it."""
        from chipweave.declare.user_code import Gate
        from chipweave.topology import preset as presets

        preset = presets.load(spec.preset)
        system = topology.load(spec.topology, sets=spec.sets, preset=spec.preset)
        if all(not getattr(part, "moves_tokens", False) for part in system.parts.values()):
            raise BadInput(Fault(f"{spec.topology}: no part moves tokens", allowed="a cp.global with tokens: moved"))
        policies = simulate.open_strategy(spec, preset, Gate(False))
        habits = dict.fromkeys(presets.HABITS, False)  # a server counts every token and every layer
        return simulate.Loaded(self.routing, library.batch_of(self.trace, spec.batch), system, policies, habits)

    def _sets(self) -> tuple[str, ...]:
        """Overrides of the topology: tokens move, 8-bit experts have the 8-bit rate, what serving holds is no room for
        copies."""
        system = topology.load(self.system, preset=self.choice.preset)
        return tuple(dict.fromkeys(self._overrides(list(system.parts.values()))))

    def _overrides(self, parts: list[Any]) -> Iterator[str]:
        yield from (f"{bare(part.name)}.tokens=moved" for part in parts if "tokens" in part.params)
        stating = [(group, group.facts()) for group in gather(parts) if isinstance(group.members[0], Staged)]
        works = {part.die for group, facts in stating if "compute" in facts for part in group.members}
        for group, facts in stating:
            part, name = group.members[0], bare(group.members[0].name)
            if "compute" in facts and FORMATS[self.form][0].startswith("fp8"):
                if "peak" not in part.params or not self.peak_8bit:
                    raise BadInput(
                        Fault(
                            f"{self.system}: experts in {self.form}, and no 8-bit rate of {name} is known",
                            allowed="fp8_peak in the server's file and a part with `peak`; or --precision bf16",
                        )
                    )
                yield f"{name}.peak={self.peak_8bit}"
            if "hbm_bytes" in facts and part.die in works:
                left = int(part.capacity) - int(self.held / float(1 - RESERVED))
                yield f"{name}.capacity={left} B"


def _routing_model(name: str, model: ServingModel) -> routing_models.Model:
    """The sizes that decide traffic, under the same name; BadInput where there are none, or of another model."""
    if not model.experts:
        raise BadInput(Fault(f"{model.name} has no experts", allowed="an MoE model, on a system of composed dies"))
    name = SAME.get(name, name)
    if not name.endswith(".json") and name not in routing_models.names():
        allowed = ", ".join([*routing_models.names(), *SAME]) + ", or a config.json"
        raise BadInput(Fault(f"no sizes of {name} for a composed system", allowed=allowed))
    found = routing_models.load(name)
    sizes = {
        "MoE layers": (len(found.moe_layers), len(model.moe_layers)),
        "experts": (found.experts, model.experts),
        "experts a token": (found.top_k, model.top_k),
        "hidden": (found.hidden, model.hidden),
        "columns of an expert": (found.intermediate, model.expert_intermediate),
    }
    wrong = [f"{what} {a} and {b}" for what, (a, b) in sizes.items() if a != b]
    if wrong:
        raise BadInput(Fault(f"{name}: sizes for routing and for serving differ: {', '.join(wrong)}"))
    return found


def _sum(times: tuple[Times, ...]) -> float:
    return sum(map(sum, times))


def _between(low: tuple[Times, ...], high: tuple[Times, ...], share: float) -> tuple[Times, ...]:
    """Layer by layer, `share` of the way from one number of tokens to another."""
    return tuple(
        Times(*(a + (b - a) * share for a, b in zip(x, y, strict=True))) for x, y in zip(low, high, strict=True)
    )
