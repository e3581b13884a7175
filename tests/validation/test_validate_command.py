"""Does `chipweave validate h100` judge a table of one's own, name what is wrong with it, and end with the right
code?"""

import json
import re

import pytest
from jsonschema import validate as matches

from chipweave import ledger
from chipweave.__main__ import main
from chipweave.ledger.suites import suites

HEADER = ",".join(ledger.COLUMNS)
NUMBER = {"type": ["number", "null"]}
SCHEMA = {
    "type": "object",
    "required": ["schema", "suite", "version", "rows", "groups"],
    "properties": {
        "schema": {"const": "chipweave.validate/1"},
        "rows": {
            "type": "array",
            "items": {
                "required": [
                    "id",
                    "group",
                    "role",
                    "device",
                    "quantity",
                    "x_name",
                    "x_value",
                    "reference",
                    "simulated",
                    "error",
                    "tolerance",
                    "status",
                    "why",
                ],
                "properties": {
                    "error": NUMBER,
                    "simulated": NUMBER,
                    "status": {"enum": ["holds", "gap", "not modelled"]},
                },
            },
        },
        "groups": {
            "type": "array",
            "items": {"required": ["group", "role", "n", "n_modelled", "mape", "median", "max", "bias"]},
        },
    },
}
GEMM = (
    'my-1,gemm,GEMM time,{},us,H100 SXM5,-,"bfloat16 '
    'torch.nn.functional.linear N=7168 K=2048, CUDA graph timing",M,{},{}'
)


def run(capsys, *arguments):
    """(exit code, standard output, standard error) of the program."""
    with pytest.raises(SystemExit) as ended:
        main(["validate", *map(str, arguments)])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def table(tmp_path, *lines, header=HEADER):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_a_table_of_ones_own_is_judged_and_a_missed_bar_ends_with_4(tmp_path, capsys):
    near = table(tmp_path, GEMM.format(14, 16, "predicted"))
    code, out, _ = run(capsys, "h100", "--reference", near, "--json", "-")
    document = json.loads(out)
    matches(document, SCHEMA)
    assert code == 0 and document["rows"][0]["tolerance"] == 0.13
    far = table(tmp_path, GEMM.format(1400, 16, "predicted"))
    code, out, _ = run(capsys, "h100", "--reference", far)
    assert code == 4 and "bar missed: gemm" in out


def test_a_folder_of_tables_reads_as_one(tmp_path, capsys):
    table(tmp_path, GEMM.format(14, 16, "predicted"))
    (tmp_path / "more.csv").write_text(HEADER + "\n" + GEMM.format(15, 64, "context").replace("my-1", "my-2") + "\n")
    _, out, _ = run(capsys, "h100", "--reference", tmp_path, "--json", "-")
    assert [r["id"] for r in json.loads(out)["rows"]] == ["my-1", "my-2"]


def test_values_that_are_not_numbers_are_listed_as_not_modelled(tmp_path, capsys):
    path = table(
        tmp_path,
        GEMM.format("about 14", 16, "predicted"),
        GEMM.format("nan", 16, "predicted").replace("my-1", "b"),
        GEMM.format("14", "sixteen", "predicted").replace("my-1", "c"),
    )
    code, out, _ = run(capsys, "h100", "--reference", path, "--json", "-")
    assert code == 0 and [r["status"] for r in json.loads(out)["rows"]] == ["not modelled"] * 3


def test_the_help_names_every_suite_there_is(capsys):
    _, out, _ = run(capsys, "--help")
    assert [name for name in suites() if name not in out] == []


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["h10"], "unknown suite 'h10'; allowed: .*nearest: h100"),
        (["h100", "--group", "gem"], "no rows of group 'gem'; allowed: .*nearest: gemm"),
        (["h100", "--device", "TPU"], "no rows of device 'TPU'; allowed: .*H100 NVL"),
        (["h100", "--group", "launch", "--device", "GH200"], "no reference row fits"),
        (["booksim", "--group", "trace"], "no group 'trace' in booksim; allowed: .*nearest: traces"),
        (["artifact", "--group", "norm-ep"], "no group 'norm-ep' in artifact; allowed: .*nearest: norm_ep"),
        (
            ["analytic", "booksim", "--group", "md1_wai"],
            "no group 'md1_wai' in these suites; allowed: .*nearest: md1_wait",
        ),
        (["--reference", "."], "name that suite"),
        (["h100", "--check", "--group", "gemm"], "of whole suites"),
    ],
)
def test_a_question_about_nothing_is_refused(capsys, arguments, said):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert re.search(said, " ".join(err.split())), err


@pytest.mark.slow
def test_of_several_suites_those_that_have_a_group_run(capsys):
    code, out, _ = run(capsys, "analytic", "h100", "--group", "littles_law", "--group", "launch")
    assert code == 0 and out.count("validate analytic") == 1 and out.count("validate h100") == 1
    assert "md1_wait" not in out and "gemm" not in out
    code, out, _ = run(capsys, "--group", "launch")
    assert code == 0 and "validate h100" in out and "validate analytic" not in out


@pytest.mark.parametrize(
    "text, said",
    [
        (HEADER.replace("value,", ""), "mine.csv:1: columns missing: value"),
        ("", "mine.csv:1: columns missing: id"),
        (HEADER + "\na,b", "mine.csv:2: fewer cells than columns"),
        (HEADER + "\n" + "a," * 30, "mine.csv:2: more cells than columns"),
        (
            HEADER + ("\n" + GEMM.format(14, 16, "predicted")) * 2,
            "mine.csv:3: id 'my-1' is there already at .*mine.csv:2",
        ),
        (HEADER + "\n\x00", "mine.csv"),
    ],
)
def test_a_table_that_is_wrong_is_told_where(tmp_path, capsys, text, said):
    (tmp_path / "mine.csv").write_text(text)
    code, _, err = run(capsys, "h100", "--reference", tmp_path / "mine.csv")
    assert code == 2 and re.search(said, "".join(err.split("\n"))), err


def test_a_reference_that_is_not_there_and_a_folder_without_tables(tmp_path, capsys):
    assert run(capsys, "h100", "--reference", tmp_path / "nowhere")[0] == 2
    code, _, err = run(capsys, "h100", "--reference", tmp_path)
    assert code == 2 and "no .csv file" in err


def test_a_role_that_is_none_is_said(tmp_path, capsys):
    _, out, _ = run(capsys, "h100", "--reference", table(tmp_path, GEMM.format(14, 16, "Predicted")))
    assert "role 'Predicted' is unknown" in out


def test_out_gets_json_markdown_and_one_plot_per_curve(tmp_path, capsys):
    lines = [GEMM.format(14 + m, m, "predicted").replace("my-1", f"my-{m}") for m in (1, 16, 64, 128)]
    run(capsys, "h100", "--reference", table(tmp_path, *lines), "--out", tmp_path / "out")
    names = ["group-gemm.png", "h100.json", "h100.md", "my-1-gemm-time.png"]
    assert sorted(p.name for p in (tmp_path / "out").rglob("*.*")) == names
    assert "| gemm | predicted | 4 | 4 |" in (tmp_path / "out" / "h100.md").read_text()


def test_a_ledger_of_other_rows_is_not_replaced_unasked(tmp_path, capsys):
    few, more = ([GEMM.format(14 + m, m, "predicted").replace("my-1", f"my-{m}") for m in ms] for ms in ((1,), (1, 16)))
    for name, lines in ("few", few), ("more", more):
        (tmp_path / name).mkdir()
        table(tmp_path / name, *lines)
    out = tmp_path / "out"
    first = run(capsys, "h100", "--reference", tmp_path / "few", "--out", out)[0]
    before = (out / "h100.json").read_bytes()
    assert run(capsys, "h100", "--reference", tmp_path / "few", "--out", out)[0] == first
    code, _, err = run(capsys, "h100", "--reference", tmp_path / "more", "--out", out)
    assert code == 2 and "h100.json holds other results" in err and "--force" in err
    assert (out / "h100.json").read_bytes() == before
    run(capsys, "h100", "--reference", tmp_path / "more", "--out", out, "--force")
    assert b'"my-16"' in (out / "h100.json").read_bytes()
