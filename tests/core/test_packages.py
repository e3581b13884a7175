"""Can the source archive be installed where nothing else is, and does what was installed work?"""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from chipweave.run import error_bars

ROOT = Path(__file__).resolve().parents[2]
KEPT_OUT = (".so", ".o", ".pyc")


def run(*command, cwd, **environment):
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(unpacked source archive, wheel built from it), far from the checkout."""
    folder = tmp_path_factory.mktemp("packages")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)  # the wheel is built from the archive
    (archive,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz"), wheel


@pytest.mark.slow
def test_the_source_archive_holds_what_it_takes_to_build_test_and_read(built):
    source, _ = built
    for top in (
        "csrc",
        "tests",
        "docs",
        "examples",
        "benchmarks",
        "components",
        "policies",
        "topologies",
        "validation",
    ):
        for path in (ROOT / top).rglob("*"):
            if path.is_file() and path.suffix not in KEPT_OUT:
                assert (source / path.relative_to(ROOT)).is_file(), path
    for name in ("Makefile", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE", "ruff.toml"):
        assert (source / name).is_file(), name
    assert not [p for p in source.rglob("*") if p.suffix in KEPT_OUT]


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_data_file_and_every_compiled_module(built):
    source, wheel = built
    inside = set(zipfile.ZipFile(wheel).namelist())
    for top in ("chipweave", "components", "policies", "topologies", "validation"):
        for path in (ROOT / top).rglob("*"):
            if path.is_file() and path.suffix in (".py", ".yaml", ".csv", ".txt", ".json", ".parquet"):
                name = path.relative_to(ROOT).as_posix()
                assert (name if top == "chipweave" else f"chipweave/{name}") in inside, path
    assert "chipweave/py.typed" in inside or not (ROOT / "chipweave" / "py.typed").exists()
    compiled = {name for name in inside if name.endswith(sysconfig.get_config_var("SHLIB_SUFFIX"))}
    behaviours = [p for p in (source / "csrc" / "behaviours").iterdir() if p.is_dir()]
    policies = list((source / "csrc" / "policies").glob("*.c"))
    assert len(compiled) == 1 + len(behaviours) + len(policies)


@pytest.mark.slow
def test_the_demo_of_the_source_archive_runs_on_what_was_installed(built, tmp_path):
    source, wheel = built
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    libraries = sysconfig.get_path("purelib")  # a path in PYTHONPATH reads no .pth: not the checkout's chipweave
    where = run(python, "-c", "import chipweave; print(chipweave.__file__)", cwd=tmp_path, PYTHONPATH=libraries)
    assert Path(where.strip()).is_relative_to(tmp_path / "venv")
    demo = source / "examples" / "demo.yaml"
    run(
        python, "-m", "chipweave", "compare", demo, "--json", tmp_path / "demo.json", cwd=tmp_path, PYTHONPATH=libraries
    )
    expected = json.loads(demo.with_name("demo.expected.json").read_text(encoding="utf-8"))
    document = json.loads((tmp_path / "demo.json").read_text())
    assert document["result_sha256"] == expected["result_sha256"]
    assert document["error_bar"] == error_bars.ratio_bar(), "of the ledger in the wheel"
