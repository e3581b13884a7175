"""Makes the site of the documentation: `make docs`. The pages as they are, and a reference made from the program.

build/docs/src gets copies of the pages (links between them and to examples hold) and, under docs/reference/made/, one
page for each sort of kind, the commands as `--help` prints them, and the names of `import chipweave as cw`. MkDocs
makes build/docs/site of it and refuses a link that leads nowhere.

The page on Python is run: its blocks are the cells of a notebook, whose outputs stand behind them in the site; the
notebook itself lies beside the page (build/docs/src/docs/guide/python.ipynb). A cell that fails ends the build.
"""

import inspect
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

import chipweave as cw
from chipweave.__main__ import root as commands
from chipweave.declare import registry
from chipweave.views import describe

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "docs"
MADE = Path("docs/reference/made")
COPIED = ("docs", "examples", "policies/strategies", "topologies", "validation", "chipweave/data")
FAMILIES = {
    "components": registry.components,
    "time_models": registry.time_models,
    "policies": registry.policies,
    "serving_policies": registry.serving_policies,
}


def kinds(family: registry.Registry) -> Iterator[str]:
    """The page of a sort of kind: what each declares."""
    for kind in family.kinds():
        facts = describe.kind(family.find(kind))
        yield f"## `{kind}`\n\n{inspect.cleandoc(facts['about'])}\n"
        if facts["parameters"]:
            yield "| parameter | allowed | default | is |\n|---|---|---|---|"
            for p in facts["parameters"]:
                default = "-" if p["default"] is None else f"`{p['default']}`"
                yield f"| `{p['name']}` | {cell(p['allowed'])} | {cell(default)} | {cell(p['about'])} |"
        if facts["statistics"]:
            yield "\n| statistic | unit | counts |\n|---|---|---|"
            for s in facts["statistics"]:
                yield f"| `{s['name']}` | {cell(s['unit'])} | {cell(s['about'])} |"
        for port in facts.get("ports", ()):
            does = "provides" if "provides" in port else "uses"
            yield f"\nPort `{port['name']}` {does} `{port[does]}`: {port['about']}"
        yield ""


def cell(text: object) -> str:
    """A text in a cell of a table."""
    return str(text).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def helps(group: click.Group, path: str = "chipweave") -> Iterator[str]:
    """Every command as `--help` prints it."""
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from helps(command, f"{path} {name}")
        else:
            inner = click.Context(command, info_name=f"{path} {name}", max_content_width=110, terminal_width=110)
            yield f"## {path} {name}\n\n```text\n{command.get_help(inner)}\n```\n"


def names() -> Iterator[str]:
    """The names of the public face, with signature and words."""
    for name in cw.__all__:
        value = getattr(cw, name)
        if not callable(value):
            continue
        yield f"## `cw.{name}`\n\n```text\n{name}{signature(value)}\n\n{inspect.getdoc(value) or ''}\n```\n"


def signature(value: object) -> str:
    """A call's signature; "" of what says none."""
    try:
        return str(inspect.signature(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""


def write(out: Path = OUT) -> Path:
    """Copy and make the pages in a folder, anew; returns the folder of the pages."""
    shutil.rmtree(out, ignore_errors=True)
    source = out / "src"
    for folder in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "*.parquet", "*.zst", "references", "plots")
        shutil.copytree(ROOT / folder, source / folder, ignore=ignored, dirs_exist_ok=True)
    for file in ROOT.glob("*.md"):
        shutil.copy(file, source)
    for file in ("LICENSE", "NOTICE", "CITATION.cff", "ruff.toml", "setup.cfg", "Makefile"):
        shutil.copy(ROOT / file, source)
    pages = {name: kinds(family) for name, family in FAMILIES.items()}
    pages |= {"commands": helps(commands), "python": names()}  # type: ignore[arg-type]
    (source / MADE).mkdir(parents=True)
    for name, lines in pages.items():
        head = f"# {name.replace('_', ' ').capitalize()}\n\nMade by `make docs` from the program.\n"
        (source / MADE / f"{name}.md").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return source


BLOCK = re.compile(r"^```python\n(.*?)^```\n", re.M | re.S)
EXECUTED = "docs/guide/python.md"


def execute(page: Path) -> Path:
    """Run the Python blocks of a page as one notebook and put their outputs into the page; returns the notebook.

    Raises:
        nbclient.exceptions.CellExecutionError: a block fails.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbconvert import MarkdownExporter

    parts = BLOCK.split(page.read_text(encoding="utf-8"))
    make = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    cells = [make[i % 2](part.strip("\n")) for i, part in enumerate(parts) if part.strip()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}}).execute()
    made = page.with_suffix(".ipynb")
    nbformat.write(notebook, made)
    text, resources = MarkdownExporter().from_notebook_node(notebook)
    for name, image in resources.get("outputs", {}).items():
        (page.parent / name).write_bytes(image)
    head, _, rest = text.partition("\n")
    page.write_text(f"{head}\n\n[This page as a notebook]({made.name}), run by the build.\n{rest}", encoding="utf-8")
    return made


def main() -> int:
    """Build the site; exit code 1 where a link leads nowhere."""
    execute(write() / EXECUTED)
    return subprocess.call([sys.executable, "-m", "mkdocs", "build", "-q", "-f", str(ROOT / "docs" / "mkdocs.yml")])


if __name__ == "__main__":
    sys.exit(main())
