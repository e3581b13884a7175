"""Sets the figures of the serving kernels from calibration rows alone and writes chipweave/data/serving/calibrated.yaml.

    python -m chipweave.validation.calibrate.serving

Each figure is written with the rows it came from. Rows of any other role are dropped before their value is parsed.
"""

from importlib.resources import files
from pathlib import Path

import yaml

from chipweave import ledger
from chipweave.serving import library

from ..rows.chips import calibrated
from . import attention, exchange, fused_moe

FOLDER = files("chipweave.validation") / "references" / "serving"
SHARED = ("graph_kernel_s",)
"""Figures of validation/calibrated/kernels.yaml that serving uses as they are."""


def calibration_rows(*groups: str) -> list[tuple[ledger.Question, float]]:
    """[(Question, value)] of role calibration of these groups."""
    rows = ledger.read_references(FOLDER)
    return [(q, ledger.number(text)) for q, text in rows if q.role == "calibration" and q.group in groups]


def fit() -> dict[str, tuple[float, list[str], str]]:
    """{figure: (value, row ids, words)}."""
    out = {name: (calibrated()[name], ["launch-0002"], "as validation/calibrated/kernels.yaml") for name in SHARED}
    return (
        out
        | attention.fit(calibration_rows("attention_mla", "attention_gqa"))
        | fused_moe.fit()
        | exchange.fit(calibration_rows("a2a_nodes", "a2a_nvl72"))
    )


def write(path: Path, fitted: dict[str, tuple[float, list[str], str]]) -> None:
    """The YAML file: figure -> value, rows, words."""
    entries = {
        n: {"value": float(f"{v:.9g}"), "rows": list(rows), "words": words} for n, (v, rows, words) in fitted.items()
    }
    head = "# Written by validation/calibrate/serving.py from calibration rows alone. SI units. Do not edit.\n"
    text = yaml.safe_dump({"schema": "chipweave.calibrated/1", "figures": entries}, sort_keys=False, width=140)
    path.write_text(head + text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(str(library.CALIBRATED)), fit())
