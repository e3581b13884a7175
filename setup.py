"""setup.cfg holds everything; cffi modules can only be named here (python-cffi/cffi issue 55)."""

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).parent / "csrc"))
from build_kernel import MODULES  # noqa: E402  (found beside this file, not installed)

setup(cffi_modules=[f"csrc/build_kernel.py:{name}" for name in MODULES])
