"""What to run: a run file, the options of the command line over it, and what identifies the run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chipweave.chain.rules import ADMISSIONS
from chipweave.declare import registry
from chipweave.errors import BadInput, Fault, nearest

PRESET = "physical"  # where a run names none
STRATEGIES = ("base", "ep", "allo", "pred", "allo+pred")
MOST_SEED = 2**63 - 1
MOST = 1_000_000  # requests of a batch, steps: as `trace generate` has them


@dataclass(frozen=True)
class RunSpec:
    """One run. Names are names of shipped files or paths.

    strategy  a name, or ((role, policy), ...) written out, a policy being a kind or ((key, value), ...)

    batch   requests decoded together; more than the trace holds repeats its request list
    steps   steps of the trace, the prefill included
    sets    "part.parameter=value" overrides of the topology, in order
    """

    topology: str = "wafer_5x5"
    preset: str = PRESET
    model: str = "deepseek-v3"
    trace: str | None = None
    batch: int = 4096
    steps: int = 128
    strategy: str | tuple[Any, ...] = "base"
    link_model: str | None = None  # None: that of the topology's network
    admission: str | None = None
    wait_queue: str | None = None
    seed: int = 1
    sets: tuple[str, ...] = ()
    allow_code: bool = False
    engine: str = "kernel"
    folder: str = "."  # relative paths in the run file start here

    def __post_init__(self) -> None:
        """Refuse names that there are not, all at once, with the nearest ones."""
        faults = []
        for name, value, allowed in (
            ("link_model", self.link_model, registry.link_models.kinds()),
            ("admission", self.admission, tuple(ADMISSIONS)),
            ("engine", self.engine, ("kernel", "plain")),
        ):
            if value is not None and value not in allowed:
                faults.append(
                    Fault(f"unknown {name} '{value}'", allowed=", ".join(allowed), nearest=nearest(value, allowed))
                )
        for name, least in (("batch", 1), ("steps", 1), ("seed", 0)):
            most = MOST_SEED if name == "seed" else MOST
            if not least <= getattr(self, name) <= most:
                faults.append(
                    Fault(
                        f"{name} is {getattr(self, name)}",
                        allowed=f"at least {least}" if getattr(self, name) < least else f"at most {most:,}",
                    )
                )
        if faults:
            raise BadInput(faults)

    @property
    def strategy_name(self) -> str:
        """The strategy's name; of a file, without folder and ending; of policies written out, their kinds."""
        if isinstance(self.strategy, str):
            return Path(self.strategy).stem if self.strategy.endswith(".yaml") else self.strategy
        return "+".join(p if isinstance(p, str) else p["kind"] for p in self.policies.values())

    @property
    def policies(self) -> dict[str, str | dict[str, Any]]:
        """role -> policy, as text or as a mapping with `kind`, where the strategy is written out."""
        assert not isinstance(self.strategy, str)
        return {role: given if isinstance(given, str) else dict(given) for role, given in self.strategy}

    def with_options(self, **options: Any) -> RunSpec:
        """The same run with the options that are not None replaced."""
        return replace(self, **{k: v for k, v in options.items() if v is not None})
