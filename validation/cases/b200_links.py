"""b200_nccl, b200_coll_xla, b200_allreduce, b200_p2p, b200_a2a: messages between GPUs of an NVLink domain.

Calls of NCCL and of servers are chipweave/kernel_models/nvlink_calls.py's; the share of the links' rate and what a call
costs come from calibration rows (chipweave/data/serving/packages/b200.yaml).
"""

from __future__ import annotations

from chipweave.kernel_models.expert_exchange import ROW_SMS, exchange_seconds, token_bytes
from chipweave.kernel_models.nvlink_calls import collective_seconds, own_all_reduce, send_seconds
from chipweave.ledger import NotModelled, Question, case

from ..rows.blackwell import domain, figures, link_rate, tensor_of
from ..rows.conditions import conditions, whole
from ..rows.packages import rules, topology_of
from ..rows.units import BYTES_PER_S, SECONDS, first_missing, in_unit, no_gate, stated_x

DISPATCH_NOISE = 1 << 20
"""Bytes below which XLA's dispatch covers what its rows of collectives measure: they have no bar."""


@case("dies", "b200_nccl", bar=0.12)
def nccl(questions: list[Question]) -> dict:
    """Time of a collective of nccl-tests."""
    return {q.id: in_unit(q, _collective(q, "gpus"), SECONDS) for q in questions}


@case("dies", "b200_coll_xla", bar=lambda q: 0.15 if (q.x or 0.0) >= DISPATCH_NOISE else None)
def xla(questions: list[Question]) -> dict:
    """Time of a collective of XLA: NCCL's, and XLA's dispatch where its rows were not taken inside a graph."""
    return {q.id: in_unit(q, _collective(q, "gpus_per_group"), SECONDS) for q in questions}


@case("dies", "b200_allreduce", bar=0.20)
def allreduce(questions: list[Question]) -> dict:
    """Time of the all-reduce of a serving framework: one shot, two shots, or NCCL's."""
    return {q.id: in_unit(q, _allreduce(q), SECONDS) for q in questions}


@case("dies", "b200_p2p")
def p2p(questions: list[Question]) -> dict:
    """Rate of a send to one peer."""
    return {q.id: in_unit(q, _permute(q), BYTES_PER_S) for q in questions}


@case("dies", "b200_a2a", bar=0.20)
def a2a(questions: list[Question]) -> dict:
    """Time of an expert exchange."""
    return {q.id: in_unit(q, _exchange(q), SECONDS) for q in questions}


def _collective(q: Question, key: str) -> float | NotModelled:
    """Seconds of an NCCL collective; key: the condition that states the number of GPUs."""
    found, units = conditions(q), tensor_of(q)
    ranks, size = whole(found, key), stated_x(q)
    if (missing := first_missing(units, ranks, size)) is not None:
        return missing
    kind = q.quantity.split()[0].replace("_", "-").replace("alltoall", "all-to-all")
    if kind not in ("all-reduce", "all-gather", "reduce-scatter", "all-to-all") or ranks < 2:
        return NotModelled("the row names no collective, or fewer than two GPUs")
    extra = 0.0
    if key == "gpus_per_group" and "NVL72" not in q.device:
        extra = figures()["xla_dispatch_s"]
    return extra + collective_seconds(domain(), kind, ranks, size)


def _allreduce(q: Question) -> float | NotModelled:
    """Seconds of an all-reduce of an inference server: one or two shots, or NCCL for large ones."""
    found, units = conditions(q), tensor_of(q)
    ranks, elements = whole(found, "gpus"), stated_x(q)
    if (missing := first_missing(units, ranks, elements)) is not None:
        return missing
    if ranks < 2:
        return NotModelled("the row names fewer than two GPUs")
    kernel, known = found.get("kernel", ""), figures()
    spent, calls = own_all_reduce(domain(), kernel.partition("_")[0], ranks, elements * 2.0)
    if "eager" not in kernel:
        return spent
    # calls go out from Python one by one while the last still runs: the slower of host and device sets the pace
    host = calls * known["xla_dispatch_s"] + known["nccl_call_s"]
    return max(spent, host * rules(topology_of(q.device)).host_factor)


def _permute(q: Question) -> float | NotModelled:
    """Bytes/s of a send of XLA's collective-permute."""
    size, units = stated_x(q), tensor_of(q)
    if (missing := first_missing(units, size)) is not None:
        return missing
    if not q.quantity.startswith("collective-permute"):
        return NotModelled("the row names no collective-permute")
    return size / (figures()["xla_dispatch_s"] + send_seconds(domain(), size))


def exchange_of(q: Question) -> tuple[str, str, str]:
    """(library, what it does, what the names of both in data/serving/packages/b200.yaml begin with) of a row."""
    library = conditions(q).get("library", "").replace(" ", "_")
    what = q.quantity.replace(" time", "").replace(" ", "_")
    where = "" if library.startswith("NVLink") else "_gb200" if "GB200" in q.device else "_b200"
    return library, what, f"{library}_{what}{where}"


def _exchange(q: Question) -> float | NotModelled:
    """Seconds of dispatch or combine: a floor, then bytes at the library's rate, or a time for each token."""
    found, units = conditions(q), tensor_of(q)
    ranks, hidden, top_k, experts = (whole(found, name) for name in ("ep", "hidden", "topk", "experts"))
    tokens = stated_x(q)
    missing = first_missing(units, ranks, hidden, top_k, experts, tokens) or no_gate(experts, top_k, ranks)
    if missing is not None:
        return missing
    library, what, prefix = exchange_of(q)
    sms = whole(found, "sms", ROW_SMS) if library == "DeepEP_normal" else ROW_SMS
    if isinstance(sms, NotModelled):
        return sms
    each = token_bytes(library, what, found.get("dtype", ""), ranks, hidden, top_k)
    try:
        return exchange_seconds(figures(), prefix, tokens, each, link_rate(), ROW_SMS / sms)
    except KeyError:
        return NotModelled(f"no exchange of '{found.get('library', '')}' is described")
