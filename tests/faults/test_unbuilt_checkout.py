"""Does a checkout that stands before the installed package say that it is not built, and what to do?"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import chipweave

SOURCES = Path(chipweave.__file__).parent
ALONE = "import sys; sys.meta_path[:] = [f for f in sys.meta_path if 'ditable' not in f'{f} {f.__class__}']; "
"""As where chipweave is installed as a wheel: an editable installation would lend its own compiled modules."""


@pytest.fixture
def checkout(tmp_path):
    """The Python files of chipweave, without what is compiled."""
    shutil.copytree(SOURCES, tmp_path / "chipweave", ignore=shutil.ignore_patterns("*.so", "__pycache__", "data"))
    (tmp_path / "benchmarks").mkdir()
    for name in ("__main__.py", "line_rate.py"):
        shutil.copy(SOURCES.parent / "benchmarks" / name, tmp_path / "benchmarks" / name)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("module", ["_kernel", "_c_sm", "fabric", "noc.routing", "line_rate.sm_program"])
def test_every_way_to_compiled_code_says_so(checkout, module):
    command = [sys.executable, "-c", f"{ALONE} import chipweave.{module}"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    said = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert f"the checkout {checkout} is not built" in said and "python -m pip install -e ." in said


def test_benchmarks_say_so_without_a_traceback(checkout):
    run = "sys.argv[1:] = ['line_rate']; import runpy; runpy.run_module('benchmarks', run_name='__main__')"
    command = [sys.executable, "-c", ALONE + run]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 1 and "is not built" in done.stderr and "Traceback" not in done.stderr


def test_a_name_that_there_is_nowhere_is_an_ordinary_error():
    with pytest.raises(ModuleNotFoundError, match="No module named 'chipweave.nothing'"):
        __import__("chipweave.nothing")
