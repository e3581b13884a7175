"""Joules of a run: what its parts counted, at the energy of each event; computed from what a run leaves, so that a run
that is not asked for it costs nothing more.

Events: operations of the experts that tokens chose, bytes of memory, bytes through the last-level caches, bytes on each
link passed, time in which SMs compute. The energies are those of a board (`chipweave.kernel_models.boards`), of one die
where the board has several; where they are another device's, the document says so.

Leaves out  attention and shared experts, as the run does; host, cooling and what converts the supply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chipweave.kernel_models.board_power import Board, Events, clock_share, parts
from chipweave.run.outcome import Outcome
from chipweave.run.record import column
from chipweave.run.table import LABELS
from chipweave.trace import models
from chipweave.trace.models import MATRICES

PS = 1e-12
COUNTED = ("local_read_bytes", "remote_read_bytes", "copy_write_bytes", "remote_llc_hits", "local_llc_hits")
PARTS = ("rest", "units", "products", "L2", "memory", "links")


@dataclass(frozen=True)
class Counting:
    """What a run's events are counted with: the board of one die, whether it is another device's, compute dies of the
    run, and of the model bytes of a slice and operations of a token in a layer on 8-bit operands."""

    board: Board
    inherited: bool
    dies: int
    slice_bytes: float
    token_eights: float


def counting_of(model: Any, dies: int, board: Board, of_dies: int, inherited: bool) -> Counting:
    """The Counting of a model on `dies` dies; board: of a package of `of_dies` dies.

    An operation costs as much as the bits of its weights (a guess): 8-bit ones one, 16-bit ones two.
    """
    weights = MATRICES * model.hidden * model.intermediate * model.top_k
    return Counting(
        board.share(of_dies), inherited, dies, float(model.slice_bytes), 2.0 * weights * float(model.weight_bytes)
    )


def of_rows(spec: Any, outcomes: list[Outcome], board: tuple[Board, int, bool]) -> list[dict[str, Any]]:
    """The documents of those rows that kept accounts; board: as `board_for` finds it."""
    from chipweave.trace.library import for_run  # what reads traces is not needed where joules are not wanted

    model, routing = models.load(spec.model), for_run(spec.trace, spec.model, spec.batch, spec.steps, spec.seed)
    trace = routing.trace
    tokens = [routing.replication * len(trace.row_request(step)) for step in range(min(spec.steps, trace.steps))]
    found = []
    for outcome in outcomes:
        if outcome.breakdown is None:
            continue
        dies = {name.rpartition(".")[0] for name, kind, *_ in outcome.breakdown.parts if kind == "compute"}
        found.append(document(outcome, counting_of(model, max(1, len(dies)), *board), tokens))
    return [each for each in found if each]


def document(outcome: Outcome, how: Counting, tokens: list[int]) -> dict[str, Any] | None:
    """Joules of a row by part, joules a decoded token, watts of every layer-step, and the run under the limit; None
    where the row was sampled and kept no accounts.

    Args:
        tokens: of each step, prefill included.
    """
    if outcome.breakdown is None:
        return None
    table, columns = outcome.table, outcome.columns
    times, steps = column(table, "time_ps") * PS, column(table, "step")
    of = {name: column(table, name, columns).astype(float) for name in COUNTED}
    afar, written = of["remote_read_bytes"], of["copy_write_bytes"]
    read = of["local_read_bytes"] + afar
    hits = (of["remote_llc_hits"] + of["local_llc_hits"]) * how.slice_bytes
    eights = np.array([tokens[step] for step in steps]) * how.token_eights
    carried = float(sum(statistics.bytes.sum() for _, _, statistics in outcome.links))
    busy = sum(part[3] for part in outcome.breakdown.parts if part[1] == "compute") * PS
    # links and computing are counted over the run: layers take them by what they read afar and by their operations
    links, working = carried * _shares(afar, times), busy / how.dies * _shares(eights, times)
    board = _all(how.board, how.dies)
    found = [
        Events(*events)
        for events in zip(times, working, eights, read + hits + written, read + written, links, strict=True)
    ]
    joules = {part: 0.0 for part in PARTS}
    watts, slower = [], 0.0
    for event in found:
        drawn = parts(board, event)
        for part in PARTS:
            joules[part] += drawn[part] * event.seconds
        watts.append(min(board.power, sum(drawn.values())))
        slower += event.seconds * (1.0 / clock_share(board, event) - 1.0)
    return _document(outcome, how, joules, watts, slower, sum(tokens[outcome.prefill_steps :]))


def _document(
    outcome: Outcome, how: Counting, joules: dict[str, float], watts: list[float], slower: float, tokens: int
) -> dict[str, Any]:
    total, seconds = sum(joules.values()), outcome.total_ps * PS
    table = outcome.table
    ends = np.cumsum(column(table, "time_ps"))
    decode = column(table, "step") >= outcome.prefill_steps
    of_decode = float(np.array(watts)[decode] @ (column(table, "time_ps")[decode] * PS))
    return {
        **{name: outcome.row[name] for name in LABELS},
        "figures": how.board.of,
        "inherited": how.inherited,
        "dies": how.dies,
        "joules": total,
        "by_part": joules,
        "joules_per_decoded_token": of_decode / tokens if tokens else None,
        "watts": total / seconds if seconds else 0.0,
        "limit_watts": how.board.power * how.dies,
        "time_under_limit_ns": round((seconds + slower) * 1e9),
        "watts_over_time": [
            {"step": int(step), "layer": int(layer), "end_ns": int(end) // 1000, "watts": drawn}
            for step, layer, end, drawn in zip(column(table, "step"), column(table, "layer"), ends, watts, strict=True)
        ],
    }


def _all(die: Board, dies: int) -> Board:
    """The board of all dies together."""
    return (
        die.share(1)
        if dies == 1
        else Board(
            die.power * dies,
            die.idle * dies,
            die.busy * dies,
            die.energy_8,
            die.energy_l2,
            die.energy_memory,
            die.energy_link,
            die.of,
        )
    )


def _shares(amounts: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Parts of a whole by `amounts`; by time where there are none."""
    whole = amounts if amounts.sum() else times
    return whole / whole.sum() if whole.sum() else whole


def lines(found: list[dict[str, Any]]) -> list[str]:
    """What a person sees of the documents."""
    out = []
    for each in found:
        each_token = each["joules_per_decoded_token"]
        token = "" if each_token is None else f", {each_token:.3g} J a decoded token"
        split = ", ".join(f"{part} {joules / each['joules']:.0%}" for part, joules in each["by_part"].items())
        out.append(
            f"{each['strategy']} ({each['link_model']}): {each['joules']:.3g} J{token}, {each['watts']:,.0f} W of "
            f"{each['dies']} dies ({split})"
        )
    if found:
        whose = "another device's" if found[0]["inherited"] else "the system's own"
        out.append(f"energies are {found[0]['figures']}'s, {whose}; prefill included in joules and watts")
    return out
