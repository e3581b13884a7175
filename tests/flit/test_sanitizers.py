"""Does the C test program run clean under AddressSanitizer and UndefinedBehaviorSanitizer, without a compiler
warning?"""

import shutil
import subprocess
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[2] / "csrc"
FLAGS = [
    "-std=c11",
    "-O1",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffp-contract=off",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
]


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
@pytest.mark.slow
def test_the_kernel_is_clean_under_sanitizers_and_holds_its_invariants(tmp_path):
    flit = [p for p in sorted((CSRC / "flit").rglob("*.c")) if p.name not in ("link_model.c", "link_trails.c")]
    sources = [str(Path(__file__).with_name("random_networks.c")), *map(str, flit)]
    built = subprocess.run(
        ["gcc", *FLAGS, f"-I{CSRC}", *sources, "-lm", "-o", str(tmp_path / "random_networks")],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([str(tmp_path / "random_networks")], capture_output=True, text=True)
    assert ran.returncode == 0 and "all invariants held" in ran.stdout, ran.stdout + ran.stderr
