"""Does `chipweave characterise` write a table that the program reads, whole or not at all, and say what it cannot
measure?

What is measured is the subject of test_characterise.py; here times come from a line, so that the command is quick.
"""

import pytest

from chipweave import topology
from chipweave.__main__ import main
from chipweave.component import characterised
from chipweave.validation.characterise import table as characterise

SIZE = 12_582_912
LATENCY, RATE = 500_000, 2e12


def of_a_line(topology, seed, transfer):
    """ps of any transfer: half a microsecond and 2 TB/s, shared."""
    return LATENCY + transfer.size * (transfer.local + transfer.remote) * 1e12 / RATE


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(characterise, "time_ps", of_a_line)
    monkeypatch.setattr(characterise, "shapes", lambda: {SIZE: (4096, 1536), SIZE // 4: (2048, 768)})
    monkeypatch.setattr(characterise, "token_counts", lambda: [*range(1, 65), 256, 1024])
    monkeypatch.setattr(characterise, "checked_tokens", lambda: (3, 17))


def run(capsys, *arguments):
    """(exit code, standard output, standard error) of the program."""
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


@pytest.mark.slow
def test_the_table_that_is_written_is_read_checked_and_used_by_the_wafer(quick, capsys, tmp_path):
    path = tmp_path / "mine.yaml"
    code, out, err = run(capsys, "characterise", "h100_sxm_d2d", "--out", path)
    assert (code, err) == (0, "") and "read by 1 local and 1" in out
    table = characterised.load(str(path))
    for what in ("read", "remote_read"):
        assert table.access(what).latency == pytest.approx(LATENCY, abs=10)
        assert float(table.access(what).share * table.bandwidth) == pytest.approx(RATE, rel=1e-3)
    assert table.hit(SIZE) == table.hit(1) and set(table.gemms) == {SIZE, SIZE // 4}
    assert run(capsys, "check", path)[0] == 0
    wafer = topology.load("wafer_5x5", sets=[f"die.hbm.table={path}"], preset="h100")
    assert {part.table for part in wafer.of_kind("memory.hbm")} == {str(path)}
    assert [file.name for file in tmp_path.iterdir()] == ["mine.yaml"]


@pytest.mark.slow
def test_a_die_of_one_s_own_without_doors_has_no_remote_reader(quick, capsys, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: h100_pcie\nname: mine\n")
    assert run(capsys, "characterise", mine, "--out", tmp_path / "t.yaml")[0] == 0
    table = characterised.load(str(tmp_path / "t.yaml"))
    assert table.name == "mine" and "remote_read" not in table.memory


@pytest.mark.slow
def test_a_run_that_fails_leaves_the_table_that_was_there(quick, capsys, tmp_path, monkeypatch):
    path = tmp_path / "mine.yaml"
    as_it_was = f"{characterise.HEAD}\nname: mine\n"
    path.write_text(as_it_was)

    def broken(document):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(characterise, "text", broken)
    assert run(capsys, "characterise", "h100_sxm_d2d", "--out", path)[0] == 1
    assert path.read_text() == as_it_was and len([*tmp_path.iterdir()]) == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["nope"], "no topology is called 'nope'"),
        (["mesh_4x4"], "no part that works at line rate"),
        (["h100_sxm", "--out", "."], "is a directory"),
        (["h100_sxm", "--out", "/dev/null/x"], "cannot be written"),
        (["h100_sxm", "--seed", "-1"], "--seed"),
        ([], "TOPOLOGY"),
    ],
)
def test_what_cannot_be_measured_or_written_is_said_before_the_work(capsys, monkeypatch, arguments, words):
    monkeypatch.setattr(characterise, "time_ps", lambda *point: pytest.fail("the work was begun"))
    code, out, err = run(capsys, "characterise", *arguments)
    assert code == 2 and words in err and "Traceback" not in err
