"""The compiled modules: what every caller of C code goes through. See csrc/build_kernel.py for what they are built
from."""

import importlib
from pathlib import Path
from typing import Any

try:
    from chipweave._kernel import ffi, lib
except ModuleNotFoundError as error:
    raise ImportError(
        f"the C kernel of {Path(__file__).parents[2]} is not built: `python -m pip install -e .` there builds it; "
        "from another folder an installed chipweave is used"
    ) from error

__all__ = ["ffi", "lib", "load"]


def load(name: str) -> tuple[Any, Any]:
    """(ffi, lib) of the module built from csrc/behaviours/NAME/ or csrc/policies/NAME.c."""
    module = importlib.import_module(f"chipweave._c_{name}")
    return module.ffi, module.lib
