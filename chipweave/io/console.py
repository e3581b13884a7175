"""Standard error for people: the console, progress bars, amounts in words."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

BYTES = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def console():
    """Standard error; wide enough for the tables where it is no terminal."""
    wide = Console(stderr=True)
    return wide if wide.is_terminal else Console(stderr=True, width=170)


def bar(title):
    """A progress bar with rate and remaining time; silent where standard error is no terminal."""
    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console(), transient=True, disable=not console().is_terminal)


class Counting:
    """A bar that counts things done."""

    def __init__(self, total, title="runs"):
        self.progress = bar(title)
        self.task, self.completed = self.progress.add_task(title, total=total, rate=""), None

    def __enter__(self):
        self.progress.start()
        return self

    def __exit__(self, *_):
        self.progress.stop()

    def advance(self):
        self.progress.advance(self.task)

    def reached(self, completed, rate):
        """Show how far it is and how fast, whenever `completed` has changed."""
        if completed != self.completed:
            self.completed = completed
            self.progress.update(self.task, completed=completed, rate=rate)


def amount(value):
    """Bytes for people: 2.47 TB."""
    for unit, size in BYTES:
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value} B"
