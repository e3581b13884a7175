"""Runs suites of the ledger and shows them: groups, the worst rows, what missed its bar.

A suite is a module `chipweave.validation.suites.NAME`, so a new suite is a new file:

    results(reference, groups, device, jobs) -> [Result]     required
    references(reference, groups, device)                    the rows answered, in the same order: gives it plots
    groups(reference) -> [group]                             its groups, where it has no `references`
    extra(results) -> [Markdown]                             parts of the written ledger that only this suite has
    remarks(results) -> [text]                               printed after the tables
    more(results) -> {key: value}                            keys of the JSON document that only this suite has
    missed(results) -> [text]                                bars that are not a group's mean error
    rests_on(device) -> {device: count}                      numbers of other devices that answers for a device rest on
    KEEP_ROWS = True                                         the answer to each row is committed, not the groups' alone
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chipweave import __version__, ledger
from chipweave.errors import BadInput, Fault, nearest
from chipweave.io.atomic import check_folder, check_replaced, replacing, write_json
from chipweave.io.outputs import check_document

PACKAGE = "chipweave.validation.suites"


@dataclass(frozen=True)
class Asked:
    """What one call asks for.

    out     folder for SUITE.json, SUITE.md and plots/; `force`: also where it holds answers to other rows
    update  rewrite the committed ledger and baseline; `accept_worse` even where a group got worse
    check   hold the groups against the committed baseline
    """

    reference: str | None = None
    groups: tuple = ()
    device: str | None = None
    jobs: int = 1
    json_path: str | None = None
    out: str | None = None
    force: bool = False
    update: bool = False
    accept_worse: bool = False
    check: bool = False

    @property
    def whole(self) -> Any:
        return not (self.reference or self.groups or self.device)


def suites() -> list[str]:
    """The names of the suites there are."""
    return sorted(m.name for m in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__))


def run(names: tuple[str], asked: Asked) -> Any:
    """Judge the named suites (all where none is named) and print them; returns what missed a bar or got worse, as
    lines."""
    known = suites()
    unknown = [
        Fault(f"unknown suite '{n}'", allowed=", ".join(known), nearest=nearest(n, known))
        for n in names
        if n not in known
    ]
    if unknown:
        raise BadInput(unknown)
    if asked.reference and len(names) != 1:
        raise BadInput("--reference replaces the references of one suite: name that suite")
    if (asked.update or asked.check) and not asked.whole:
        raise BadInput("--update and --check are of whole suites: leave out --reference, --group and --device")
    check_folder(asked.out)
    check_document(asked.json_path)
    chosen = choose(tuple(dict.fromkeys(names or known)), asked)
    for name, its in chosen.items():
        _check_out(name, its)
    missed, documents = [], []
    for name, its in chosen.items():
        document, lines = run_suite(name, its)
        documents.append(document)
        missed += lines
    if asked.json_path:
        write_json(asked.json_path, documents[0] if len(documents) == 1 else documents)
    return missed


def choose(names: tuple[str, ...], asked: Asked) -> dict[str, Asked]:
    """{suite: what it is asked for}: of several suites those alone that have a group asked for, each its own.

    Raises:
        BadInput: a group that none of them has.
    """
    if not asked.groups or len(names) == 1 and not hasattr(_module(names[0]), "groups"):
        return dict.fromkeys(names, asked)
    known = {name: _groups_of(_module(name), asked.reference) for name in names}
    there = sorted(set().union(*known.values()))
    unknown = [g for g in asked.groups if g not in there]
    if unknown:
        where = names[0] if len(names) == 1 else "these suites"
        raise BadInput(
            [Fault(f"no group '{g}' in {where}", allowed=", ".join(there), nearest=nearest(g, there)) for g in unknown]
        )
    fit = {name: tuple(g for g in asked.groups if g in groups) for name, groups in known.items()}
    return {name: replace(asked, groups=groups) for name, groups in fit.items() if groups}


def _module(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.{name}")


def _groups_of(suite: Any, reference: Any) -> set[str]:
    """The groups that a suite has rows of; none where it does not say."""
    if hasattr(suite, "references"):
        return {q.group for q, _ in suite.references(reference)}
    return set(suite.groups(reference)) if hasattr(suite, "groups") else set()


def _check_out(name: str, asked: Asked) -> None:
    """Raise BadInput where the folder holds the ledger of other rows; a suite without `references` may only be told by
    its name."""
    if not asked.out:
        return
    suite = _module(name)
    rows = suite.references(asked.reference, asked.groups, asked.device) if hasattr(suite, "references") else None
    ids = None if rows is None else [q.id for q, _ in rows]

    def same(document: Any) -> bool:
        there = [row["id"] for row in document["rows"]]
        return document["suite"] == name and (ids is None or there == ids)

    out = Path(asked.out)
    check_replaced(out / f"{name}.json", same, asked.force, (out / f"{name}.md", out / "plots"))


@dataclass(frozen=True)
class Judged:
    """A suite's module, its results, their JSON document, and the bars they missed, in words."""

    suite: Any
    results: list[ledger.Result]
    document: dict[str, Any]
    missed: list[str]


def judge(name: str, asked: Asked) -> Judged:
    """Hold one suite against its references.

    Raises:
        BadInput: no row fits what is asked for.
    """
    suite = _module(name)
    results: list[ledger.Result] = suite.results(
        reference=asked.reference, groups=asked.groups, device=asked.device, jobs=asked.jobs
    )
    if not results:
        raise BadInput(f"suite {name}: no reference row fits --group, --device or --reference")
    rests_on: Callable[[str], dict[str, int]] = getattr(suite, "rests_on", lambda _: {})
    for result in results:
        result.inherited = rests_on(result.device) if result.simulated is not None else {}
    document = ledger.as_json(name, str(__version__), results) | getattr(suite, "more", lambda _: {})(results)
    missed = [
        f"bar missed: {group}: mean error {error:.1%}, bar {bar:.0%}"
        for group, bar, error in ledger.missed_bars(results)
    ]
    missed += getattr(suite, "missed", lambda _: [])(results)
    return Judged(suite, results, document, missed)


def run_suite(name: str, asked: Asked) -> tuple[dict[str, Any], list[str]]:
    """(JSON document, lines of what missed a bar or got worse) of one suite."""
    from chipweave.ledger import files as ledger_files
    from chipweave.ledger.show import show

    judged = judge(name, asked)
    suite, results, document, missed = judged.suite, judged.results, judged.document, judged.missed
    if asked.out:
        write_out(Path(asked.out), name, suite, results, document, asked)
    worse = []
    if asked.check or asked.update:
        worse = ledger_files.got_worse(name, document["groups"])
        if asked.check:
            worse += ledger_files.stale(name, suite, results, document["groups"])
    if asked.update and (not worse or asked.accept_worse):
        ledger_files.update(name, suite, results, document["groups"])
        worse = []
    lines = missed + [f"got worse: {line}" for line in worse]
    show(
        name,
        results,
        document["groups"],
        [*getattr(suite, "remarks", lambda _: [])(results), *inherited(results), *lines],
        asked.json_path == "-",
    )
    return document, lines


def inherited(results: list[ledger.Result]) -> list[str]:
    """Lines that say how many predicted rows of each device rest on figures of another."""
    from chipweave.topology.inherited import in_words

    rows: dict[str, list[ledger.Result]] = {}
    for result in results:
        if result.inherited and result.role == ledger.SCORED:
            rows.setdefault(in_words(result.inherited), []).append(result)
    devices = {words: ", ".join(sorted({r.device for r in found})) for words, found in rows.items()}
    return [f"{len(found)} predicted rows of {devices[words]}: {words}" for words, found in rows.items()]


def write_out(folder: Any, name: Any, suite: Any, results: Any, document: Any, asked: Any) -> None:
    """SUITE.json, SUITE.md, one plot per curve and one per group."""
    from chipweave.ledger import files as ledger_files
    from chipweave.ledger import plots as ledger_plots

    write_json(folder / f"{name}.json", document)
    with replacing(folder / f"{name}.md") as file:
        file.write(f"# validate {name}\n\n{ledger_files.text(suite, results, document['groups'])}\n")
    if hasattr(suite, "references"):
        ledger_plots.draw(folder / "plots", suite.references(asked.reference, asked.groups, asked.device), results)
        ledger_plots.draw_groups(folder / "plots", results)
