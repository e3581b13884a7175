"""What the run loop calls policies with, and the check of answers of policies that are not ours.

A policy of a user's own that loses tokens or returns a mask of another shape would give values that
look right. Our own are held to the same rules by tests, so a run does not pay for them twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.declare.user_code import place_of
from chipweave.errors import BadInput, Fault
from chipweave.policy.placement import Placed, Placement, PlacementView
from chipweave.policy.roles import AllocationPolicy, CopyStore, PlacementPolicy, Plan, PredictionPolicy

ORDERS = ("none", "lru")


def home_of(policy: Any, experts: int, dies: int, usual: Any = None, able: Any = None) -> np.ndarray:
    """int32 [experts] of a PlacementPolicy.

    usual, able  the dies it places on, as numbers 0, 1, .. to the policy, and those that have room for weights at all;
                 a policy that `names_dies` itself answers with numbers of the system
    """
    usual = list(range(dies)) if usual is None else usual
    count = dies if getattr(policy, "names_dies", False) else len(usual)
    home: np.ndarray = _placed(policy, experts, count)
    if count < dies:
        home = np.array(usual, np.int32)[home]
    _refuse_lost(policy, "place", home, able if able is not None else range(dies))
    return home


def _refuse_lost(policy: Any, method: str, dies: Any, able: Any) -> None:
    """BadInput where one of `dies` is none of those that are able to keep weights."""
    lost = sorted({int(die) for die in dies} - set(able))
    if lost:
        what = f"places experts on die {lost[0]}, which has no memory or no network"
        raise _fault(policy, method, what, "a die with both")


def placement_of(policy: Any, view: PlacementView, dies: int, usual: Any, able: Any) -> Placed:
    """The Placed of a PlacementPolicy, in the system's numbers; `usual` and `able` as for `home_of`.

    Raises:
        BadInput: the answer has another shape, names dies that are not there or cannot keep weights.
    """
    layers = len(view.layers)
    if type(policy).decide is PlacementPolicy.decide:
        home = home_of(policy, view.experts, dies, usual, able)
        return Placed.of(home, np.empty((0, 3), np.int64), layers, dies)
    answer = _asked(policy, "decide", view)
    if not isinstance(answer, Placement):
        raise _fault(policy, "decide", f"returns {_words(answer)}", "a Placement")
    shape = (view.experts,) if np.ndim(answer.home) == 1 else (layers, view.experts)
    home = _whole(policy, "decide", answer.home, shape, "home die of each expert, [experts] or [layers, experts]")
    replicas = _replicas(policy, answer.replicas, layers, view.experts)
    named = np.concatenate([home.ravel(), replicas[:, 2]]).astype(np.int64)
    outside = named[(named < 0) | (named >= view.dies)]
    if len(outside):
        raise _fault(policy, "decide", f"names die {outside[0]}", f"0 to {view.dies - 1}")
    if not policy.names_dies:
        number = np.array(usual, np.int32)
        home, replicas = number[home], np.column_stack([replicas[:, :2], number[replicas[:, 2]]])
    _refuse_lost(policy, "decide", [*home.ravel(), *replicas[:, 2]], able)
    return Placed.of(home, replicas, layers, dies)


def _replicas(policy: Any, given: Any, layers: int, experts: int) -> np.ndarray:
    """int64 [n, 3] of a Placement; BadInput where rows are not (layer, expert, die) of those that there are."""
    rows = np.asarray(given)
    if rows.size and (rows.ndim != 2 or rows.shape[1] != 3 or rows.dtype.kind not in "ui"):
        raise _fault(policy, "decide", f"returns replicas as {_words(rows)}", "rows (layer, expert, die), [n, 3]")
    rows = rows.reshape(-1, 3).astype(np.int64)
    for column, count, what in ((0, layers, "layer"), (1, experts, "expert")):
        wrong = rows[(rows[:, column] < 0) | (rows[:, column] >= count), column]
        if len(wrong):
            raise _fault(policy, "decide", f"a replica names {what} {wrong[0]}", f"0 to {count - 1}")
    return rows


def _placed(policy: Any, experts: Any, dies: Any) -> Any:
    """int32 [experts], 0 <= die < dies; BadInput where a foreign policy returns anything else."""
    home = _asked(policy, "place", experts, dies)
    if policy.foreign:
        home = _whole(policy, "place", home, (experts,), "home die of each expert")
        if len(home) and not (0 <= home.min() and home.max() < dies):
            raise _fault(
                policy, "place", f"names die {home.min() if home.min() < 0 else home.max()}", f"0 to {dies - 1}"
            )
        home = home.astype(np.int32)
    return home


def every_of(policy: Any) -> int:
    """After how many steps a PlacementPolicy is asked again, 0: never; BadInput where it is no such number."""
    every = getattr(policy, "every", 0)
    if isinstance(every, bool) or not isinstance(every, int) or every < 0:
        raise _fault(policy, "every", f"is {every!r}", "a whole number of steps, 0: once")
    return every


def store_of(policy: Any, room: Any) -> CopyStore:
    """The CopyStore of a ReplacementPolicy; a foreign one must give an order that there is and capacities from 0."""
    store: CopyStore = _asked(policy, "store", room)
    if policy.foreign:
        if not isinstance(store, CopyStore):
            raise _fault(policy, "store", f"returns {_words(store)}", "a CopyStore")
        if store.order not in ORDERS:
            raise _fault(policy, "store", f"returns order {store.order!r}", ", ".join(ORDERS))
        if (
            store.capacity is not None
            and (_whole(policy, "store", store.capacity, (len(room.hbm_bytes),), "slices a die may keep") < 0).any()
        ):
            raise _fault(policy, "store", "returns a capacity below 0", "slices from 0, or None for no bound")
    return store


def plan_of(policy: Any, view: Any) -> Plan:
    """The Plan of an AllocationPolicy for one layer of one step.

    A foreign one must hand out every token exactly once (Plan.check); the fault names the method's
    line.
    """
    plan: Plan = _asked(policy, "allocate", view)
    if policy.foreign:
        if not isinstance(plan, Plan):
            raise _fault(policy, "allocate", f"returns {_words(plan)}", "a Plan")
        entries = [
            _whole(policy, "allocate", array, None, "a Plan's arrays") for array in (plan.expert, plan.die, plan.tokens)
        ]
        if len({len(array) for array in entries}) > 1:
            raise _fault(
                policy,
                "allocate",
                "returns a Plan with arrays of different lengths",
                "one die and one number of tokens for each expert",
            )
        try:
            Plan(*(array.astype(np.int64) for array in entries)).check(view)
        except ValueError as error:
            raise _fault(
                policy,
                "allocate",
                f"step {view.step}, layer {view.layer}: {error}",
                "every chosen token given to a die once",
            ) from error
        plan = Plan(*(array.astype(np.int32) for array in entries))
    return plan


def mask_of(policy: Any, view: Any, plan: Plan) -> np.ndarray:
    """uint8 [dies, experts] of a PredictionPolicy for one layer of one step: 1 where a copy is fetched ahead."""
    mask: np.ndarray = _asked(policy, "predict", view, plan)
    if policy.foreign:
        shape = (view.dies, view.experts)
        if not isinstance(mask, np.ndarray) or mask.shape != shape or mask.dtype.kind not in "bui":
            raise _fault(
                policy,
                "mask",
                f"returns {_words(mask)}",
                f"whole numbers or booleans [dies, experts], here {list(shape)}",
            )
        mask = (mask != 0).astype(np.uint8)
    return mask


def _asked(policy: Any, method: str, *arguments: Any) -> Any:
    """Call a method of a policy; one that is not written is a fault of its author's, with the place to write it."""
    try:
        return getattr(policy, method)(*arguments)
    except NotImplementedError as error:
        needed = "mask" if method == "predict" else method
        raise _fault(
            policy, needed, "is not written", f"a method `{needed}`, as {AllocationPolicy.__module__} describes it"
        ) from error


def _whole(policy: Any, method: str, array: np.ndarray, shape: Any, what: str) -> np.ndarray:
    """The array, if it is one of whole numbers of `shape` (None: one dimension)."""
    found = np.asarray(array)
    if (
        found.dtype.kind not in "ui"
        and not (found.dtype.kind == "f" and not found.size)
        or (found.ndim != 1 if shape is None else found.shape != shape)
    ):
        raise _fault(
            policy, method, f"returns {_words(array)}", f"{what}: whole numbers" + (f" {list(shape)}" if shape else "")
        )
    return found


def _words(value: object) -> str:
    """A value in a few words, for faults."""
    return (
        f"an array {list(value.shape)} of {value.dtype}" if isinstance(value, np.ndarray) else f"{type(value).__name__}"
    )


def _fault(policy: Any, method: Any, what: Any, allowed: Any) -> Any:
    """BadInput at the line of the policy's method."""
    own = method == "mask" and type(policy).predict is not PredictionPolicy.predict
    return BadInput(
        Fault(f"policy {policy.kind}: {method}: {what}", place_of(policy, "predict" if own else method), allowed)
    )
