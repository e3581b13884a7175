"""Is the C engine free of memory errors and undefined behaviour under random work? (random_work.c)"""

import shutil
import subprocess
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[2] / "csrc"
OWN = [*(CSRC / "stages").rglob("*.c"), Path(__file__).with_name("random_work.c")]


@pytest.mark.slow
def test_random_work_under_every_rule_is_clean(tmp_path):
    compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    program = tmp_path / "random_work"
    flags = ["-std=c11", "-O1", "-g", "-ffp-contract=off", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    built = subprocess.run(
        [compiler, *flags, f"-I{CSRC}", *map(str, OWN), "-o", str(program)], capture_output=True, text=True
    )
    if built.returncode and "sanitize" in built.stderr:
        pytest.skip("the compiler has no sanitizers")
    assert built.returncode == 0, built.stderr
    run = subprocess.run([str(program)], capture_output=True, text=True, timeout=300)
    assert (run.returncode, run.stdout) == (0, "ok\n"), run.stdout + run.stderr
