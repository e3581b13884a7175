"""`chipweave why` and `diff` of a step or a server: what its time was spent on, and what it would be without.

A step's chain is its critical path, work by work. A server's is the life of its mean request, class by class: the
queue, each kind of work that its engines did meanwhile, the rest. Both are made again from the settings in their
documents, and once more for each kind of work taken as infinitely fast.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Fault, nearest
from chipweave.io.changes import change, differences
from chipweave.serving import serve
from chipweave.serving.composed import choice_of
from chipweave.serving.setup import setup
from chipweave.serving.step import Batch, Setup

STEP_SCHEMA, SERVE_SCHEMA = "chipweave.step/1", "chipweave.serve/1"
STEP = (
    "system", "model", "parallel", "precision", "framework", "schedule", "balance", "batch", "context", "prefill",
    "strategy", "link_model", "preset",
)  # fmt: skip
"""Settings of a step, those of `setup` first; `prefill`: whether it computes prompts."""

COVERS = {STEP_SCHEMA: "one step, host time included", SERVE_SCHEMA: "the mean request, arrival to last token"}
CURE = "the JSON of `chipweave step` or `chipweave serve`, written by this version"
Chain = list[dict[str, Any]]


def document(path: str | Path) -> dict[str, Any] | None:
    """The document of a step or server in a file; None of a folder, which is of `compare`.

    Raises:
        BadInput: the file holds no such document.
    """
    path = Path(path)
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        of = {STEP_SCHEMA: ("parts", "time_ns"), SERVE_SCHEMA: ("request",)}[found["schema"]]
        whole = all(key in found for key in (*of, "run")) and all("critical" in part for part in found.get("parts", ()))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise BadInput(Fault(f"{path} is no result of a step or server with its settings", allowed=CURE))
    return found


def refuse(path: str, options: list[str]) -> None:
    """BadInput where options are given that a step or server has nothing for."""
    if options:
        what = f"{path} is of a step or server: {', '.join(options)} are of folders of --out"
        raise BadInput(Fault(what, allowed="--layer, --part"))


def made_of(run: dict[str, Any]) -> tuple[Setup, Batch]:
    """A step's Setup and what it computes, of its settings."""
    server, model, ways, formats, framework, plan, balance, batch, context, prefill = (run[n] for n in STEP[:10])
    under = choice_of({name: run[name] for name in STEP[10:]})
    made = setup(server, model, ways, formats, framework, plan, balance, batch, context, under)
    return made, Batch(0, 0, batch, context, context) if prefill else Batch(batch, context)


def chain_of(found: dict[str, Any]) -> Chain:
    """The intervals of a step's critical path, or of the mean request's life, that sum to its time."""
    if found["schema"] == STEP_SCHEMA:
        on_path = [part for part in found["parts"] if part["critical"] and part["end_ns"] > part["start_ns"]]
        return [_link(p["name"], p["kind"], p["start_ns"], p["end_ns"], p["layer"]) for p in on_path]
    at, chain = 0, []
    for name, ns in found["request"]["where"].items():
        if ns:
            chain.append(_link("server", name, at, at + ns, None))
        at += ns
    return chain


def _link(place: str, kind: str, start: int, end: int, layer: int | None) -> dict[str, Any]:
    """One interval, with the keys that those of `compare` have."""
    none = {"behind": None, "expert": None, "policy": None}
    return {"place": place, "reason": kind, "start_ns": start, "end_ns": end, **none, "class": kind, "layer": layer}


def totals(chain: Iterable[dict[str, Any]]) -> dict[str, int]:
    """class -> ns, the largest first."""
    sums: dict[str, int] = {}
    for link in chain:
        sums[link["class"]] = sums.get(link["class"], 0) + link["end_ns"] - link["start_ns"]
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def why(
    path: str, found: dict[str, Any], layer: int | None = None, part: str | None = None, allow_code: bool = False
) -> dict[str, Any]:
    """The document `chipweave.why/1`; `layer`, `part` (the name of a work): of a step, the chain of that alone.

    Raises:
        BadInput: the path has no such layer or work; made again, the result is another.
    """
    chain = chain_of(found)
    bounds = (
        _bounds_of_step(path, found) if found["schema"] == STEP_SCHEMA else _bounds_of_server(path, found, allow_code)
    )
    for key, wanted in (("layer", layer), ("place", part)):
        there = list(dict.fromkeys(link[key] for link in chain if link[key] is not None))
        if wanted is not None and wanted not in there:
            words = ", ".join(map(str, there)) or "none: a server's time is of all layers together"
            near = nearest(str(wanted), [str(each) for each in there])
            raise BadInput(Fault(f"{path}: no critical path comes to {key} {wanted!r}", allowed=words, nearest=near))
        chain = [link for link in chain if wanted in (None, link[key])]
    return {
        "schema": "chipweave.why/1",
        "covers": COVERS[found["schema"]],
        "time_ns": sum(link["end_ns"] - link["start_ns"] for link in chain),
        "run": _words(found),
        "chain": chain,
        "breakdown": totals(chain),
        "bounds": bounds,
        "bounding": next(iter(bounds), None),
    }


def _words(found: dict[str, Any]) -> dict[str, Any]:
    """What was run, in a few words."""
    if found["schema"] == STEP_SCHEMA:
        return {name: found["run"][name] for name in ("system", "model", "parallel", "framework") if found["run"][name]}
    settings = found["run"]["settings"]
    return {"of": "the mean request", **{k: settings[k] for k in ("system", "model") if k in settings}}


def _bounds_of_step(path: str, found: dict[str, Any]) -> dict[str, int]:
    """kind -> ns of the step without its time, the kind that bounds it first."""
    try:
        made, work = made_of(found["run"])
    except (KeyError, TypeError) as error:
        raise BadInput(Fault(f"{path}: its settings lack {error}", allowed=CURE)) from None
    if made.step(work).critical != found["critical"]:
        raise _another(path)
    kinds = {part["kind"] for part in found["parts"]}
    return _sorted({kind: replace(made, without=kind).step(work).ns for kind in kinds})


def _bounds_of_server(path: str, found: dict[str, Any], allow_code: bool) -> dict[str, int]:
    """kind -> ns of the mean request without its time: the requests are played again."""
    try:
        run = serve.read(found["run"]["path"], allow_code)
    except (KeyError, TypeError) as error:
        raise BadInput(Fault(f"{path}: its settings lack {error}", allowed=CURE)) from None
    if serve.play(run)["request"] != found["request"]:
        raise _another(path)
    bounds = {}
    for kind in set(found["request"]["where"]) - {"queue", "waiting"}:
        apart = run.prefill and replace(run.prefill, without=kind)
        without = replace(run, setup=replace(run.setup, without=kind), prefill=apart)
        bounds[kind] = serve.play(without)["request"]["mean_ns"]
    return _sorted(bounds)


def _sorted(bounds: dict[str, int]) -> dict[str, int]:
    return dict(sorted(bounds.items(), key=lambda item: (item[1], item[0])))


def _another(path: str) -> BadInput:
    what = f"{path}: made again from its settings, the result is another"
    return BadInput(Fault(what, allowed="a result that this version wrote from the same files"))


def diff(a: dict[str, Any] | None, b: dict[str, Any] | None) -> dict[str, Any]:
    """The document `chipweave.diff/1` of two steps or two servers: classes and layers with the largest change first.

    Raises:
        BadInput: they are of two sorts, one of them perhaps a folder (None).
    """
    if a is None or b is None or a["schema"] != b["schema"]:
        sorts = " and ".join(found["schema"] if found else "a folder of --out" for found in (a, b))
        raise BadInput(Fault(f"{sorts} have no time in common", allowed="two of one sort"))
    chains = [chain_of(found) for found in (a, b)]
    layers = dict.fromkeys(link["layer"] for chain in chains for link in chain)
    rows = []
    for layer in layers:
        x, y = (totals(link for link in chain if link["layer"] == layer) for chain in chains)
        rows.append({"layer": layer, "time_ns": [sum(x.values()), sum(y.values())], "attributed": change(x, y)})
    return {
        "schema": "chipweave.diff/1",
        "covers": COVERS[a["schema"]],
        "time_ns": [sum(totals(chain).values()) for chain in chains],
        "attributed": change(*map(totals, chains)),
        "configuration": differences(*(found["run"].get("settings") or found["run"] for found in (a, b))),
        "layers": sorted(rows, key=lambda row: -abs(row["time_ns"][1] - row["time_ns"][0])),
    }
