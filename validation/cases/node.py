"""node: published throughput of DeepSeek-V3 nodes, prefill and decode apart.

A step of the published batch on the published ranks, schedule of two micro-batches; throughput is its tokens over its
time. What the publication leaves open is stated here and a guess: experts as unequally popular as measured, or balanced
where it says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case
from chipweave.serving import models, schedule, setting, system
from chipweave.serving.step import Batch, Setup

from .step import NODES, kernels

PUBLISHED = re.compile(r"EP(?P<ep>\d+)")
TOKENS = re.compile(r"([\d,]+) tokens/GPU")
REQUESTS = re.compile(r"([\d,]+) requests/GPU")
PROMPT = re.compile(r"prompt ([\d,]+)")
CACHED = re.compile(r"KV(?: length)? ([\d,]+)")
HITS = re.compile(r"([\d.]+) % of input tokens hit")

STACK = "deepseek"
"""FlashMLA, DeepGEMM and DeepEP: DeepSeek's own libraries."""

PREFILL_TOKENS, PROMPT_TOKENS, DECODE_REQUESTS = 16384, 4096, 128
"""Where a row does not say: as DeepSeek's profile-data has it."""

GPUS = 8


@case("serving", "node", bar=0.20)
def predict(questions: list[Question]) -> Answers:
    """Tokens per second of a node."""
    return {q.id: _answer(q) for q in questions}


@dataclass(frozen=True)
class Published:
    """What a row says: phase, EP, tokens or requests of a GPU, prompt or cache length, share of prompts found in a
    cache, and how experts are balanced: by force where the row says so, else by copies of the popular ones."""

    phase: str
    ep: int
    each: int
    length: int
    hits: float
    balance: str


def read(q: Question) -> Published | NotModelled:
    """The row's setting, or why it cannot be read."""
    text = q.conditions
    ranks, phase = PUBLISHED.search(text), next((p for p in ("prefill", "decode") if p in q.quantity), None)
    if not ranks or not phase or "deepseek" not in q.conditions.lower():
        return NotModelled("the row names no prefill or decode of DeepSeek-V3 with its EP")
    if q.unit != "tok/s/node":
        return NotModelled(f"unit '{q.unit}' is not tok/s/node")

    def number(pattern: re.Pattern[str], default: int) -> int:
        """The number that `pattern` finds in the row's text, without its commas."""
        found = pattern.search(text)
        return int(found[1].replace(",", "")) if found else default

    each = number(TOKENS, PREFILL_TOKENS) if phase == "prefill" else number(REQUESTS, DECODE_REQUESTS)
    length = number(PROMPT, PROMPT_TOKENS) if phase == "prefill" else number(CACHED, PROMPT_TOKENS)
    hit = HITS.search(text)
    return Published(
        phase,
        int(ranks["ep"]),
        each,
        length,
        float(hit[1]) / 100 if hit else 0.0,
        "forced" if "balance" in text else "replicated",
    )


def _answer(q: Any) -> Any:
    row = read(q)
    device = next((d for d in NODES if d in q.device.lower()), None)
    if isinstance(row, NotModelled) or device is None:
        return row if isinstance(row, NotModelled) else NotModelled(f"no nodes of '{q.device}' are described")
    servers = [system.load(name) for name in NODES[device]]
    server = next((s for s in servers if s.gpus >= row.ep), None)
    if server is None or row.ep % GPUS:
        return NotModelled(f"EP{row.ep} on nodes of '{q.device}' is not described")
    ep = next(
        n for n in (row.ep, 128, 64, 32) if 256 % n == 0
    )  # redundant experts beyond 256 balance, they add no work
    layout = setting.Parallel(1, ep, ep)
    setup = Setup(
        models.load("deepseek-v3"),
        kernels(server.name, STACK, row.balance),
        layout,
        setting.Precision("fp8_block", "fp8_block"),
        schedule.load("two_batches"),
    )
    if row.phase == "decode":
        return row.each * GPUS / (setup.step(Batch(row.each * ep, row.length)).ns * 1e-9)
    new = max(1, round(row.length * (1 - row.hits)))  # of a prompt, those that are computed; all are attended to
    prompts = max(1, row.each // new)
    seconds = setup.step(Batch(0, 0, prompts * ep, new, row.length)).ns * 1e-9
    return prompts * row.length * GPUS / seconds
