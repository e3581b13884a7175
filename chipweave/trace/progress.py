"""A bar with rate and remaining time on standard error for what takes over a second."""

import sys
from contextlib import contextmanager


@contextmanager
def bar():
    """A context that gives `progress(text, done, total)`; a new text starts a new bar."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    if not sys.stderr.isatty():
        yield lambda text, done, total: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as shown:
        tasks = {}

        def progress(text, done, total):
            if text not in tasks:
                tasks[text] = shown.add_task(text, total=total, rate="")
            speed = shown.tasks[tasks[text]].speed
            shown.update(tasks[text], completed=done, total=total, rate=f"{_short(speed)}/s" if speed else "")

        yield progress


def _short(number):
    """1234567 as 1.2 M."""
    for letter in ("", "k", "M", "G"):
        if number < 1000:
            return f"{number:.1f} {letter}".strip()
        number /= 1000
    return f"{number:.1f} T"
