"""The expert choices of one made-up request, in plain Python: slow, obvious, and equal to csrc/policies/draw.c.

Weights are whole numbers and so are all sums, so that both languages pick the same expert from the
same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MASK = (1 << 64) - 1
RETRIES = 12
CHANCES = 4  # of 16 bits in a word


class Stream:
    """splitmix64 from a start (Steele, Lea and Flood, 2014): small, seekable, and the same in every language."""

    def __init__(self, start: int) -> None:
        self.state = start & MASK

    def word(self) -> int:
        """The next 64 random bits."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)


def point_of(word: int, total: int) -> int:
    """A whole number in [0, total) from the low half of a word."""
    return ((word & 0xFFFFFFFF) * total) >> 32


def weighted(weights: list[int], allowed: list[int], point: int) -> int:
    """The first of `allowed` at which the sum of the weights passes `point`."""
    for which in allowed:
        if point < weights[which]:
            return which
        point -= weights[which]
    raise ValueError("the point is beyond the weights")


def draw_request(
    law: Mapping[str, Any],
    own: list[list[list[int]]],
    own_groups: list[list[list[int]]],
    topic: Sequence[int],
    prompt: int,
    tokens: int,
    seed: int,
) -> list[list[list[int]]]:
    """[[[expert] * top_k for each layer] for each token]; arguments as draw.h, tables as lists of weights (no sums).

    law: mapping with layers, experts, top_k, groups, groups_used, topics, topic_share, keep, topic_experts,
    topic_groups.
    """
    out: list[list[list[int]]] = [[[] for _ in range(law["layers"])] for _ in range(tokens)]
    for layer in range(law["layers"]):
        stream = Stream(seed + (layer + 1) * 0xD1B54A32D192ED03)
        stream.word()
        row: list[int] = []
        for token in range(tokens):
            phase = int(token >= prompt)
            kept = []
            if token not in (0, prompt):
                words = [stream.word() for _ in range(-(-len(row) // CHANCES))]
                kept = [
                    e
                    for i, e in enumerate(row)
                    if words[i // CHANCES] >> 16 * (i % CHANCES) & 0xFFFF < law["keep"][layer]
                ]
            tables = _tables(law, own, own_groups, phase, layer, topic[token])
            row = _token(law, tables, kept, stream)
            out[token][layer] = row
    return out


def _tables(
    law: Mapping[str, Any],
    own: list[list[list[int]]],
    own_groups: list[list[list[int]]],
    phase: int,
    layer: int,
    topic: int,
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Weights (own, the topic's) of the experts, then of the groups."""
    mine, of_groups = own[phase][layer], own_groups[phase][layer]
    if not law["topics"]:
        return mine, mine, of_groups, of_groups
    return mine, law["topic_experts"][phase][layer][topic], of_groups, law["topic_groups"][phase][layer][topic]


def _token(
    law: Mapping[str, Any],
    tables: tuple[list[int], list[int], list[int], list[int]],
    kept: list[int],
    stream: Stream,
) -> list[int]:
    """One token's experts: `kept`, then fresh ones."""
    own, of_topic, own_groups, topic_groups = tables
    picked = list(range(law["groups"]))
    if law["groups_used"] < law["groups"]:
        picked = _groups(law, own_groups, topic_groups, kept, stream)
    size = law["experts"] // law["groups"]
    allowed = [e for g in picked for e in range(g * size, (g + 1) * size)]
    row = list(kept)
    while len(row) < law["top_k"]:
        for _ in range(RETRIES):
            word = stream.word()
            weights = of_topic if word >> 48 < law["topic_share"] else own
            expert = weighted(weights, allowed, point_of(word, sum(weights[e] for e in allowed)))
            if expert not in row:
                break
        if expert in row:
            left = [e for e in allowed if e not in row]
            expert = weighted(own, left, point_of(stream.word(), sum(own[e] for e in left)))
        row.append(expert)
    return row


def _groups(law: Mapping[str, Any], own: list[int], of_topic: list[int], kept: list[int], stream: Stream) -> list[int]:
    """The groups a token uses, in the order picked."""
    size = law["experts"] // law["groups"]
    picked = list(dict.fromkeys(e // size for e in kept))
    while len(picked) < law["groups_used"]:
        word = stream.word()
        weights = of_topic if word >> 48 < law["topic_share"] else own
        left = [g for g in range(law["groups"]) if g not in picked]
        picked.append(weighted(weights, left, point_of(word, sum(weights[g] for g in left))))
    return picked
