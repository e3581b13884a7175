"""Does the reference of the site name everything there is, and does the site build without a dead link?"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

import chipweave as cw
from chipweave.declare import registry

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("make_site", ROOT / "docs" / "make_site.py")
make_site = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_site)


def test_the_reference_has_every_kind_command_and_name(tmp_path):
    made = make_site.write(tmp_path) / make_site.MADE
    text = {p.stem: p.read_text(encoding="utf-8") for p in made.glob("*.md")}
    for name, family in make_site.FAMILIES.items():
        assert all(f"## `{kind}`" in text[name] for kind in family.kinds())
    assert all(f"| `{name}` |" in text["components"] for name in registry.components.find("memory.hbm").params)
    assert "## chipweave trace import" in text["commands"] and "--allow-code" in text["commands"]
    assert all(f"## `cw.{name}`" in text["python"] for name in cw.__all__ if callable(getattr(cw, name)))
    assert (tmp_path / "src" / "docs" / "README.md").is_file()


@pytest.mark.slow
def test_the_site_is_built_without_a_dead_link():
    pytest.importorskip("material", reason="no MkDocs here: pip install 'chipweave[docs]'")
    done = subprocess.run([sys.executable, "docs/make_site.py"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (ROOT / "build" / "docs" / "site" / "docs" / "tutorial" / "swap_hbm.html").is_file()


@pytest.mark.slow
def test_the_page_on_python_is_a_notebook_with_its_outputs(tmp_path):
    for name in ("nbclient", "nbconvert", "ipykernel"):
        pytest.importorskip(name, reason="no notebooks here: pip install 'chipweave[docs]'")
    page = tmp_path / "python.md"
    page.write_text((ROOT / make_site.EXECUTED).read_text(encoding="utf-8"), encoding="utf-8")
    cells = json.loads(make_site.execute(page).read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) == (ROOT / make_site.EXECUTED).read_text(encoding="utf-8").count("```python")
    kinds = {kind for cell in code for out in cell["outputs"] for kind in out.get("data", ())}
    assert {"text/html", "image/png"} <= kinds and not [o for c in code for o in c["outputs"] if "ename" in o]
    text = page.read_text(encoding="utf-8")
    assert "[This page as a notebook](python.ipynb)" in text and "speedup" in text
    assert page.with_suffix(".ipynb").stat().st_size < 1 << 20
    page.write_text("```python\n1 / 0\n```\n")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        make_site.execute(page)
