"""Draws docs/pictures/architecture.svg from the imports of the tree: `python docs/architecture.py` writes it anew.

A box is a room (a folder or module at the top of chipweave/, or one of the four folders beside it); a room stands above
all that it imports. `--check` says whether the picture is that of the tree (exit 1 where it is not).
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).resolve().parents[1]
WINGS = ("components", "policies", "topologies", "validation")
PICTURE = ROOT / "docs" / "pictures" / "architecture.svg"
BOX, HIGH, GAP, ROW = 118, 34, 14, 74
HOLDS = (ast.stmt, ast.excepthandler, ast.match_case)  # what an import can stand in
INK, CORE, WING = "#1f2933", "#e3eef9", "#f6ead6"


def modules() -> dict[str, Path]:
    """Dotted name -> file of every module of the core and the four folders."""
    found = {}
    for top in ("chipweave", *WINGS):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = list(path.relative_to(ROOT).with_suffix("").parts)
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found[".".join(parts if top == "chipweave" else ["chipweave", *parts])] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of the tree that a module imports, inside functions too."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _run(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                target = inner if inner in known else module
                if target in known and target != name:
                    yield target


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """Statements of a tree, those under `if TYPE_CHECKING` left out: they never run."""
    left = [tree]
    while left:
        node = left.pop()
        yield node
        left += [n for n in ast.iter_child_nodes(node) if isinstance(n, HOLDS) and not _is_for_types(n)]


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@cache
def module_graph() -> nx.DiGraph:
    """Who imports whom, module by module; parsed once."""
    known, graph = modules(), nx.DiGraph()
    graph.add_nodes_from(known)
    for name, path in known.items():
        graph.add_edges_from((name, other) for other in imports(name, path, known))
    return graph


def room(module: str) -> str:
    """The room a module lies in; "" for the package itself and its command."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] != "__main__" else ""


def room_graph() -> nx.DiGraph:
    """Who imports whom, room by room."""
    graph = nx.DiGraph()
    for a, b in module_graph().edges:
        if room(a) and room(b) and room(a) != room(b):
            graph.add_edge(room(a), room(b))
    return graph


def floors(graph: nx.DiGraph) -> list[list[str]]:
    """Rooms by floor, ground floor first: each stands one above the highest room it imports."""
    height: dict[str, int] = {}
    for name in reversed(list(nx.lexicographical_topological_sort(graph))):
        height[name] = 1 + max((height[other] for other in graph.successors(name)), default=-1)
    return [sorted(n for n in height if height[n] == floor) for floor in range(max(height.values()) + 1)]


def svg() -> str:
    """The picture as text; an import that follows from others is not drawn."""
    graph = room_graph()
    rows = floors(graph)
    width = max(len(row) for row in rows) * (BOX + GAP) + GAP
    at = {}
    for floor, row in enumerate(rows):
        left = (width - len(row) * (BOX + GAP) + GAP) / 2
        for i, name in enumerate(row):
            at[name] = (left + i * (BOX + GAP), GAP + (len(rows) - 1 - floor) * ROW)
    out = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} '
            f'{len(rows) * ROW}" font-family="sans-serif" font-size="13">'
        ),
        f'<rect width="{width}" height="{len(rows) * ROW}" fill="white"/>',
    ]
    for a, b in sorted(nx.transitive_reduction(graph).edges):
        (x0, y0), (x1, y1) = at[a], at[b]
        line = f'x1="{x0 + BOX / 2:g}" y1="{y0 + HIGH:g}" x2="{x1 + BOX / 2:g}" y2="{y1:g}"'
        out.append(f'<line {line} stroke="{INK}" stroke-opacity="0.45"/>')
    for name, (x, y) in sorted(at.items()):
        fill = WING if name in WINGS else CORE
        out.append(f'<rect x="{x:g}" y="{y:g}" width="{BOX}" height="{HIGH}" rx="5" fill="{fill}" stroke="{INK}"/>')
        words = f'x="{x + BOX / 2:g}" y="{y + HIGH / 2 + 5:g}" text-anchor="middle" fill="{INK}"'
        out.append(f"<text {words}>{name}</text>")
    return "\n".join([*out, "</svg>"]) + "\n"


def main() -> int:
    """Write the picture, or check it."""
    if "--check" in sys.argv[1:]:
        return int(PICTURE.read_text(encoding="utf-8") != svg())
    PICTURE.write_text(svg(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
