"""What a paper prints: chipweave/data/study/NAME.yaml, checked."""

from dataclasses import dataclass, field
from pathlib import Path

from chipweave.declare import yamlfile

FOLDER = Path(__file__).parent.parent / "data" / "study"
EVIDENCE = ("text", "bar", "reading", "implied", "earlier")


@dataclass(frozen=True)
class Printed:
    """paper; bars (model, topology, batch, strategy, quantity) -> (value, evidence).

    Averages and host overhead as listed.
    """

    paper: str
    models: dict
    topologies: dict
    bars: dict
    averages: list = field(default_factory=list)
    earlier: list = field(default_factory=list)
    host_overhead: list = field(default_factory=list)


def load(name: str) -> Printed:
    """The Printed of a shipped file."""
    facts = yamlfile.load(FOLDER / f"{name}.yaml").plain()
    bars = {tuple(bar[:5]): (float(bar[5]), bar[6]) for bar in facts["bars"]}
    if len(bars) != len(facts["bars"]) or {evidence for _, evidence in bars.values()} - set(EVIDENCE):
        raise ValueError(f"{name}: a bar is there twice, or its evidence is not one of {', '.join(EVIDENCE)}")
    return Printed(
        facts["paper"],
        facts["models"],
        facts["topologies"],
        bars,
        facts["averages"],
        facts["earlier"],
        facts["host_overhead"],
    )
