"""`chipweave trace ...`: routing traces in, out and shown."""

import click


@click.group()
def command():
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
def import_(paths, out, model, experts, name, compress, as_decode, requests, steps, seed):
    """Import JSON (folders, .json, .jsonl, .gz, .zst, .tar.gz) or NumPy ids (.npy, .npz) into one store."""
    from chipweave.trace.importer import import_decode, import_paths
    from chipweave.trace.progress import bar
    from chipweave.trace.writer import check_out

    check_out(out, paths)
    with bar() as progress:
        if as_decode:
            header = import_decode(paths, out, requests, steps, seed, model, experts, name, progress)
        else:
            header = import_paths(paths, out, model, experts, name, progress, "zstd" if compress else "none")
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
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="The store to write (.parquet).")
@click.option("--name", help="The name results show.")
def generate(model, requests, steps, seed, out, name):
    """A made-up trace with a model's layers, experts and top-k: log-normal popularity, sticky tokens."""
    from chipweave.trace import models
    from chipweave.trace.library import write_generated
    from chipweave.trace.progress import bar
    from chipweave.trace.writer import check_out

    check_out(out)
    with bar() as progress:
        header = write_generated(out, models.load(model), requests, steps, seed, name, progress)
    _say(out, header)


@command.command()
@click.argument("source")
@click.option("--json", "json_path", help="Write a JSON document to this file, or - for standard output.")
def stats(source, json_path):
    """Skew, overlap from token to token and batch effects of a trace, by layer."""
    from chipweave.io.atomic import check_file, write_json
    from chipweave.trace import stats as measures
    from chipweave.trace.library import open_trace
    from chipweave.trace.progress import bar

    check_file(json_path)
    with bar() as progress:
        document = measures.measure(open_trace(source, progress=progress), progress)
    if json_path:
        write_json(json_path, document)
    if json_path != "-":
        measures.print_table(document)


@command.command()
@click.argument("source")
@click.option("--json", "json_path", help="Write a JSON document to this file, or - for standard output.")
@click.option("--verify", is_flag=True, help="Read everything and check it against its SHA-256.")
def show(source, json_path, verify):
    """Shape, provenance and first rows of a trace: a file, or one of the names that `trace names` lists."""
    from chipweave.io.atomic import write_json
    from chipweave.trace import show as views
    from chipweave.trace.library import open_trace
    from chipweave.trace.progress import bar

    with bar() as progress:
        trace = open_trace(source, progress=progress)
        if verify:
            views.verify(trace, progress)
    if json_path:
        write_json(json_path, views.as_json(trace))
    if json_path != "-":
        views.print_trace(trace)


@command.command()
def names():
    """The traces that need no file: shipped router logs and synthetic sets."""
    from chipweave.trace.library import describe

    for name, words in describe():
        click.echo(f"{name:24} {words}")


def _say(out, header):
    from chipweave.trace.show import summary

    click.echo(f"{out}: {summary(header)}", err=True)
    for note in header.provenance.get("notes", ()):
        click.echo(f"note: {note}", err=True)
