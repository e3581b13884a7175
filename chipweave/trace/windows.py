"""A prefill-only log replayed as decode: requests are windows of its sequences.

    sequence   |.......[ 16 tokens | 1 | 1 | 1 | ... ].......|
                         prefill     decode steps 1, 2, 3, ...

A gate's choice for a token is the same in prefill and in decode given the same text before it, so the ids are real;
what is not real is that the same tokens serve in many requests. The provenance says how often."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.trace.header import Header
from chipweave.trace.spill import Spill

PREFILL_TOKENS = 16


def choose(lengths: Any, requests: Any, window: Any, random: Any) -> Any:
    """(sequence int64 [requests], first token int64 [requests]), uniform over all windows that lie within a
    sequence."""
    starts = np.maximum(lengths - window + 1, 0)
    ends = np.cumsum(starts)
    pick = random.integers(0, ends[-1], requests)
    sequence = np.searchsorted(ends, pick, side="right")
    return sequence, pick - (ends - starts)[sequence]


def spill_windows(log: Any, requests: Any, steps: Any, seed: Any, directory: Any = None, place: Any = None) -> Any:
    """(Header, Spill) of `requests` windows of `log`, each one prefill and `steps` - 1 decode steps; deterministic.

    place: what faults call the log, where it is not its own path.
    """
    window, lengths = check(log, requests, steps, place), log.prompt_rows
    sequence, first = choose(lengths, requests, window, np.random.Generator(np.random.PCG64(seed)))
    uses = _uses(lengths, sequence, first, window)
    shape = log.shape
    spill = Spill(shape, directory)
    with Spill(shape, directory) as tokens:
        for block in log.read_blocks(0):
            tokens.append(block)
        begin = np.cumsum(lengths) - lengths
        for where, start in zip(sequence.tolist(), first.tolist(), strict=False):
            ids = tokens.tokens(int(begin[where]) + start, window)
            spill.add(f"{log.order[where]}[{start}:{start + window}]", PREFILL_TOKENS, ids)
    facts = {
        "kind": "windows of a prefill-only log",
        "log": {"name": log.name, "sha256": log.sha256, **log.provenance},
        "seed": seed,
        "prefill_tokens": PREFILL_TOKENS,
        "reuse": reuse(lengths, window, uses),
    }
    header = Header(
        f"{log.name}-decode",
        shape,
        tuple(spill.names),
        np.array(spill.prompt_rows),
        np.array(spill.decode_steps),
        log.model,
        facts,
    )
    return header, spill


def check(log: Any, requests: Any, steps: Any, place: Any = None) -> Any:
    """The tokens of a window of `steps` steps; BadInput where the log has none as long."""
    place = place or Place(str(log.path))
    if not log.prefill_only:
        raise BadInput(
            Fault(f"{log.name} has decode steps of its own: only a prefill-only log is replayed as decode", place)
        )
    if steps < 1 or requests < 1:
        raise BadInput(f"cannot make {requests} requests of {steps} steps; allowed: at least 1 of each")
    window, lengths = PREFILL_TOKENS + steps - 1, log.prompt_rows
    if int(lengths.max()) < window:
        most = int(lengths.max()) - PREFILL_TOKENS + 1
        raise BadInput(
            Fault(
                (
                    f"{log.name}: no sequence is long enough for {steps} steps: the longest "
                    f"has {int(lengths.max())} tokens, {PREFILL_TOKENS} of them prefill"
                ),
                place,
                allowed=f"at most {most} steps" if most > 0 else f"sequences of at least {PREFILL_TOKENS} tokens",
            )
        )
    return window


def reuse(lengths: Any, window: Any, uses: Any) -> Any:
    """How often tokens were used: the mean over the distinct tokens used is the reuse factor."""
    used = uses[uses > 0]
    return {
        "factor": round(float(used.mean()), 3),
        "most": int(used.max()),
        "tokens_in_log": int(lengths.sum()),
        "distinct_tokens_used": int(len(used)),
        "tokens_replayed": int(used.sum()),
        "sequences_too_short": int((lengths < window).sum()),
    }


def _uses(lengths: np.ndarray, sequence: np.ndarray, first: np.ndarray, window: int) -> np.ndarray:
    """How many windows cover each token of the log: int64 [tokens]."""
    offset = np.cumsum(lengths) - lengths
    change = np.zeros(int(lengths.sum()) + 1, np.int64)
    np.add.at(change, offset[sequence] + first, 1)
    np.add.at(change, offset[sequence] + first + window, -1)
    return np.cumsum(change)[:-1]
