"""The compiled modules: what every caller of C code goes through. See csrc/build_kernel.py for what they are built
from."""

import importlib
from typing import Any

from chipweave._kernel import ffi, lib

__all__ = ["ffi", "lib", "load"]


def load(name: str) -> tuple[Any, Any]:
    """(ffi, lib) of the module built from csrc/behaviours/NAME/ or csrc/policies/NAME.c."""
    module = importlib.import_module(f"chipweave._c_{name}")
    return module.ffi, module.lib
