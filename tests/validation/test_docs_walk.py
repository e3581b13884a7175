"""Does the walk of docs/guide/validate_your_own_gpu.md work as it stands?"""

import json
import re
import shlex
from pathlib import Path

import pytest

from chipweave.__main__ import main

PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "validate_your_own_gpu.md").read_text()


def block(language, position=0):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[position]


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code


def test_the_walk_runs_and_says_what_the_page_promises(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("my_gpu.yaml").write_text(block("yaml"))
    Path("my_node.yaml").write_text(block("yaml", 1))
    Path("mine.csv").write_text(block("csv"))
    assert run("check", "my_gpu.yaml") == run("check", "my_node.yaml") == 0
    assert run(*shlex.split(block("sh"))[1:]) in (0, 4)  # whether the made-up values meet the bars is not the point
    rows = {r["id"]: r for r in json.loads(Path("residuals/rows.json").read_text())["rows"]}
    assert [rows[f"mine-{i}"]["status"] == "not modelled" for i in range(1, 6)] == [False, False, False, False, True]
    assert Path("residuals/h100.md").is_file() and "1 row not modelled" in capsys.readouterr().out


def test_the_clock_of_ones_own_topology_counts(tmp_path, monkeypatch):
    """L2 at 1 MB: part of the path is in ns, so at 1.5 GHz it takes fewer cycles than at the 1.755 GHz of the shipped
    board."""
    monkeypatch.chdir(tmp_path)
    Path("my_gpu.yaml").write_text(block("yaml"))
    line = block("csv").splitlines()[2]
    Path("two.csv").write_text(
        "\n".join(
            [
                block("csv").splitlines()[0],
                line,
                line.replace("mine-2", "theirs").replace("my_gpu.yaml,1500 MHz", "H100 PCIe,-"),
            ]
        )
        + "\n"
    )
    run("validate", "h100", "--reference", "two.csv", "--json", "two.json")
    mine, theirs = (r["simulated"] for r in json.loads(Path("two.json").read_text())["rows"])
    assert mine < 0.98 * theirs
