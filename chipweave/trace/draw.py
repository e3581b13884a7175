"""The door to csrc/policies/draw.c: expert choices of a made-up request."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave import fabric
from chipweave.errors import BadInput

FFI, LIB = fabric.load("draw")


class Drawer:
    """Draws requests of one law.

    experts, top_k, groups, groups_used: the gate. topic_share: of fresh draws, 0 to 1.
    keep: float [layers], the probability that an expert of the token before stays.
    topic_experts, topic_groups: uint32 [2, layers, topics, experts or groups], weights in prompt and answer.
    """

    def __init__(
        self,
        experts: int,
        top_k: int,
        groups: int,
        groups_used: int,
        keep: np.ndarray,
        topic_share: float,
        topic_experts: np.ndarray,
        topic_groups: np.ndarray,
    ) -> None:
        sums = np.cumsum(topic_experts, axis=-1, dtype=np.uint64)
        if sums.size and int(sums.max()) >= 1 << 32:
            raise ValueError("a table's sum passes 2^32")
        self.experts, self.top_k, self.layers = experts, top_k, len(keep)
        self.dtype = np.uint8 if experts <= 256 else np.uint16
        self._keep = np.rint(np.asarray(keep) * 65536).astype(np.uint32)
        self._sums, self._groups = sums.astype(np.uint32), np.ascontiguousarray(topic_groups, np.uint32)
        self._law = FFI.new(
            "struct draw_law *",
            {
                "layers": self.layers,
                "experts": experts,
                "top_k": top_k,
                "groups": groups,
                "groups_used": groups_used,
                "topics": topic_experts.shape[2],
                "topic_share": round(topic_share * 65536) if topic_experts.shape[2] else 0,
                "keep": _words(self._keep),
                "topic_experts": _words(self._sums),
                "topic_groups": _words(self._groups),
            },
        )

    def request(self, own: np.ndarray, own_groups: np.ndarray, topic: np.ndarray, prompt: int, seed: int) -> np.ndarray:
        """ids [tokens, layers, top_k], uint8 or uint16, of one request with `len(topic)` tokens.

        own, own_groups: uint32 [2, layers, experts or groups], its weights in prompt and answer, each at least 1;
        topic: uint8 [tokens]; prompt: how many are prompt; seed: 64 bits.
        """
        out = np.empty((len(topic), self.layers, self.top_k), self.dtype)
        status = LIB.draw_request(
            self._law,
            _words(own),
            _words(own_groups),
            FFI.from_buffer("uint8_t[]", topic),
            prompt,
            len(topic),
            seed,
            self.dtype == np.uint16,
            FFI.from_buffer(out),
        )
        if status != LIB.DRAW_OK:
            raise BadInput(f"top-{self.top_k} of {self.experts} experts cannot be drawn in these groups")
        return out


def _words(array: np.ndarray) -> Any:
    return FFI.from_buffer("uint32_t[]", array)
