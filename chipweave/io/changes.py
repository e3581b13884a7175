"""What changed between two documents: sums by class, and values by path."""

from __future__ import annotations

from typing import Any


def change(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    """class -> how much more in b than in a, the largest change first."""
    found = {name: b.get(name, 0) - a.get(name, 0) for name in {**a, **b}}
    return dict(sorted(found.items(), key=lambda item: -abs(item[1])))


def differences(a: Any, b: Any) -> list[dict[str, Any]]:
    """What two documents say differently: {"what": path with dots, "a", "b"}."""
    flat = flattened(a), flattened(b)
    return [
        {"what": name, "a": flat[0].get(name), "b": flat[1].get(name)}
        for name in {**flat[0], **flat[1]}
        if flat[0].get(name) != flat[1].get(name)
    ]


def flattened(value: Any, path: str = "") -> dict[str, Any]:
    """A document as one level: path with dots -> value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        return {path: value}
    found: dict[str, Any] = {}
    for key, inner in pairs:
        found |= flattened(inner, f"{path}.{key}" if path else str(key))
    return found
