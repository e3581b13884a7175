"""Where the points of a sweep run. Each file makes one `concurrent.futures.Executor`; the sweep knows no more of it.

An executor of your own is an entry point in the group `chipweave.executors`: a function (workers, options) ->
Executor, where `options` are the `--executor-option key=value` of the command line.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from importlib.metadata import entry_points

from chipweave.errors import BadInput, Fault, nearest

GROUP = "chipweave.executors"


def names() -> list[str]:
    """The executors that are installed."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load(name: str) -> Callable[[int, dict], Executor]:
    """The function that makes an executor; raises `BadInput` where there is none, or what it needs is not installed."""
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        raise BadInput(Fault(f"unknown executor {name!r}", allowed=", ".join(names()), nearest=nearest(name, names())))
    try:
        return found[0].load()
    except ImportError as error:
        raise BadInput(Fault(f"executor {name}: {error}", allowed=f"pip install chipweave[{name}]")) from None


def take_no_others(name: str, options: dict[str, str], known: tuple[str, ...] = ()) -> None:
    """Raise `BadInput` where an executor is given an option that it does not take."""
    for key in options:
        if key not in known:
            allowed = ", ".join(known) or "none"
            raise BadInput(
                Fault(f"executor {name} takes no option {key!r}", allowed=allowed, nearest=nearest(key, known))
            )
