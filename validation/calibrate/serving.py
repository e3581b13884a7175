"""Fits the parameters of the serving kernels from calibration rows alone and writes
chipweave/data/serving/calibrated.yaml.

    python -m chipweave.validation.calibrate.serving

Each figure is written with the rows it came from. Rows of any other role are dropped before their value is parsed.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from chipweave import ledger
from chipweave.serving import library

from ..rows.chips import CALIBRATED
from . import attention, exchange, framework, fused_moe
from .kernels import turn_efficiency

FOLDER = files("chipweave.validation") / "references" / "serving"
COMM = files("chipweave.validation") / "calibrated" / "comm.yaml"
STACKS = ("comm.nccl", "comm.custom_allreduce", "comm.deepep_low_latency")
"""Communication stacks whose fitted parameters serving uses as validation/calibrated/comm.yaml has them."""


def calibration_rows(*groups: str) -> list[tuple[ledger.Question, Any]]:
    """[(Question, value)] of role calibration of these groups."""
    rows = ledger.read_references(FOLDER)
    return [(q, ledger.number(text)) for q, text in rows if q.role == "calibration" and q.group in groups]


def fit() -> dict[str, tuple[float, list[str], str]]:
    """{figure: (value, row ids, words)}."""
    kernels = yaml.safe_load(CALIBRATED.read_text(encoding="utf-8"))
    out = {name: (e["value"], e["rows"], "as validation/calibrated/kernels.yaml") for name, e in kernels.items()}
    out["turn_efficiency"] = (
        turn_efficiency(),
        ["hbm3-0002", "hbm3-0003", "hbm3-0011"],
        "share of the bus left where reads and writes take turns",
    )
    out |= attention.fit(calibration_rows("attention_mla", "attention_gqa")) | fused_moe.fit()
    out |= exchange.fit(calibration_rows("a2a_nodes", "a2a_nvl72"))
    return out | framework.fit(calibration_rows("step"))


def stacks() -> dict[str, dict[str, str]]:
    """{kind: {parameter: text}} of the fitted communication stacks."""
    fitted = yaml.safe_load(COMM.read_text(encoding="utf-8"))
    return {kind: {name: str(entry["value"]) for name, entry in fitted[kind].items()} for kind in STACKS}


def write(path: Path, fitted: dict[str, tuple[float, list[str], str]]) -> None:
    """The YAML file: figure -> value, rows, words."""
    entries = {
        n: {"value": float(f"{v:.9g}"), "rows": list(rows), "words": words} for n, (v, rows, words) in fitted.items()
    }
    head = "# Written by validation/calibrate/serving.py from calibration rows alone. SI units. Do not edit.\n"
    text = yaml.safe_dump(
        {"schema": "chipweave.calibrated/1", "device": "H100", "figures": entries, "stacks": stacks()},
        sort_keys=False,
        width=140,
    )
    path.write_text(head + text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(str(library.CALIBRATED)), fit())
