"""Seeded traces for any model, with the law of the synthetic sets (syn.py) and the model's layers, experts and top-k.

A token's set is drawn without replacement in proportion to weight * (e^stickiness if the token before had the expert):
the same distribution as the sets' Gumbel top-k, but with one look-up per draw in place of one logarithm per
expert. Draws come from alias tables, one per (request, layer); an expert drawn twice is drawn again. Weights are whole
numbers, so tables come out alike on every machine.

sigma, stickiness, bias and prompt lengths are those of the sets and are no fit to any model: DeepSeek's group limit,
phases, tasks and co-activation are not in it.
"""

from dataclasses import dataclass

import numpy as np

from chipweave.trace.syn import normals

BLOCK_REQUESTS = 64  # drawn together; part of the definition of a trace
WEIGHT_ONE = 1 << 20
SPARE_DRAWS = 3
ALIAS_BITS = 16  # an entry of a table: 16 bits of probability, 16 bits of expert


@dataclass(frozen=True)
class Law:
    """The numbers of the law. `prompt`: fewest and most prompt tokens, uniform; the rest as in syn.py."""

    layers: int
    experts: int
    top_k: int
    sigma: float = 0.6
    stickiness: float = 0.6
    bias: float = 0.3
    prompt: tuple = (6, 20)


def requests(law, count, decode_steps, seed):
    """Yield (name, prompt rows, ids uint16 [tokens, layers, top_k]); the first n requests do not depend on `count`."""
    popularity = law.sigma * normals(np.random.Generator(np.random.PCG64([seed, 0])), (law.layers, law.experts))
    for first in range(0, count, BLOCK_REQUESTS):
        random = np.random.Generator(np.random.PCG64([seed, 1, first]))
        prompts = law.prompt[0] + random.integers(0, law.prompt[1] - law.prompt[0] + 1, BLOCK_REQUESTS)
        bias = law.bias * normals(random, (BLOCK_REQUESTS * law.layers, law.experts))
        bias += np.tile(popularity, (BLOCK_REQUESTS, 1))
        weights = np.rint(np.exp(bias, out=bias) * WEIGHT_ONE)
        tokens = draw_tokens(weights, law, law.prompt[1] + decode_steps, random)
        tokens = tokens.reshape(len(tokens), law.top_k, BLOCK_REQUESTS, law.layers)
        for number in range(min(BLOCK_REQUESTS, count - first)):
            prompt = int(prompts[number])
            ids = tokens[: prompt + decode_steps, :, number].transpose(0, 2, 1)
            yield f"{first + number:06d}", prompt, ids


def draw_tokens(weights, law, tokens, random):
    """ids uint16 [tokens, top_k, lanes] of `tokens` consecutive tokens in each lane; `weights` [lanes, experts]."""
    lanes = len(weights)
    extra_share = (weights / weights.sum(axis=1, keepdims=True) * (np.exp(law.stickiness) - 1)).astype(np.float32)
    tables = alias_tables(weights).ravel()
    offset = np.arange(lanes) * law.experts
    drawn = np.empty((tokens, law.top_k, lanes), np.uint16)
    previous = extra = None
    for token in drawn:
        if previous is not None:
            extra = np.cumsum(extra_share.take(offset + previous, mode="clip"), axis=0)
        token[...] = _distinct(law, tables, offset, previous, extra, random)
        previous = token
    return drawn


def _distinct(law, tables, offset, previous, extra, random):
    """The first top_k different experts of a row of draws in each lane: [top_k, lanes]."""
    draws = law.top_k + (SPARE_DRAWS if law.top_k > 1 else 0)
    got = _draw(law, draws, tables, offset, previous, extra, random)
    repeated = np.zeros(got.shape, bool)
    for later in range(1, draws):
        for earlier in range(later):
            repeated[later] |= got[later] == got[earlier]
    some = np.flatnonzero(repeated[: law.top_k].any(axis=0))
    chosen = got[: law.top_k].copy()
    order = np.argsort(repeated[:, some], axis=0, kind="stable")[: law.top_k]
    chosen[:, some] = np.take_along_axis(got[:, some], order, 0)
    for lane in some[draws - repeated[:, some].sum(axis=0) < law.top_k].tolist():
        one = slice(lane, lane + 1)
        chosen[:, lane] = _more(
            law,
            got[:, lane],
            tables,
            offset[one],
            None if previous is None else previous[:, one],
            None if extra is None else extra[:, one],
            random,
        )
    return chosen


def _more(law, got, tables, offset, previous, extra, random):
    """Draw on in a lane whose draws repeat too often."""
    chosen = list(dict.fromkeys(got.tolist()))
    while len(chosen) < law.top_k:
        more = _draw(law, law.top_k, tables, offset, previous, extra, random)
        chosen = list(dict.fromkeys(chosen + more[:, 0].tolist()))
    return chosen[: law.top_k]


def _draw(law, draws, tables, offset, previous, extra, random):
    """Independent draws with replacement: uint16 [draws, lanes]."""
    point = random.random((draws, len(offset)), dtype=np.float32)
    if extra is not None:
        point *= 1 + extra[-1]
        held = np.flatnonzero(point >= 1)
        lane = held % len(offset)
        beyond = point.ravel()[held] - 1
        point.ravel()[held] = 0
    point *= law.experts
    column = point.astype(np.uint16)
    np.minimum(column, law.experts - 1, out=column)
    point -= column
    point *= 1 << ALIAS_BITS
    entry = tables.take(offset + column, mode="clip")
    low = (1 << ALIAS_BITS) - 1
    kept = (point.astype(np.uint32) << ALIAS_BITS | low) < entry  # its upper half below the entry's
    got = entry.astype(np.uint16)
    np.copyto(got, column, where=kept)
    if extra is not None:
        which = np.minimum((beyond >= extra[:, lane]).sum(axis=0), len(extra) - 1)
        got.ravel()[held] = previous[which, lane]
    return got


def alias_tables(weights):
    """Walker's alias tables uint32 [lanes, experts]: probability in 1/65536 above, the other expert below.

    All lanes at once: with experts in one order, the light ones' missing and the heavy ones' surplus weights are two
    rising sums; which heavy expert fills a light one's column is where the second sum passes the first.
    """
    experts = weights.shape[1]
    total = weights.sum(axis=1, keepdims=True)
    surplus = weights * experts - total  # whole numbers below 2^53: every sum is exact
    light = surplus < 0
    missing = np.cumsum(np.where(light, -surplus, 0), axis=1)
    over = np.cumsum(np.where(light, 0, surplus), axis=1)
    order = np.argsort(np.where(light, missing + surplus - 0.5, over), axis=1, kind="stable")
    heavy_first = np.argsort(light, axis=1, kind="stable")
    heavies = (~light).sum(axis=1, keepdims=True)
    light_in_order = np.take_along_axis(light, order, 1)
    passed = np.cumsum(
        ~light_in_order, axis=1
    )  # heavy ones so far: for a light one the next, for a heavy one the one after
    other = np.take_along_axis(heavy_first, np.minimum(passed, heavies - 1), 1)
    filled = np.maximum.accumulate(np.where(light_in_order, np.take_along_axis(missing, order, 1), 0), axis=1)
    keep = np.where(
        light_in_order,
        np.take_along_axis(weights, order, 1) * experts,
        total + np.take_along_axis(over, order, 1) - filled,
    )
    chance = np.clip(np.rint(keep / total * (1 << ALIAS_BITS)), 0, (1 << ALIAS_BITS) - 1).astype(np.uint32)
    tables = np.empty(weights.shape, np.uint32)
    np.put_along_axis(tables, order, chance << ALIAS_BITS | other.astype(np.uint32), 1)
    return tables
