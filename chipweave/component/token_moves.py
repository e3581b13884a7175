"""Tokens on their way: which vectors a layer's dispatch and combine carry from die to die, as the plan has it.

A token lives on the die of its request; requests go to the dies that compute in turn. Before the experts its vector
goes to each die that computes one of its experts (dispatch), afterwards each of these sends its result back (combine).
A plan says how many tokens of an expert a die computes, not which: a die takes its own first, then those of the others
in order of die numbers, each worker's in the order of its requests. A token with two experts on one die is sent once
for each, as in DeepEP's low-latency kernels, or once for both (`once`), as in its normal kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

CHAIN = "tokens"  # of the messages, which the part that joins a die to the network publishes
OPERANDS = ("die", "to", "bytes")


class TokenMoves:
    """The messages of dispatch and combine of one run.

    Attributes:
        workers: int64 [W], the dies that compute, where requests live.
        dispatch_bytes, combine_bytes: of one token's vector on its way there and back.
        dispatched, combined: bytes of all messages so far.
        once: whether a token goes once to each die, whatever it has there.
    """

    def __init__(
        self, workers: Sequence[int], dies: int, dispatch_bytes: int, combine_bytes: int, once: bool = False
    ) -> None:
        """No message yet."""
        self.once = once
        self.workers, self.dies = np.array(workers, np.int64), dies
        self.dispatch_bytes, self.combine_bytes = dispatch_bytes, combine_bytes
        self.dispatched = self.combined = 0

    def messages(self, job: Any, plan: Any) -> tuple[np.ndarray, np.ndarray]:
        """(dispatch, combine) of a layer: int64 [n, len(OPERANDS)], one message for each pair of dies."""
        given = demand(plan, job.view.experts, self.dies)
        tokens = self.distinct(job, given) if self.once else flows(self.choices(job), given, self.workers)
        np.fill_diagonal(tokens, 0)
        source, target = np.nonzero(tokens)
        count = tokens[source, target]
        there = np.stack([source, target, count * self.dispatch_bytes], axis=1)
        back = np.stack([target, source, count * self.combine_bytes], axis=1)
        self.dispatched += int(there[:, 2].sum())
        self.combined += int(back[:, 2].sum())
        return there, back[np.lexsort((source, target))]

    def distinct(self, job: Any, given: np.ndarray) -> np.ndarray:
        """int64 [D, D]: tokens that live on the row's die and have something to do on the column's, each once."""
        count, experts, ids = len(self.workers), job.view.experts, job.view.ids
        row, column = np.nonzero(ids < experts)
        copy = np.arange(job.replication)[:, None]
        token = (copy * len(ids) + row).ravel()
        lives = ((job.owners[row] + copy * job.requests) % count).ravel()
        group = np.tile(ids[row, column].astype(np.int64), job.replication) * count + lives
        chosen = np.bincount(group, minlength=experts * count).reshape(experts, count).T
        order = np.argsort(group, kind="stable")
        target = targets(chosen, given, self.workers)
        pair = np.unique(token[order] * self.dies + target, return_index=True)[1]
        found = np.zeros((self.dies, self.dies), np.int64)
        np.add.at(found, (self.workers[lives[order][pair]], target[pair]), 1)
        return found

    def choices(self, job: Any) -> np.ndarray:
        """int64 [W, E]: how many tokens that live on each worker chose each expert."""
        count, experts, ids = len(self.workers), job.view.experts, job.view.ids
        row, column = np.nonzero(ids < experts)  # a row of fewer choices is filled with a number that is no expert
        place = (job.owners[row] % count) * experts + ids[row, column]
        of_first = np.bincount(place, minlength=count * experts).reshape(count, experts)
        return np.asarray(copies(count, job.requests, job.replication).T @ of_first, np.int64)


def copies(workers: int, requests: int, replication: int) -> np.ndarray:
    """int64 [W, W]: of `replication` like requests the first of which lives on the row's worker, those on the column's.

    Copy i of request q is request q + i x `requests` of the batch.
    """
    found = np.zeros((workers, workers), np.int64)
    places = (np.arange(workers)[:, None] + np.arange(replication) * requests) % workers
    np.add.at(found, (np.broadcast_to(np.arange(workers)[:, None], places.shape), places), 1)
    return found


def demand(plan: Any, experts: int, dies: int) -> np.ndarray:
    """int64 [D, E]: how many tokens of each expert a plan gives each die."""
    given = np.zeros((dies, experts), np.int64)
    np.add.at(given, (plan.die, plan.expert), plan.tokens)
    return given


def flows(chosen: np.ndarray, given: np.ndarray, workers: np.ndarray) -> np.ndarray:
    """int64 [D, D]: tokens that live on the row's die and are computed on the column's.

    chosen: int64 [W, E], of the tokens that live on each of `workers`; given: int64 [D, E], of those each die computes.

    >>> flows(np.array([[2], [2]]), np.array([[1], [3]]), np.array([0, 1])).tolist()
    [[1, 1], [0, 2]]
    """
    found = np.zeros((len(given), len(given)), np.int64)
    own, source, target, tokens = segments(chosen, given, workers)
    np.add.at(found, (workers, workers), own.sum(axis=1))
    np.add.at(found, (workers[source % len(workers)], target % len(given)), tokens)
    return found


def targets(chosen: np.ndarray, given: np.ndarray, workers: np.ndarray) -> np.ndarray:
    """int64 [choices]: the die of each, expert by expert, within one worker by worker, within one its own die first.

    chosen, given: as for `flows`.

    >>> targets(np.array([[2], [2]]), np.array([[1], [3]]), np.array([0, 1])).tolist()
    [0, 1, 1, 1]
    """
    own, source, target, tokens = segments(chosen, given, workers)
    group = np.concatenate([np.arange(own.size), source])  # of an expert and a worker
    order = np.argsort(group, kind="stable")
    die = np.concatenate([np.tile(workers, own.shape[1]), target % len(given)])[order]
    return np.repeat(die, np.concatenate([own.T.ravel(), tokens])[order])


def segments(
    chosen: np.ndarray, given: np.ndarray, workers: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(own [W, E], tokens that stay; source, target and tokens [n] of those that go), source being expert x W + worker
    and target expert x D + die, in that order."""
    own = np.minimum(chosen, given[workers])
    left, wanted = chosen - own, given.copy()
    wanted[workers] -= own
    # Expert by expert the two agree, so their running sums over all experts meet at the end of each.
    supply, needs = np.cumsum(left.T.ravel()), np.cumsum(wanted.T.ravel())
    ends = np.union1d(supply, needs)
    ends = ends[ends > 0]
    begins = np.concatenate([[0], ends])[:-1].astype(np.int64)
    source, target = (np.searchsorted(sums, begins, side="right") for sums in (supply, needs))
    return own, source, target, ends - begins
