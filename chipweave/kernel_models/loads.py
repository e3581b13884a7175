"""How many tokens each expert gets: the distributions of public MoE benchmarks, and the rank that is timed.

The published timings of fused MoE layers (NVIDIA aiconfigurator) draw their routing in two ways, restated here from
its description of the experiment: `balanced` deals slots out evenly; `power_law_A` samples one weight per expert from
a bounded power law of exponent A, scales the weights to the number of slots, and times the rank with most tokens,
averaged over several draws.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

DRAWS = 16
"""Draws of a power law that are averaged (the measurements average five)."""


def balanced(tokens: int, experts: int, top_k: int) -> np.ndarray:
    """Tokens per expert, dealt evenly: slot i of token t goes to expert t * spread + i * stride, modulo the experts.

    Below `stride` tokens they are spread evenly over a stride, so that no expert gets two tokens before all have one.
    """
    stride = ceil(experts / top_k)
    token = np.arange(tokens)[:, None]
    spread = token if tokens >= stride else token * stride / tokens
    chosen = (spread + np.arange(top_k)[None, :] * stride).astype(np.int64) % experts
    return np.bincount(chosen.ravel(), minlength=experts)


def bounded_power_law(draw: np.ndarray, exponent: float, low: float, high: float) -> np.ndarray:
    """Inverse distribution function of density x^-exponent on [low, high], at the uniform numbers `draw`."""
    if exponent == 1:
        return low * (high / low) ** draw
    a, b = low ** (1 - exponent), high ** (1 - exponent)
    return ((b - a) * draw + a) ** (1 / (1 - exponent))


def power_law(tokens: int, experts: int, top_k: int, exponent: float, rng: Any, ranks: int = 1) -> np.ndarray:
    """Tokens per expert for one draw; the sum is tokens * top_k and no expert has more than `tokens`.

    What rounding and the cap leave over is dealt one by one to the ranks in turn, each giving it to its least loaded
    expert; what is too many is taken from each rank's most loaded in the same way.
    """
    slots = tokens * top_k
    counts = _rounded(slots, tokens, experts, exponent, rng)
    over = int(np.maximum(counts - tokens, 0).sum())
    shares = np.minimum(counts, tokens).reshape(ranks, -1)
    _deal(shares, over, tokens)
    missing = slots - int(shares.sum())
    if missing >= 0:
        _deal(shares, missing, tokens)
    else:  # taking from the most loaded is giving to the least loaded of what is left to the cap
        left = tokens - shares
        _deal(left, -missing, tokens)
        shares = tokens - left
    return shares.reshape(-1)


def power_law_uncapped(tokens: int, experts: int, top_k: int, exponent: float, rng: Any) -> np.ndarray:
    """Tokens per expert for one draw in the first form of the experiment, which the DeepEP timings used: no cap, and
    what rounding left over goes to the most loaded experts, or is taken from the least loaded that have any."""
    slots = tokens * top_k
    counts = _rounded(slots, tokens, experts, exponent, rng)
    order = np.argsort(-counts, kind="stable")
    while (missing := slots - int(counts.sum())) != 0:
        room = order if missing > 0 else order[::-1][counts[order[::-1]] > 0]
        counts[room[: abs(missing)]] += 1 if missing > 0 else -1
    return counts


def _rounded(slots: int, tokens: int, experts: int, exponent: float, rng: Any) -> np.ndarray:
    low, high = (1.0, 0.8 * tokens) if slots > experts else (0.01, 2.0)
    weight = bounded_power_law(rng.random(experts), exponent, low, high)
    return np.rint(weight / weight.sum() * slots).astype(np.int64)


def _deal(shares: np.ndarray, amount: int, most: int) -> None:
    """Deal `amount` tokens to the rows of `shares` in turn, each to its least loaded entry, none above `most`."""
    ranks = len(shares)
    while amount > 0:
        open_ranks = [r for r in range(ranks) if (shares[r] < most).any()]
        if not open_ranks:
            return
        each, extra = divmod(amount, len(open_ranks))
        for turn, rank in enumerate(open_ranks):
            amount -= _fill(shares[rank], each + (turn < extra), most)


def _fill(row: np.ndarray, amount: int, most: int) -> int:
    """Raise the lowest entries of `row` one by one until `amount` is placed or all stand at `most`; returns what was
    placed."""
    amount = min(amount, int((most - row).sum()))
    low, high = int(row.min()), most
    while low < high:  # highest level that `amount` can fill up to
        middle = (low + high + 1) // 2
        if np.maximum(middle - row, 0).sum() <= amount:
            low = middle
        else:
            high = middle - 1
    rest = amount - int(np.maximum(low - row, 0).sum())
    np.maximum(row, low, out=row)
    row[np.flatnonzero(row == low)[:rest]] += 1
    return amount


def hottest(counts: np.ndarray, ranks: int) -> np.ndarray:
    """The counts of the rank with most tokens, experts being dealt to ranks in blocks."""
    shares = counts.reshape(ranks, -1)
    return shares[int(shares.sum(axis=1).argmax())]


def assigned(counts: Any, top_k: Any) -> Any:
    """(segments x top_k chosen experts, tokens of each segment): which experts a token has, where experts are dealt out
    column by column, busiest first. Tokens between two changes have the same experts."""
    order = np.argsort(-counts, kind="stable")
    ends = np.cumsum(counts[order])
    tokens = int(ends[-1]) // top_k
    starts = np.unique(np.concatenate(([0], ends % tokens)))
    lengths = np.diff(np.append(starts, tokens))
    places = starts[:, None] + np.arange(top_k)[None, :] * tokens
    return order[np.searchsorted(ends, places, side="right")], lengths


def behind_groups(counts: Any, top_k: Any, groups: Any, used: Any) -> Any:
    """Tokens per expert that a group-limited gate makes of drawn `counts`.

    A token's chosen experts all score the same, the others the same lower score. The gate keeps the `used` groups with
    the best two scores, earlier groups first, and fills up with their other experts, lowest number first."""
    chosen, lengths = assigned(counts, top_k)
    experts = len(counts)
    hot = np.zeros((len(lengths), experts), bool)
    hot[np.arange(len(lengths))[:, None], chosen] = True
    score = np.minimum(hot.reshape(len(lengths), groups, -1).sum(axis=2), 2)
    kept = np.argsort(-score, axis=1, kind="stable")[:, :used]
    open_ = np.zeros((len(lengths), groups), bool)
    open_[np.arange(len(lengths))[:, None], kept] = True
    rank = np.where(hot, 0, 1) + np.where(np.repeat(open_, experts // groups, axis=1), 0, 2)
    taken = np.argsort(rank, axis=1, kind="stable")[:, :top_k]
    return np.bincount(taken.ravel(), weights=np.repeat(lengths, top_k), minlength=experts).astype(np.int64)


def popular(tokens: Any, experts: Any, top_k: Any, sigma: Any, rng: Any) -> Any:
    """Tokens per expert for one draw of a gate whose experts are unequally popular: a log-normal popularity, each token
    choosing independently. `sigma` 0.55 to 0.85 fits the counts of DeepSeek-V3 in decode (SGLang's own statistics)."""
    weight = rng.lognormal(0.0, sigma, experts)
    chance = weight / weight.sum() * top_k
    for _ in range(8):  # no expert is chosen twice by a token
        over = chance > 1
        if not over.any():
            break
        spare, chance = chance[over].sum() - over.sum(), np.where(over, 1.0, chance)
        chance = np.where(over, 1.0, chance * (1 + spare / max(chance[~over].sum(), 1e-30)))
    counts = rng.binomial(tokens, np.minimum(chance, 1.0))
    order = rng.permutation(experts)
    missing = tokens * top_k - int(counts.sum())
    while missing:
        able = order[(counts[order] < tokens) if missing > 0 else (counts[order] > 0)][: abs(missing)]
        counts[able] += 1 if missing > 0 else -1
        missing = tokens * top_k - int(counts.sum())
    return counts


def rank_loads(
    balance: str, tokens: int, experts: int, top_k: int, ranks: int, capped: bool = True, seed: int = 1
) -> list[np.ndarray]:
    """Draws of the timed rank's tokens per expert: one for `balanced`, `DRAWS` for `power_law_A`.

    ranks  expert-parallel ranks; the timed one holds experts / ranks
    """
    if balance == "balanced":
        return [balanced(tokens, experts, top_k)[: experts // ranks]]
    exponent = float(balance.removeprefix("power_law_"))
    rng = np.random.default_rng(seed)
    if capped:
        return [hottest(power_law(tokens, experts, top_k, exponent, rng, ranks), ranks) for _ in range(DRAWS)]
    return [hottest(power_law_uncapped(tokens, experts, top_k, exponent, rng), ranks) for _ in range(DRAWS)]


def group_limited(tokens: int, experts: int, top_k: int, groups: int, used: int) -> np.ndarray:
    """As `balanced`, behind a router that may use only `used` of its `groups` expert groups (DeepSeek-V3: 4 of 8).

    Evenly dealt slots give every group the same score, so the first `used` groups win for every token; the slots that
    fell elsewhere go to the experts of those groups that no token scored, lowest number first.
    """
    counts = balanced(tokens, experts, top_k)
    kept = experts * used // groups
    spare = tokens * top_k - int(counts[:kept].sum())
    counts[kept:] = 0
    each, extra = divmod(spare, tokens)
    counts[:each] += tokens
    counts[each] += extra
    return counts
