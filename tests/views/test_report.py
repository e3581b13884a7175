"""Is the report one quiet, offline, escaped page whose numbers are those of result.json and whose controls work?

The page itself is opened in headless Chromium, with a script added that uses its controls and writes down what it saw.
"""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import chipweave as cw
from chipweave.__main__ import main
from chipweave.errors import BadInput
from chipweave.views.report import facts, page, tables

pytestmark = pytest.mark.slow

SMALL = {"model": "deepseek-v2-lite", "trace": "esft-law", "batch": 64, "steps": 3}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MOST_BYTES, FIRST_PAINT_MS = 5_000_000, 2_000

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("report") / "run"
    return cw.compare("wafer_5x5", strategies=["base", "allo"], **SMALL).save(where)


@pytest.fixture(scope="module")
def written(folder):
    return page.write(folder)


def opened(path, tmp_path):
    """What the added script saw in the page."""
    text = path.read_text(encoding="utf-8")
    watch, drive = (f"<script>{(HERE / f'report_{name}.js').read_text()}</script>" for name in ("watch", "drive"))
    probed = text.replace("<head>", f"<head>{watch}", 1)
    probed = probed[: probed.rindex("</body>")] + drive + "</body></html>"
    file = tmp_path / "probed.html"
    file.write_text(probed, encoding="utf-8")
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, "--virtual-time-budget=60000", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    found = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.S)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found[1]))


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_in_a_browser_it_is_quiet_and_its_controls_and_numbers_are_right(folder, written, tmp_path):
    out = opened(written, tmp_path)
    result = json.loads((folder / "result.json").read_text())
    assert out["seen"] == [] and out["requests"] == []
    charts = {"chart-times", "chart-breakdown", "chart-layers", "chart-links", "chart-routing"}
    assert set(out["charts"]) == charts
    assert len({out["whole"], out["first"], out["bytes"], out["other"]}) == 4  # each control changes the picture
    assert out["at"].startswith("0.0 us to ") and out["high"].endswith(("GB", "MB")) and out["shown"] == ["1"]
    assert {"links", "hbm", "compute"} <= set(out["dies"]) and len(set(out["hbm"])) > 1
    assert out["focus"] and out["chosen"] == 1 and out["pointed"].startswith(out["name"]) and "expert" in out["pointed"]
    assert out["playing"] == "Stop" and out["when"] >= 0
    figures = dict(out["cells"])
    for name in ("decode_time_ns", "speedup", "remote_read_bytes", "throughput_tokens_per_s"):
        assert figures[name] == [row[name] for row in result["rows"]], name
    assert out["bars"] == [row["decode_time_ns"] / 1e6 for row in result["rows"]]
    assert out["unnamed"] == 0
    assert out["paint"] < FIRST_PAINT_MS


def json_of(text, name):
    return json.loads(re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text, re.S)[1])


@pytest.mark.slow
def test_it_holds_result_json_and_sums_that_come_true(folder, written):
    text = written.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    assert json_of(text, "result") == json.loads((folder / "result.json").read_text())
    data, runs = json_of(text, "data"), cw.read_results(folder)
    for run, series in zip(runs, data["series"], strict=True):
        if not len(run.links):
            assert series == {}  # nothing was sent
            continue
        own = series["d2d"]
        assert sum(map(sum, own["bytes"])) == sum(own["whole"]["bytes"]) == sum(run.links["bytes"].to_pylist())
        assert max(max(row) for row in own["busy"]) <= 1.0001
    assert len(data["networks"][0]["links"]) == 80 and len(data["networks"][0]["dies"]) == 25
    counts = data["routing"]["counts"]
    assert data["routing"]["steps"] == [1, 2] and sum(map(sum, counts)) == 2 * 64 * 6 * len(counts)  # top 6 of 64 rows


def test_runs_under_several_link_models_are_told_apart_in_words():
    several = cw.compare("wafer_5x5", strategies=["base", "ep"], link_models=["circuit", "fair"], **SMALL)
    entries = several.document["breakdown"]
    said = page.summary(several, entries)
    for row in several.document["rows"]:
        assert f"<li>{page.tables.label(row)}: " in said
    assert "<li>base: " not in said


def test_nothing_of_a_file_is_taken_for_html():
    evil = "</script><img src=x onerror=alert(1)>"
    assert "<" not in page.embedded({"name": evil}) and json.loads(page.embedded({"name": evil}))["name"] == evil
    row = {"strategy": evil, "link_model": "<b>", "admission": "&", "decode_time_ns": 5}
    assert "<img" not in tables.strategies([row], {"decode_time_ns": {"unit": '"ns>', "owner": "", "is": '"><i>'}})
    entry = {
        **row,
        "critical": {"<i>": 5},
        "time_ps": 5,
        "run_ps": 5,
        "links": [
            {
                "network": "<n>",
                "link": evil,
                "bytes": 1,
                "wire_bytes": None,
                "busy_ps": 1,
                "stalled_ps": 0,
                "others": 0,
                "flows": [{"layer": 1, "expert": None, "from": evil, "to": "<u>", "bytes": 1}],
            }
        ],
    }
    for text in (tables.breakdown([entry]), tables.hottest(entry, 0)):
        assert not re.search(r"<(img|i|n|u|b)\b(?!utton)", text)


@pytest.mark.slow
def test_an_evil_name_of_a_topology_is_text_in_the_page(tmp_path):
    name = tmp_path / "a&b<i>.yaml"
    name.write_text("extends: wafer_5x5\nname: 'a<script>alert(1)'\nabout: '<img src=x>'\n")
    folder = cw.compare(str(name), strategies=["base"], **{**SMALL, "batch": 8}).save(tmp_path / "run")
    text = page.write(folder).read_text(encoding="utf-8")
    assert "<img src=x>" not in text and "<script>alert" not in text and "a&b<i>" not in text


@pytest.mark.slow
def test_the_command_of_the_page_gives_the_same_hash(folder, tmp_path, capsys):
    found = cw.read_results(folder)
    words = facts.command(found).split()
    assert words[:2] == ["chipweave", "compare"]
    with pytest.raises(SystemExit) as end:
        main([*words[1:], "--out", str(tmp_path / "again")])
    assert end.value.code == 0
    assert cw.read_results(tmp_path / "again").document["result_sha256"] == found.document["result_sha256"]


def test_bins_are_joined_without_loss(folder):
    run = cw.read_results(folder)["base"]
    name, names, stats = run.outcome.links[0]
    for most in (1, 3, 1000):
        got = facts.over_time(names, stats, names, int(run.table[:, 2].sum()), most)
        assert len(got["begin_ps"]) <= most and sum(map(sum, got["bytes"])) == int(stats.bytes.sum())
    one = facts.over_time(names, stats, names, int(run.table[:, 2].sum()), 1)
    expected = [round(int(busy) / min(one["bin_ps"], one["total_ps"]), 4) for busy in stats.bins[:, :, 1].sum(axis=0)]
    assert one["busy"][0] == pytest.approx(expected, abs=1e-4)


def test_a_file_that_is_no_report_is_kept(folder, tmp_path):
    (tmp_path / "x.html").write_text("mine")
    with pytest.raises(cw.BadInput, match="is there and no report; allowed: another name, or --force"):
        page.write(folder, tmp_path / "x.html")
    page.write(folder, tmp_path / "x.html", force=True)
    page.write(folder, tmp_path / "x.html")  # a report may be written anew


def test_a_result_that_lost_a_figure_is_refused_and_no_page_is_written(folder, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    text = (damaged / "result.json").read_text(encoding="utf-8")
    (damaged / "result.json").write_text(text.replace('"wire_bytes"', '"wire bytes"'), encoding="utf-8")
    with pytest.raises(BadInput, match="not as they were written .KeyError: 'wire_bytes'"):
        page.write(damaged, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_without_plotly_the_cure_is_said(folder, monkeypatch):
    def missing(package):
        raise ModuleNotFoundError(package)

    monkeypatch.setattr(page.resources, "files", missing)
    with pytest.raises(cw.BadInput, match=re.escape("pip install 'chipweave[report]'")):
        page.library()


def test_residuals_name_what_is_not_validated():
    rows = facts.residuals(cw.load("wafer_5x5"))
    assert any("memory.hbm" in row["kinds"] and row["mean"] > 0 and row["groups"] for row in rows)
    assert [row["kinds"] for row in rows if row["mean"] is None] == [["cp.global", "cp.local"]]
