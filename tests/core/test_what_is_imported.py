"""Does a command import only what it uses? Libraries that are slow to import are imported at their first use."""

import subprocess
import sys

import pytest

SLOW = (
    *("numpy", "networkx", "yaml", "pyarrow", "matplotlib", "scipy", "pint", "rich", "simpy", "zstandard", "cffi"),
    *("multiprocessing", "tarfile", "platformdirs", "chipweave.trace.library", "chipweave.plain.flit"),
)


def imported(code, *arguments):
    """Which of SLOW a new interpreter has imported after the code, with `chipweave` and the arguments as its command
    line."""
    after = (
        f"import sys; sys.argv = {['chipweave', *arguments]!r}\ntry:\n"
        f"    {code}\nexcept SystemExit as end:\n    assert not end.code"
    )
    shown = f"{after}\nprint(*(m for m in {SLOW!r} if m in sys.modules), file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(run.stderr.split("\n")[-2].split())


def test_import_chipweave_imports_no_library():
    assert imported("import chipweave") == set()


def test_help_and_version_import_no_library():
    command = "from chipweave.__main__ import main; main()"
    assert imported(command, "--help") == set() and imported(command, "--version") == set()


@pytest.mark.slow
@pytest.mark.parametrize("name, beyond", [("check", {"simpy"}), ("info", {"rich"})])
def test_check_and_info_of_a_topology_draw_nothing_and_read_no_tables(name, beyond):
    seen = imported("from chipweave.__main__ import main; main()", name, "wafer_5x5")
    assert seen <= {"numpy", "yaml"} | beyond


@pytest.mark.slow
def test_a_late_library_is_imported_at_its_first_attribute():
    code = (
        "from chipweave.io.late import late; pa = late('pyarrow'); "
        "a = 'pyarrow' in sys.modules; pa.array([1]); assert not a"
    )
    assert "pyarrow" in imported(code)
