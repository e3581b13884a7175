"""The tables that `chipweave info` prints.

All text of a user's files is escaped: a name may hold what rich takes for markup, or bytes that a
terminal obeys.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape as _escape
from rich.table import Table

from chipweave.io.console import printable_lines

WIDE = 2000  # columns where there is no terminal: a row is a line, for grep


def escape(text: str) -> str:
    """A text that is neither markup nor a command to the terminal."""
    return _escape(printable_lines(text))


class _Out:
    """Standard output as it is when something is printed: tests and pipes change it.

    Not a terminal: no colour, and lines as wide as they get, so that grep finds whole rows.
    """

    @staticmethod
    def print(*things: Any) -> None:
        """Print on the standard output of this moment."""
        system: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
        made = Console(highlight=False, color_system=system)
        if not made.is_terminal:
            made = Console(highlight=False, color_system=None, width=WIDE)
        made.print(*things)


console = _Out()


def table(title: Any, columns: Any, rows: Any) -> None:
    """One table; nothing where there is no row. Cells are turned into text; None becomes an empty one."""
    rows = list(rows)
    if not rows:
        return
    made = Table(title=escape(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(escape(str("" if cell is None else cell)) for cell in row))
    console.print(made)


def show_everything(facts: Any) -> None:
    """All names."""
    table("components", ("kind", "what it is"), facts["components"].items())
    table("time models (of one call; no parts)", ("kind", "what takes the time"), facts["time_models"].items())
    table("link models", ("name", "how transfers share links"), facts["link_models"].items())
    table("policies", ("kind", "what it decides"), facts["policies"].items())
    table("serving policies", ("kind", "what it decides"), facts["serving_policies"].items())
    for what in ("topologies", "presets", "models", "strategies"):
        console.print(f"[bold]{what}[/bold]  {escape(', '.join(facts[what]))}")


def show_kind(facts: Any) -> None:
    """What a component or policy declares."""
    console.print(
        f"[bold]{escape(facts['kind'])}[/bold]  ({escape(facts['class'])})\n"
        f"{escape(inspect.cleandoc(facts['about']))}\n"
    )
    if facts.get("engine") == "python":
        console.print("Runs in plain Python: slower than a kind that publishes stages.\n")
    table(
        "parameters",
        ("name", "default", "allowed", "what it is"),
        ((p["name"], _default(p["default"]), p["allowed"], p["about"]) for p in facts["parameters"]),
    )
    table(
        "ports",
        ("name", "protocol", "links", "what goes over it"),
        (
            (
                p["name"],
                f"provides {p['provides']}" if "provides" in p else f"uses {p['uses']}",
                ("any number" if p["many"] else "one") + (" or none" if p["optional"] else ""),
                p["about"],
            )
            for p in facts.get("ports", ())
        ),
    )
    table(
        "slots",
        ("name", "takes", "default", "what it is for"),
        (
            (s["name"], s["role"] + (" (optional)" if s["optional"] else ""), s["default"], s["about"])
            for s in facts.get("slots", ())
        ),
    )
    table(
        "statistics",
        ("name", "unit", "what it counts"),
        ((s["name"], s["unit"], s["about"]) for s in facts["statistics"]),
    )


def _default(value: Any) -> Any:
    """A default as it fits into a cell."""
    return f"{len(value)} rows" if isinstance(value, (list, tuple)) else "none" if value is None else value


def show_system(facts: Any) -> None:
    """A topology in figures."""
    console.print(f"[bold]{escape(facts['name'])}[/bold]  {escape(facts['about'])}\n")
    grids = {n: " x ".join(map(str, d)) for n, d in facts["grids"].items() if "." not in n}
    table("parts", ("kind", "how many"), facts["parts"].items())
    if grids:
        console.print(
            escape("grids: " + ", ".join(f"{n} {d}" for n, d in grids.items()) + f"; wires: {facts['wires']}\n")
        )
    for n in facts["networks"]:
        shared = f"{n['link_model']}, {n['duplex']} links" if n["link_model"] == "circuit" else n["link_model"]
        table(
            f"network {n['name']}",
            ("", ""),
            (
                ("shape", f"{n['shape']} {' x '.join(map(str, n['dims']))}"),
                ("endpoints", n["endpoints"]),
                ("links", n["links"]),
                ("diameter", f"{n['diameter']} hops"),
                ("latency", ", ".join(n["latency"])),
                ("bandwidth", ", ".join(n["bandwidth"])),
                ("routing", n["routing"]),
                ("link model", shared),
                ("admission", n["admission"]),
                ("wait queue", n["wait_queue"]),
            ),
        )
    console.print(
        f"`chipweave info {escape(facts['name_given'])} --sources` says where its {len(facts['sources'])} numbers"
        " come from"
    )


def show_model(facts: Any) -> None:
    """A model, key by key."""
    table(facts["name"], ("key", "value"), facts["values"].items())


def show_sources(facts: Any) -> None:
    """Every written value with its origin."""
    table(
        "sources",
        ("value of", "value", "kind", "source"),
        ((s["path"], s["value"], s["kind"] or "-", s["source"] or "none given") for s in facts.get("sources", ())),
    )


def show_file(facts: Any) -> None:
    """A preset, strategy or run file key by key, without its sources."""
    table(facts["name"], ("key", "value"), _flat(facts["values"]))


def _flat(values: dict[Any, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """(key, value) of a mapping and of those within it, keys joined by points."""
    for key, value in values.items():
        at = f"{path}.{key}" if path else key
        value = value["value"] if isinstance(value, dict) and "value" in value else value
        if isinstance(value, dict) and value:
            yield from _flat(value, at)
        else:
            yield at, ", ".join(map(_word, value)) if isinstance(value, list) else _word(value)


def _word(value: str) -> str:
    """A value as YAML has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def show_link_model(facts: Any) -> None:
    """What a link model is."""
    held = (
        "held from start to end: admissions and wait queues apply" if facts["held"] else "shared: no admission applies"
    )
    console.print(
        f"[bold]{facts['kind']}[/bold]  ({facts['class']})\n"
        f"{escape(inspect.cleandoc(facts['about']))}\nlinks are {held}"
    )


SHOW = {
    "file": show_file,
    "everything": show_everything,
    "component": show_kind,
    "time model": show_kind,
    "link model": show_link_model,
    "policy": show_kind,
    "topology": show_system,
    "model": show_model,
}
