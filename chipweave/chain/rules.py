"""How held resources are granted: the named admissions and wait queues, each declared here alone."""

from dataclasses import dataclass, replace
from typing import Any

from chipweave.errors import BadInput, nearest

# booking: reserve one stage ahead; barging: pass waiters; wake: who is tried when a resource is released
ADMISSIONS: dict[str, dict[str, Any]] = {
    "work_conserving": {"booking": False, "barging": True, "wake": "all"},
    "head_only": {"booking": False, "barging": False, "wake": "head"},
    "early_booking": {"booking": True, "barging": True, "wake": "head"},
}
WAKES = ("head", "all")
WAIT_QUEUES = ("sorted", "artifact_heap")


@dataclass(frozen=True)
class Rules:
    """How held resources are granted. Each of the artifact's habits can be switched on its own."""

    booking: bool
    barging: bool
    wake: str  # one of WAKES
    wait_queue: str


def rules(
    admission: str = "work_conserving",
    wait_queue: str = "sorted",
    booking: bool | None = None,
    barging: bool | None = None,
    wake: str | None = None,
) -> Rules:
    """The rules of a named admission, with single switches replaced where given.

    Raises:
        BadInput: an unknown name.
    """
    for what, value, known in (
        ("admission", admission, tuple(ADMISSIONS)),
        ("wait queue", wait_queue, WAIT_QUEUES),
        ("wake", wake, (None, *WAKES)),
    ):
        if value not in known:
            names = [n for n in known if n]
            raise BadInput(
                f"unknown {what} '{value}'; allowed: {', '.join(names)}; nearest: {nearest(str(value), names)}"
            )
    switches: dict[str, Any] = {"booking": booking, "barging": barging, "wake": wake}
    named = Rules(**ADMISSIONS[admission], wait_queue=wait_queue)
    return replace(named, **{k: v for k, v in switches.items() if v is not None})
