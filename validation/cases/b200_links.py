"""b200_nccl, b200_coll_xla, b200_allreduce, b200_a2a: messages between GPUs of an NVLink domain.

Rings as NCCL itself estimates them, with its protocols; the links' rate is the maker's; what a call costs comes from
calibration rows (validation/calibrated/b200.yaml).
"""

from __future__ import annotations

from chipweave.kernel_models.ring_protocols import Protocol, call_seconds
from chipweave.ledger import NotModelled, Question, case

from ..rows.blackwell import figures, link_rate, tensor_of
from ..rows.conditions import conditions, whole
from ..rows.units import SECONDS, first_missing, in_unit, no_gate, stated_x

PROTOCOLS = (
    Protocol("LL", 0.0, 0.0, 0.25),
    Protocol("LL128", 7.4e-6, 1.3e-6, 0.9375),
    Protocol("Simple", 1.8e-6, 2.8e-6, 1.0),
)
"""Beyond LL's own base and step, which are calibrated (NCCL src/graph/tuning.cc, rings over NVLink: baseLatencies 6.6,
14.0, 8.4 us; hwLatencies 0.6, 1.9, 3.4 us). Shares: LL128 carries 120 of 128 bytes; a quarter for LL, whose flags take
half of it and whose stores are of 8 bytes, is a guess."""
LL_THRESHOLD = 16384
"""Bytes for a peer up to which a send uses LL (NCCL src/enqueue.cc, P2P_LL_THRESHOLD)."""
DISPATCH_NOISE = 1 << 20
"""Bytes below which XLA's dispatch covers what its rows of collectives measure: they have no bar."""
CUSTOM_MOST = 8 << 20
"""Bytes up to which frameworks use all-reduces of their own (vLLM custom_all_reduce.py, max_size)."""
TRT_MOST, TRT_MOST_OF_MANY = 16_000_000, 8_000_000
"""Bytes up to which TensorRT-LLM's own all-reduce has room, of up to three ranks and of more (customAllReduceUtils.h,
getMaxRequiredWorkspaceSize)."""
HOP_S = 1.0e-6
"""One write to a peer and the flag behind it: a guess, half of what a step of NCCL's LL takes and its poll."""


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


@case("dies", "b200_a2a", bar=0.20)
def a2a(questions: list[Question]) -> dict:
    """Time of an expert exchange."""
    return {q.id: in_unit(q, _exchange(q), SECONDS) for q in questions}


def collective_seconds(kind: str, ranks: int, size: float, rate: float) -> float:
    """Seconds of one call.

    Args:
        kind: all-reduce, all-gather, reduce-scatter or all-to-all.
        size: bytes as nccl-tests counts them; a gather copies its own part as well.
        rate: bytes/s one way of a GPU's links.
    """
    known = figures()
    steps = {"all-reduce": 2 * (ranks - 1), "all-to-all": 2}.get(kind, ranks - 1)
    moved = 2.0 * (ranks - 1) / ranks * size if kind == "all-reduce" else size
    call = known["nccl_call_s"] + (steps - 1) * known["nccl_step_s"]
    usable: tuple[Protocol, ...] = PROTOCOLS
    if kind == "all-to-all":  # sends to peers use LL up to a threshold, and Simple beyond
        usable = PROTOCOLS[:1] if size / ranks <= LL_THRESHOLD else PROTOCOLS[2:]
    return call_seconds(steps, moved, rate, call, usable)


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
    return extra + collective_seconds(kind, ranks, size, link_rate())


def _allreduce(q: Question) -> float | NotModelled:
    """Seconds of an all-reduce of an inference server: one or two shots, or NCCL for large ones."""
    found, units = conditions(q), tensor_of(q)
    ranks, elements = whole(found, "gpus"), stated_x(q)
    if (missing := first_missing(units, ranks, elements)) is not None:
        return missing
    if ranks < 2:
        return NotModelled("the row names fewer than two GPUs")
    size, known = elements * 2.0, figures()
    spent = _custom_seconds(found.get("kernel", ""), ranks, size)
    if "eager" not in found.get("kernel", ""):
        return spent
    # calls go out from Python one by one while the last still runs: the slower of host and device sets the pace
    return max(spent, known["xla_dispatch_s"] + known["nccl_call_s"])


def _custom_seconds(kernel: str, ranks: int, size: float) -> float:
    """Seconds on the device: a server's own kernel where it takes the size, NCCL's beyond.

    TensorRT-LLM's writes all data to all peers; the others' goes by parts, in two shots, where that is less.
    """
    rate = link_rate()
    most = CUSTOM_MOST if kernel != "trtllm" else TRT_MOST if ranks < 4 else TRT_MOST_OF_MANY
    if size > most:
        return collective_seconds("all-reduce", ranks, size, rate)
    floor = figures()["gemm_floor_bf16_s"] + 2 * HOP_S
    one = floor + (ranks - 1) * size / rate
    two = floor + 2 * HOP_S + 2.0 * (ranks - 1) / ranks * size / rate
    return one if kernel == "trtllm" else min(one, two)


def touched(ranks: int, top_k: int, own: bool) -> float:
    """Ranks that a token's experts lie on, expected; without the token's own where `own` is False."""
    return (ranks if own else ranks - 1) * (1.0 - (1.0 - 1.0 / ranks) ** top_k)


def exchange_of(q: Question) -> tuple[str, str, str]:
    """(library, what it does, what the names of both in calibrated/b200.yaml begin with) of a row."""
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
    known = figures()
    if f"{prefix}_token_s" in known:
        each = message_bytes(library, what, found, ranks, hidden, top_k) / link_rate()
        return known[f"{prefix}_floor_s"] + tokens * (known[f"{prefix}_token_s"] + each)
    if f"{prefix}_floor_s" not in known:
        return NotModelled(f"no exchange of '{found.get('library', '')}' is described")
    moved = tokens * message_bytes(library, what, found, ranks, hidden, top_k)
    if library == "DeepEP_normal":
        sms = whole(found, "sms", 24)
        if isinstance(sms, NotModelled):
            return sms
        moved *= 24.0 / sms
    return known[f"{prefix}_floor_s"] + moved / known[f"{prefix}_rate"]


def message_bytes(library: str, what: str, found: dict[str, str], ranks: int, hidden: int, top_k: int) -> float:
    """Bytes that one token puts on the links."""
    if what == "prepare":
        return 4.0 * top_k
    width = 2.0
    if what == "combine_low_precision":
        width = 1.0
    elif what == "dispatch":
        name = found.get("dtype", "")
        width = {"nvfp4": 0.5625, "bfloat16": 2.0, "fp8": 1.0}.get(name, 2.0 if library == "DeepEP_normal" else 1.0)
    if library == "DeepEP_low_latency":
        return top_k * hidden * width
    return touched(ranks, top_k, own=library != "NVLinkOneSided") * hidden * width
