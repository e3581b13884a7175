"""`chipweave trace ...`: routing traces in, out and shown."""

from __future__ import annotations

from typing import Any

import click


@click.group()
def command() -> None:
    """Routing traces: import, generate, stats, show."""


@command.command("import")
@click.argument("paths", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="The store to write (.parquet).")
@click.option("--model", help="The model the trace must fit; recognised by layers and top-k where it is left out.")
@click.option(
    "--experts", type=click.IntRange(1, 65_535), help="Routed experts a layer, for a model that is not shipped."
)
@click.option("--name", help="The name results show; by default that of --out.")
@click.option("--compress", is_flag=True, help="A smaller store that takes longer to read.")
@click.option(
    "--absent", multiple=True, type=click.IntRange(0, 65_535), help="An id of arrays that means no choice, beside -1."
)
@click.option("--expert-map", help="Physical ids of arrays: a server's map of experts (.json, .csv, .npy, .pt).")
@click.option("--as-decode", is_flag=True, help="Replay a prefill-only log as decode, on windows of its sequences.")
@click.option(
    "--requests", type=click.IntRange(1, 1_000_000), default=4096, show_default=True, help="Windows, with --as-decode."
)
@click.option(
    "--steps",
    type=click.IntRange(1, 1_000_000),
    default=128,
    show_default=True,
    help="Steps with the prefill, with --as-decode.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Chooses the windows, with --as-decode."
)
@click.option("--force", is_flag=True, help="Replace a file at --out that is no trace of chipweave.")
def import_(
    paths: Any,
    out: Any,
    model: Any,
    experts: Any,
    name: Any,
    compress: Any,
    absent: Any,
    expert_map: Any,
    as_decode: Any,
    requests: Any,
    steps: Any,
    seed: Any,
    force: Any,
) -> None:
    """Import JSON (folders, .json, .jsonl, .gz, .zst, .tar.gz), NumPy ids, or what vLLM, SGLang and llama.cpp write."""
    from chipweave.io.progress import progress as bar
    from chipweave.trace.importer import import_decode, import_paths
    from chipweave.trace.writer import check_out

    check_out(out, paths, force)
    with bar() as progress:
        if as_decode:
            header = import_decode(
                paths, out, requests, steps, seed, model, experts, name, progress, absent, expert_map
            )
        else:
            header = import_paths(
                paths, out, model, experts, name, progress, "zstd" if compress else "none", False, absent, expert_map
            )
    _say(out, header)


@command.command()
@click.argument("model")
@click.option("--requests", type=click.IntRange(1, 1_000_000), default=4096, show_default=True)
@click.option(
    "--steps",
    type=click.IntRange(1, 1_000_000),
    default=128,
    show_default=True,
    help="Steps with the prefill: 128 is 1 + 127.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--law", help="A law by name or a .yaml file; by default the model's own.")
@click.option("--tasks", type=click.IntRange(1, 256), default=1, show_default=True, help="Tasks that take turns.")
@click.option("--languages", type=click.IntRange(1, 16), default=1, show_default=True, help="Languages of each task.")
@click.option(
    "--counts", help="Measured expert counts by layer (.pt, .csv, .json, .npy, .npz) in place of the law's loads."
)
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="The store to write (.parquet).")
@click.option("--name", help="The name results show.")
@click.option("--force", is_flag=True, help="Replace a file at --out that is no trace of chipweave.")
def generate(
    model: Any,
    requests: Any,
    steps: Any,
    seed: Any,
    law: Any,
    tasks: Any,
    languages: Any,
    counts: Any,
    out: Any,
    name: Any,
    force: Any,
) -> None:
    """A made-up trace by the law of a model: measured popularity, memory and relations.

    MODEL is a shipped model, a model's .yaml file or the config.json of a Hugging Face model.
    """
    from chipweave.io.progress import progress as bar
    from chipweave.trace import law as laws
    from chipweave.trace import models
    from chipweave.trace.counts import read_counts
    from chipweave.trace.library import Recipe, write_generated
    from chipweave.trace.writer import check_out

    check_out(out, (counts,) if counts else (), force)
    model = models.load(model)
    recipe = Recipe(laws.load(law) if law else None, tasks, languages, read_counts(counts, model) if counts else None)
    with bar() as progress:
        header = write_generated(out, model, requests, steps, seed, name, progress, recipe)
    _say(out, header)


@command.command()
@click.argument("source")
@click.option("--json", "json_path", help="Write a JSON document to this file, or - for standard output.")
def stats(source: Any, json_path: Any) -> None:
    """Skew, overlap from token to token and batch effects of a trace, by layer; its SHA-256 is checked."""
    from chipweave.io.atomic import write_json
    from chipweave.io.outputs import check_document
    from chipweave.io.progress import progress as bar
    from chipweave.trace import stats as measures

    check_document(json_path)
    with bar() as progress:
        document = measures.measure(_verified(source, progress), progress)
    if json_path:
        write_json(json_path, document)
    if json_path != "-":
        measures.print_table(document)


@command.command()
@click.argument("source")
@click.option("--json", "json_path", help="Write a JSON document to this file, or - for standard output.")
@click.option("--verify", is_flag=True, help="Read everything and check it against its SHA-256.")
def show(source: Any, json_path: Any, verify: Any) -> None:
    """Shape, provenance and first rows of a trace: a file, or one of the names that `trace names` lists."""
    from chipweave.io.atomic import write_json
    from chipweave.io.outputs import check_document
    from chipweave.io.progress import progress as bar
    from chipweave.trace import show as views
    from chipweave.trace.library import open_trace

    check_document(json_path)
    with bar() as progress:
        trace = open_trace(source, progress=progress)
        if verify:
            views.verify(trace, progress)
    if json_path:
        write_json(json_path, views.as_json(trace))
    if json_path != "-":
        views.print_trace(trace)


@command.command()
@click.argument("source")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False), help="Folder of analysis.json and the pictures."
)
@click.option("--layer", type=click.IntRange(0), help="Layer of the heat maps; by default the middle one.")
@click.option("--force", is_flag=True, help="Replace the analysis of another trace in the folder of --out.")
def analyse(source: Any, out: Any, layer: Any, force: Any) -> None:
    """Popularity, phases, coverage in and out of sample, heat maps, reuse and contrast of a trace, in pictures."""
    from chipweave.io.progress import progress as bar
    from chipweave.study.analysis import analyse as run
    from chipweave.trace import stats as measures

    with bar() as progress:
        document = run(_verified(source, progress), out, progress, layer, force)
    measures.print_relations(document)


@command.command()
@click.argument("source")
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="The loads (.npz).")
@click.option("--force", is_flag=True, help="Replace a file at --out that holds no loads.")
def loads(source: Any, out: Any, force: Any) -> None:
    """Loads of experts by layer, and pairs chosen together: what `placement.packed` and `--counts` read."""
    from pathlib import Path

    import numpy as np

    from chipweave.io.atomic import replacing
    from chipweave.io.outputs import check_output
    from chipweave.io.progress import progress as bar
    from chipweave.study.analysis import holds_loads, loads_of

    if not out.endswith(".npz"):
        raise click.UsageError(f"--out {out}: a name that ends with .npz")
    check_output(out, "file of loads, and --force is not given", holds_loads, force)
    with bar() as progress:
        found = loads_of(_verified(source, progress), progress)
    arrays: dict[str, Any] = found
    with replacing(Path(out), "wb") as file:
        np.savez_compressed(file, **arrays)


@command.command()
def names() -> None:
    """The traces that need no file: shipped router logs and synthetic sets."""
    from chipweave.io.console import say
    from chipweave.trace.library import describe

    for name, words in describe():
        say(f"{name:24} {words}")


def _verified(source: Any, progress: Any) -> Any:
    """The open trace; BadInput where its content is not what its SHA-256 was made of."""
    from chipweave.trace.library import open_trace
    from chipweave.trace.show import verify

    trace = open_trace(source, progress=progress)
    verify(trace, progress)
    return trace


def _say(out: str, header: Any) -> None:
    from chipweave.io.console import note, say
    from chipweave.trace.show import summary

    say(f"{out}: {summary(header)}")
    for words in header.provenance.get("notes", ()):
        note(f"note: {words}")
