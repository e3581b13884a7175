"""Is it said what to do where a checkout has no kernel?"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_checkout_without_its_kernel_says_how_to_build_it(tmp_path):
    ignore = shutil.ignore_patterns("*.so", "__pycache__", "data")
    shutil.copytree(ROOT / "chipweave", tmp_path / "chipweave", ignore=ignore)
    command = [sys.executable, "-c", "import chipweave.fabric"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: the C kernel of") and "pip install -e ." in last
