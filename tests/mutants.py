"""Is a wrong line caught? Wrong versions of ten files, each run against the tests of its file: `make mutants`.

    python tests/mutants.py [FILE TEST...] [--most 12] [--seed 1]

cosmic-ray makes the mutants: another operator, another number, `not`, `continue` for `break` and so on. A file has
hundreds, so `--most` of them are drawn by the seed; those in annotations are left out, which nothing evaluates. They
are made in a copy of the tree. A mutant that all tests pass has survived: it is printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WINGS = ("components", "policies", "topologies", "validation")
FILES = {
    "chipweave/declare/units.py": ["tests/core/test_units.py"],
    "chipweave/declare/params.py": ["tests/core/test_component.py"],
    "chipweave/chain/layout.py": ["tests/stages/test_layout.py", "tests/stages/test_stages_docs.py"],
    "chipweave/component/kernel_launch.py": ["tests/components/test_kernel_launch.py"],
    "chipweave/noc/shapes/torus.py": ["tests/flit/test_shapes.py"],
    "chipweave/plain/hbm_channel.py": [
        "tests/die/test_hbm_places.py",
        "tests/die/test_hbm_rules.py",
        "tests/die/test_refresh.py",
    ],
    "chipweave/policy/view.py": ["tests/policies/test_view.py"],
    "chipweave/trace/runs_text.py": ["tests/trace/test_runs_text.py"],
    "chipweave/ledger/__init__.py": ["tests/validation/test_ledger.py"],
    "chipweave/topology/patterns.py": ["tests/core/test_topology_faults.py"],
}
TIMEOUT_S = 300.0
SAME = ("_Is", "_IsNot")  # `is` for `==`: the same for small numbers and short texts
SURVIVED = "SURVIVED"  # as cosmic-ray stores it


def copied(folder: Path) -> None:
    """The package with its four mapped folders in it, and the tests: what PYTHONPATH needs to find it first."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "chipweave", folder / "chipweave", ignore=skip)
    for wing in WINGS:
        shutil.copytree(ROOT / wing, folder / "chipweave" / wing, ignore=skip)
        (folder / wing).symlink_to(folder / "chipweave" / wing)
    for name in ("tests", "docs", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    shutil.copy(ROOT / "setup.cfg", folder)


def annotated(source: str) -> set[int]:
    """Lines of `source` that hold an annotation alone or beside a name: a mutant there may change nothing that runs."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        for each in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(each, ast.expr):
                found |= set(range(each.lineno, (each.end_lineno or each.lineno) + 1))
    return found


def drawn(session: Path, source: str, most: int, seed: int) -> None:
    """Leave `most` mutants of a session, none of them in an annotation."""
    data = sqlite3.connect(session)
    typed = annotated(source)
    query = "select job_id, start_pos_row, operator_name from mutation_specs order by start_pos_row, operator_name"
    rows = data.execute(query).fetchall()
    able = [job for job, row, name in rows if row not in typed and not name.endswith(SAME)]
    kept = set(random.Random(seed).sample(able, min(most, len(able))))
    for job, *_ in rows:
        if job not in kept:
            data.execute("delete from mutation_specs where job_id = ?", (job,))
            data.execute("delete from work_items where job_id = ?", (job,))
    data.commit()
    data.close()


def survivors(folder: Path, file: str, tests: list[str], most: int, seed: int) -> tuple[int, list[str]]:
    """(mutants run, diffs of those that survived) of one file. Raises RuntimeError where the tests fail without one."""
    config, session = folder / "mutants.toml", folder / "mutants.sqlite"
    command = f"{sys.executable} -m pytest -x -q -n 0 -p no:cacheprovider {' '.join(tests)}"
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    if subprocess.run(command.split(), cwd=folder, env=environment, capture_output=True).returncode:
        raise RuntimeError(f"{file}: {' '.join(tests)} fail without any mutant")
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "{file}"\ntimeout = {TIMEOUT_S}\nexcluded-modules = []\n'
        f'test-command = {json.dumps(command)}\n[cosmic-ray.distributor]\nname = "local"\n'
    )
    session.unlink(missing_ok=True)
    for step in ("init", "exec"):
        tool = [sys.executable, "-m", "cosmic_ray.cli", step, str(config), str(session)]
        subprocess.run(tool, cwd=folder, env=environment, check=True, capture_output=True)
        if step == "init":
            drawn(session, (folder / file).read_text(encoding="utf-8"), most, seed)
    rows = sqlite3.connect(session).execute("select test_outcome, diff from work_results").fetchall()
    return len(rows), [diff for outcome, diff in rows if str(outcome).upper() == SURVIVED]


def main() -> int:
    """Print each file's count and its survivors; 1 where there are any."""
    read = argparse.ArgumentParser(description="Mutants of files, run against their tests.")
    read.add_argument("file", nargs="*", help="a file and its tests; ten files of the project where none is named")
    read.add_argument("--most", type=int, default=12, help="mutants of each file")
    read.add_argument("--seed", type=int, default=1)
    given = read.parse_args()
    wanted = {given.file[0]: given.file[1:]} if given.file else FILES
    if not all(file.startswith("chipweave/") for file in wanted):
        read.error("files of the core only: an editable install finds the four mapped folders in the tree itself")
    lived = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copied(folder)
        for file, tests in wanted.items():
            try:
                run, diffs = survivors(folder, file, tests, given.most, given.seed)
            except RuntimeError as error:
                print(error, flush=True)
                lived += 1
                continue
            print(f"{file}: {run - len(diffs)} of {run} mutants caught", flush=True)
            print("\n".join(diffs), flush=True)
            lived += len(diffs)
    return int(lived > 0)


if __name__ == "__main__":
    sys.exit(main())
