"""setup.cfg holds everything; cffi modules can only be named here (python-cffi/cffi issue 55)."""

import compileall
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).parent / "csrc"))
from build_kernel import MODULES  # noqa: E402  (found beside this file, not installed)


class BuildPy(build_py):
    """pip compiles what it installs, but not what an editable install points to: with PYTHONDONTWRITEBYTECODE set, as
    in many containers, every command would compile the sources anew, which is two thirds of its start.
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            for package in self.packages:
                compileall.compile_dir(self.get_package_dir(package), maxlevels=0, quiet=1)


setup(cffi_modules=[f"csrc/build_kernel.py:{name}" for name in MODULES], cmdclass={"build_py": BuildPy})
