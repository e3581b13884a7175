"""The conditions of serving rows, `key=value; ...`, read strictly: a word that is missing or unknown is said, not
guessed."""

from __future__ import annotations

from chipweave.ledger import NotModelled, Question

from .units import Stated

FRAMEWORKS = {"sglang": "sglang", "trtllm": "trtllm", "tensorrt-llm": "trtllm", "vllm": "vllm"}


def conditions(question: Question) -> dict[str, str]:
    """{key: value} of a row."""
    parts = (part.partition("=") for part in question.conditions.split("; ") if part)
    return {key.strip(): value.strip() for key, _, value in parts}


def framework(text: str) -> Stated:
    """ "vllm", "sglang" or "trtllm" of "VLLM 0.24.0" and the like; versions of one framework are taken as one."""
    word = text.split()[0].lower() if text.split() else ""
    return FRAMEWORKS.get(word) or NotModelled(f"no kernels of the framework '{text}' are described")


def whole(found: dict[str, str], key: str, default: int | None = None) -> Stated:
    """A positive whole number."""
    text = found.get(key, "" if default is None else str(default))
    if text.isdigit() and 1 <= int(text) <= 1 << 24:
        return int(text)
    return NotModelled(f"the conditions give no whole number from 1 to {1 << 24} as '{key}': {text or 'nothing'}")
