"""Does the documentation name only what there is: commands and options, files, links?"""

import re
from pathlib import Path

import click
import pytest

from chipweave.__main__ import root

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
    *sorted((ROOT / "validation").glob("*.md")),
]
COMMAND = re.compile(r"(?:^ {4}|^|`)(?:\$ )?chipweave ((?:--?)?[a-z][^`\n]*)", re.M)
SOURCES = [
    p
    for top in ("chipweave", "components", "policies", "validation", "topologies", "csrc", "benchmarks")
    for p in (ROOT / top).rglob("*")
    if p.suffix in (".py", ".c", ".h", ".yaml", ".txt", ".md") and not p.name.startswith(("_c_", "_kernel"))
]


def commands():
    """(page, text after `chipweave`) of every command line a page prints: indented, fenced or in backticks."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in COMMAND.finditer(text):
            if found[0].startswith("chipweave") and text.count("```", 0, found.start()) % 2 == 0:
                continue  # a line of prose
            yield page.name, found[1].split("  ")[0].split(" #")[0].strip()


def resolve(text):
    """(click command, the words after its name); a word the root does not know fails."""
    words, command, context = text.replace("\\|", "|").split(), root, click.Context(root)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0).strip(",.")
        command = command.get_command(context, name)
        assert command is not None, f"no command {name!r}"
    return command, words


def test_every_command_in_the_documentation_is_there_with_its_options():
    seen = 0
    for page, text in commands():
        try:
            command, words = resolve(text)
        except AssertionError as error:
            pytest.fail(f"{page}: chipweave {text}: {error}")
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {
            "--help",
            "--debug",
            "--version",
        }
        for word in words:
            option = re.match(r"\[?(--?[a-z][a-z-]*)", word)
            assert option is None or option[1] in known, f"{page}: chipweave {text}: {option[1]}"
        seen += 1
    assert seen > 60


def test_every_command_there_is_is_documented():
    page = (ROOT / "docs" / "commands.md").read_text()
    context = click.Context(root)
    for name in root.list_commands(context):
        assert f"`chipweave {name}" in page, name
        command = root.get_command(context, name)
        for sub in command.commands if isinstance(command, click.Group) else ():
            assert f"{name} {sub}" in page, sub


def options_of(group, path=""):
    """(command with the groups before it, its options) of every command."""
    context = click.Context(root)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from options_of(command, f"{path}{name} ")
        else:
            options = (p for p in command.params if isinstance(p, click.Option) and not p.hidden)
            yield f"{path}{name}", [p.opts for p in options]


def test_every_option_there_is_stands_in_the_row_of_its_command():
    lines = (ROOT / "docs" / "commands.md").read_text().splitlines()
    compare = next(line for line in lines if line.startswith("| `chipweave compare"))
    for name, options in options_of(root):
        row = next(line for line in lines if re.search(rf"`(chipweave )?{name}\b", line))
        row += compare if "options of compare" in row else ""
        missing = [o for o in options if "--allow-code" not in o and not any(each in row for each in o)]
        assert not missing, f"{name}: {missing}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(page):
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_page_has_both_sides_of_a_merge(page):
    assert not re.search(r"^(<<<<<<<|=======|>>>>>>>)( |$)", page.read_text(encoding="utf-8"), re.M)


def test_every_page_and_test_that_is_named_is_there():
    """In pages, code and comments: `docs/x.md`, `tests/x/test_y.py`, `examples/x`, `python -m benchmarks`."""
    for path in [*PAGES, *SOURCES]:
        for name in re.findall(
            r"(?<![\w/.])((?:docs|examples|validation)/[\w/]+\.(?:md|py|yaml|csv)|tests/(?:\w+/)?test_\w+\.py)",
            path.read_text(encoding="utf-8", errors="replace"),
        ):
            assert (ROOT / name).exists(), f"{path.relative_to(ROOT)}: {name}"


def test_every_benchmark_that_is_named_can_be_run_so():
    """`python -m benchmarks NAME ...` takes names alone; a benchmark's own words follow `python -m benchmarks.NAME`."""
    seen = 0
    for path in [*PAGES, *SOURCES]:
        text = path.read_text(encoding="utf-8", errors="replace")
        for own, words in re.findall(
            r"(?:`|^ *)(?:\w+=\S+ )?python -m benchmarks(?:\.(\w+))?((?: [a-z][\w-]*)*)", text, re.M
        ):
            for name in [own] if own else words.split():
                file = ROOT / "benchmarks" / f"{name}.py"
                assert file.exists(), f"{path.relative_to(ROOT)}: {name}"
                assert not own or "__main__" in file.read_text(encoding="utf-8"), f"{path.relative_to(ROOT)}: {name}"
                seen += 1
    assert seen > 15


def test_the_index_leads_to_every_page_and_each_lies_in_one_of_its_four_folders():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")]
    assert not [name for name in pages if name != "README.md" and f"({name})" not in index]
    at_top = {name for name in pages if "/" not in name}
    assert at_top == {"README.md", "commands.md", "glossary.md"}
    assert {name.split("/")[0] for name in pages} - at_top == {"tutorial", "guide", "reference", "design"}


def test_nothing_is_written_twice():
    """No fourteen words in a row of running text stand on two pages."""
    seen = {}
    for page in [ROOT / "CONTRIBUTING.md", *(p for p in PAGES if p.name != "CHANGELOG.md")]:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        words = re.findall(r"\w[\w.%-]*", text.lower())
        for start in range(len(words) - 13):
            other = seen.setdefault(tuple(words[start : start + 14]), page)
            assert other == page, f"{page}, {other}: {' '.join(words[start : start + 14])}"


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / page).read_text(), re.S)


def test_the_component_and_the_generator_of_the_page_work(tmp_path, capsys):
    from chipweave import topology

    part, generator = blocks("guide/components.md", "python")
    names = {}
    exec(part, names)
    assert names["Hbm4"](bandwidth="1 TB/s").bandwidth == 10**12
    exec(generator, {})
    (tmp_path / "dragonfly.yaml").write_text(capsys.readouterr().out)
    assert topology.load(tmp_path / "dragonfly.yaml").networks["net"].distance.max() == 3


@pytest.mark.slow
def test_every_file_and_column_of_an_output_folder_is_documented(tmp_path, monkeypatch, capsys):
    import json

    import pyarrow.parquet as pq

    from chipweave.cli.compare import command

    monkeypatch.chdir(tmp_path)
    options = "--model deepseek-v2-lite --trace esft-law --batch 4 --steps 2 --strategies base --out runs/demo".split()
    command.main(options, standalone_mode=False)
    page, metrics = ((ROOT / "docs" / name).read_text() for name in ("reference/results.md", "reference/metrics.md"))
    for path in (tmp_path / "runs" / "demo").iterdir():
        assert f"`{path.name}`" in page
        if path.suffix == ".parquet":
            assert not [name for name in pq.read_schema(path).names if f"`{name}`" not in page]
    result = json.loads((tmp_path / "runs" / "demo" / "result.json").read_text())
    commands = (ROOT / "docs" / "commands.md").read_text()
    for name in {*result, *result["rows"][0]}:
        assert f'"{name}"' in commands or f"`{name}`" in metrics or f"`{name}`" in page, name
    assert all(f"`{name}`" in page for name in result["notes"])
    exec(blocks("reference/results.md", "python")[0], {})
    assert capsys.readouterr().out.count("'link'") == 5


def test_the_swap_of_the_readme_is_taken_as_printed(tmp_path):
    import shutil

    from chipweave import topology

    text = re.search(r"    # my_wafer\.yaml\n((?:    .*\n)+)", (ROOT / "README.md").read_text())[1]
    (tmp_path / "my_wafer.yaml").write_text(re.sub("(?m)^    ", "", text))
    shutil.copy(ROOT / "examples" / "my_hbm" / "hbm4.py", tmp_path)
    system = topology.load(tmp_path / "my_wafer.yaml", allow_code=True, preset="artifact")
    assert {type(part).__name__ for name, part in system.parts.items() if name.endswith(".hbm")} == {"Hbm4"}


@pytest.mark.slow
def test_the_python_of_the_tutorial_runs(capsys):
    for block in blocks("tutorial/first_wafer.md", "python"):
        exec(block, {})
    assert capsys.readouterr().out.endswith(" ns\n")


@pytest.mark.slow
def test_the_python_of_the_page_on_python_runs(capsys):
    names = {}  # one notebook: later cells know what earlier ones made
    for block in blocks("guide/python.md", "python"):
        exec(block, names)
    assert "roofline" in capsys.readouterr().out


def test_the_test_that_the_tutorial_runs_is_the_one_that_new_writes_in_a_checkout():
    from chipweave.views.skeleton import SORTS

    text = (ROOT / "docs" / "tutorial" / "first_wafer.md").read_text()
    name = re.search(r"chipweave new component (\w+)", text)[1]
    file = Path(SORTS["component"].ours[1].replace("$name", name))
    folder, chosen = re.search(r"    pytest (\S+) -k (\w+)", text).groups()
    assert file.parent == Path(folder) and chosen in file.stem


def test_the_link_model_of_the_page_is_taken():
    from chipweave.declare import registry

    exec(blocks("guide/link_models.md", "python")[-1], {"__name__": "page"})
    assert registry.link_models.classes.pop("ideal").about() == "No message waits for another."
