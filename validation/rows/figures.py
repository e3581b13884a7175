"""The fitted values of validation/calibrated/*.yaml, as the cases read them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

FOLDER = files("chipweave.validation") / "calibrated"


@cache
def figures(name: str) -> dict[str, float]:
    """{figure: value} of a file of plain figures, NAME.yaml in validation/calibrated."""
    return {k: v["value"] for k, v in yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")).items()}
