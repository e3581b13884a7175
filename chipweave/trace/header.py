"""What is known of a trace besides its ids: shape, requests, provenance, and the hash that names its content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from chipweave.trace.holes import Holes
from chipweave.trace.limits import MAX_EXPERTS, MAX_LAYERS, MAX_TOP_K
from chipweave.trace.widths import Widths

# Higher ones only where there is need: who knows the first alone would read fillers, or rows of other requests.
CHECKSUM = "description_sha256"
KEYS = {
    *("schema", "name", "model", "shape", "names", "prompt_rows", "decode_steps", "provenance", "sha256"),
    *("holes", "widths", CHECKSUM),
}
SCHEMA, SCHEMA_WITH_HOLES, SCHEMA_UNEVEN = "chipweave.trace/1", "chipweave.trace/2", "chipweave.trace/3"


@dataclass(frozen=True)
class Shape:
    """The routed part of a model as a trace shows it.

    `layers`: ids of the MoE layers, ascending. `layer_keys`: how many layers, dense ones counted, step 1 of the first
    request names (the published artifact drops every layer whose id is not below it); None where it is not known.
    `absent`: rows may have fewer choices than top_k; the largest number of `dtype`, `no_choice`, fills them up.
    """

    layers: tuple
    experts: int
    top_k: int
    layer_keys: int | None = None
    absent: bool = False

    def check(self) -> None:
        """Raises ValueError where no model has such a shape."""
        if (
            not 1 <= len(self.layers) <= MAX_LAYERS
            or list(self.layers) != sorted(set(self.layers))
            or self.layers[0] < 0
        ):
            raise ValueError("MoE layers must be different numbers, ascending")
        if not 1 <= self.experts <= MAX_EXPERTS or not 1 <= self.top_k <= min(self.experts, MAX_TOP_K):
            raise ValueError(f"{self.top_k} of {self.experts} experts a token")

    @property
    def dtype(self) -> Any:
        """Little-endian, one byte where the ids fit."""
        return np.dtype("<u1") if self.experts + self.absent <= 256 else np.dtype("<u2")

    @property
    def no_choice(self) -> int | None:
        """What stands where a token has no further expert; None where every row has top_k."""
        return int(np.iinfo(self.dtype).max) if self.absent else None

    def facts(self) -> dict:
        """As plain data; without `absent` where there is none, so that hashes stay what they were."""
        return {key: value for key, value in asdict(self).items() if key != "absent" or value}

    @property
    def token_bytes(self) -> int:
        """Bytes of one token's ids in the store."""
        return len(self.layers) * self.top_k * self.dtype.itemsize


@dataclass(frozen=True)
class Header:
    """Shape and requests. `prompt_rows[r]`: rows of request r in step 0; `decode_steps[r]`: its steps after it;
    `holes`: Holes or None."""

    name: str
    shape: Shape
    names: tuple
    prompt_rows: np.ndarray
    decode_steps: np.ndarray
    model: str = ""
    provenance: dict = field(default_factory=dict)
    sha256: str = ""
    holes: Holes | None = None
    widths: Widths | None = None

    def content_hash(self, layer_digests: list[bytes]) -> str:
        """SHA-256 that depends on ids, shape and request order only, not on how Parquet lays them out.

        `layer_digests`: per layer the SHA-256 of its ids, rows by (step, request, token), little-endian.
        """
        head = {
            "shape": self.shape.facts(),
            "prompt_rows": self.prompt_rows.tolist(),
            "decode_steps": self.decode_steps.tolist(),
        }
        if self.widths:
            head["widths"] = self.widths.runs.tolist()
        if self.holes:
            head["holes"] = self.holes.runs.tolist()
        whole = hashlib.sha256(json.dumps(head, sort_keys=True, separators=(",", ":")).encode())
        for digest in layer_digests:
            whole.update(digest)
        return whole.hexdigest()

    def with_hash(self, layer_digests: list[bytes]) -> Header:
        """The header with the hash of its content: names, shape and the digests of all layers' ids."""
        return replace(self, sha256=self.content_hash(layer_digests))

    def to_json(self) -> str:
        """The text that the store keeps; its schema is the oldest that can hold what the trace has."""
        more = {"holes": self.holes.to_text()} if self.holes else {}
        more |= {"widths": self.widths.to_text()} if self.widths else {}
        uneven = self.widths or self.shape.absent
        facts = {
            "schema": SCHEMA_UNEVEN if uneven else SCHEMA_WITH_HOLES if self.holes else SCHEMA,
            **more,
            "name": self.name,
            "model": self.model,
            "shape": self.shape.facts(),
            "names": self.names,
            "prompt_rows": self.prompt_rows.tolist(),
            "decode_steps": self.decode_steps.tolist(),
            "provenance": self.provenance,
            "sha256": self.sha256,
        }
        return _text(facts | {CHECKSUM: _checksum(facts)})

    @classmethod
    def from_json(cls, text: bytes) -> Header:
        """Raises ValueError, KeyError or TypeError where `text` is not what `to_json` wrote."""
        facts = json.loads(text)
        _check_types(facts)
        _check_whole(facts)
        if facts["schema"] not in (SCHEMA, SCHEMA_WITH_HOLES, SCHEMA_UNEVEN):
            raise ValueError(f"schema {facts['schema']!r} instead of {SCHEMA!r}")
        shape = Shape(**{**facts["shape"], "layers": tuple(facts["shape"]["layers"])})
        holes = Holes.from_text(facts["holes"], len(facts["names"]), len(shape.layers)) if "holes" in facts else None
        widths = Widths.from_text(facts["widths"], facts["decode_steps"]) if "widths" in facts else None
        header = cls(
            facts["name"],
            shape,
            tuple(facts["names"]),
            np.asarray(facts["prompt_rows"], np.int64),
            np.asarray(facts["decode_steps"], np.int64),
            facts["model"],
            facts["provenance"],
            facts["sha256"],
            holes,
            widths,
        )
        if not len(header.names) == len(header.prompt_rows) == len(header.decode_steps) > 0:
            raise ValueError("lists of requests of unequal length")
        if header.prompt_rows.min() < 1 or header.decode_steps.min() < 0:
            raise ValueError("a request without rows")
        shape.check()
        return header


def _text(facts: dict) -> str:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def _checksum(facts: dict) -> str:
    """SHA-256 of a description but for its own checksum."""
    return hashlib.sha256(_text({k: v for k, v in facts.items() if k != CHECKSUM}).encode()).hexdigest()


def _check_whole(facts: dict) -> None:
    """Raises ValueError where a description has keys that `to_json` does not write, or not the checksum it states.

    Stores of before it was written state none.
    """
    unknown = sorted(set(facts) - KEYS)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}")
    if CHECKSUM in facts and facts[CHECKSUM] != _checksum(facts):
        raise ValueError("it was changed since it was written: its SHA-256 is another")


def _check_types(facts: object) -> None:
    """Raises TypeError where a description is not made of what `to_json` writes."""
    if not isinstance(facts, dict):
        raise TypeError("it is no object")
    for key, kind in (
        ("name", str),
        ("model", str),
        ("sha256", str),
        ("names", list),
        ("provenance", dict),
        ("shape", dict),
    ):
        if not isinstance(facts[key], kind):
            raise TypeError(f"{key} is {type(facts[key]).__name__}, not {kind.__name__}")
    if not all(isinstance(name, str) for name in facts["names"]):
        raise TypeError("a request's name is no text")
