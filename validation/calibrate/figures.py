"""Figures that belong to a program and not to a device, as validation/calibrated/dies.yaml has them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

DIES = files("chipweave.validation") / "calibrated" / "dies.yaml"


@cache
def dies() -> dict[str, float]:
    """{name: value}."""
    return {k: v["value"] for k, v in yaml.safe_load(DIES.read_text(encoding="utf-8")).items()}
