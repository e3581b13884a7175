"""Routed experts in the answers of inference servers, and in what they record.

vLLM     {"choices": [{"routed_experts": BASE64 of .npy}], "usage": {"prompt_tokens": n}}
SGLang   {"text": ..., "meta_info": {"routed_experts": BASE64 of int32, "prompt_tokens": n}}, or a list of such
SGLang's recorder in mode per_pass or per_token (.pt): records of forward passes, ids physical where a map lies
beside them llama.cpp's moe-trace (CSV): layer,expert; one line per choice, pass after pass

Each gives arrays `Recorded`; chipweave/trace/importer.py holds them to the model.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.trace.kinds import COUNTS_CURE
from chipweave.trace.limits import MAX_DOCUMENT_BYTES

ASK = (
    "an answer with routed_experts: vLLM --enable-return-routed-experts, SGLang --enable-return-routed-experts and "
    "return_routed_experts in the request"
)
EXTEND, DECODE = 1, 2  # SGLang's ForwardMode


@dataclass
class Recorded:
    """One sequence.

    ids: [tokens, layers, top_k] or flat; prompt: how many tokens are prompt, None for all; physical_map: or None.
    """

    name: str
    ids: np.ndarray
    prompt: int | None
    physical_map: np.ndarray | None = None


def is_answer(document: Any) -> bool:
    """Whether a JSON document is a server's answer, or what else is no request but known."""
    one = document[0] if isinstance(document, list) and document else document
    return isinstance(one, dict) and bool(
        one.keys()
        & {"choices", "meta_info", "routed_experts", "logical_count", "moe_layer_count", "physical_to_logical_map"}
    )


def sequences(document: Any, name: Any, place: Any) -> list[Recorded]:
    """The sequences of an answer; raises `BadInput` in words where there are none.

    Counts by expert and maps of experts are recognised and refused with what to do with them:
    neither names a token.
    """
    answers = document if isinstance(document, list) else [document]
    found = []
    for number, answer in enumerate(answers):
        if not isinstance(answer, dict):
            raise BadInput(Fault(f"answer {number} is no object", place, ASK))
        if "logical_count" in answer:
            raise BadInput(Fault("counts without tokens: no trace can be made of them", place, COUNTS_CURE))
        if "moe_layer_count" in answer or "physical_to_logical_map" in answer:
            raise BadInput(
                Fault("a map of experts, not a trace", place, "--expert-map FILE beside the ids that it is for")
            )
        label = f"{name}[{number}]" if len(answers) > 1 else name
        found += _of_answer(answer, label, place)
    if not found:
        raise BadInput(Fault("no routed_experts in it", place, ASK))
    return found


def _of_answer(answer: Any, name: Any, place: Any) -> Any:
    """The sequences of one answer; several choices (n > 1) are identified by their index."""
    if "choices" in answer:
        usage = answer.get("usage") or {}
        prompt = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        choices = answer["choices"] if isinstance(answer["choices"], list) else []
        return [
            Recorded(f"{name}#{index}" if len(choices) > 1 else name, _ids(choice, place), prompt)
            for index, choice in enumerate(choices)
            if isinstance(choice, dict) and choice.get("routed_experts") is not None
        ]
    facts = answer.get("meta_info", answer)
    if not isinstance(facts, dict) or facts.get("routed_experts") is None:
        return []
    return [Recorded(name, _ids(facts, place), facts.get("prompt_tokens"))]


def _ids(holder: Any, place: Any) -> Any:
    """The array of `routed_experts`, after that of `prompt_routed_experts` where both are there.

    vLLM gives the two apart, the prompt's once for all choices.
    """
    parts = [
        decoded(holder[key], place)
        for key in ("prompt_routed_experts", "routed_experts")
        if holder.get(key) is not None
    ]
    if len(parts) == 2 and {part.ndim for part in parts} != {3}:
        raise BadInput(Fault("prompt_routed_experts and routed_experts are no arrays [tokens, layers, top_k]", place))
    return np.concatenate(parts)


def decoded(value: Any, place: Any) -> np.ndarray:
    """Whole numbers of a list, of base64 of a .npy file or of base64 of int32; 1 or 3 dimensions, else BadInput."""
    try:
        if isinstance(value, list):
            array = np.array(value)
        else:
            data = base64.b64decode(value, validate=True)
            if data.startswith(b"\x93NUMPY"):
                array = np.load(io.BytesIO(data), allow_pickle=False)
            else:
                array = np.frombuffer(data, "<i4")
        if array.dtype.kind not in "iu" or array.ndim not in (1, 3):
            raise ValueError(f"an array of {array.ndim} dimensions of {array.dtype}")
        return array
    except (ValueError, TypeError, binascii.Error, EOFError, OSError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise BadInput(
            Fault(f"routed_experts: {why}", place, "base64 of .npy or of int32, or lists [tokens, layers, top_k]")
        ) from None


def of_recorder(document: Any, name: Any, place: Any) -> list[Recorded]:
    """The requests of SGLang's recorder, put together from its forward passes by the positions of their tokens.

    The file names no request. A pass of prompts begins requests; a row of a decode pass goes to the first request,
    in the
    order they began, that waits for its position: the order in which the server keeps a running batch.
    """
    if isinstance(document, dict) and "logical_count" in document:
        raise BadInput(Fault("counts without tokens: no trace can be made of them", place, COUNTS_CURE))
    records = document.get("records") if isinstance(document, dict) else None
    if not isinstance(records, list) or not records:
        raise BadInput(
            Fault(
                "no records of forward passes", place, "SGLang's recorder in mode per_pass, ids saved with numpy.save"
            )
        )
    table = document.get("last_physical_to_logical_map")
    running: list[Any] = []  # [next position, pieces, prompt]
    done: list[Any] = []
    for number, record in enumerate(records):
        try:
            ids = np.asarray(record["topk_ids_of_layer"]).transpose(1, 0, 2)
            positions = np.asarray(record["positions"]).reshape(-1)[: len(ids)]
            lengths = record.get("extend_seq_lens")
            if len(positions) != len(ids) or ids.dtype.kind not in "iu":
                raise ValueError("ids and positions of unequal length")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(
                Fault(f"record {number}: {str(error)[:80]}", place, "topk_ids_of_layer and positions")
            ) from None
        pieces = np.split(np.arange(len(ids)), np.cumsum(lengths)[:-1]) if lengths else np.arange(len(ids))[:, None]
        waiting = list(running)
        for rows in pieces:
            if len(rows):
                _give(running, waiting, ids[rows], positions[rows], bool(lengths))
    done += running
    return [
        Recorded(f"{name}[{i}]", np.concatenate(parts), prompt, None if table is None else np.asarray(table))
        for i, (_, parts, prompt) in enumerate(done)
    ]


def _give(running: Any, waiting: Any, ids: Any, positions: Any, prompt: Any) -> None:
    """Append a piece to the request that waits for its first position, or begin one.

    The recorder does not name requests: a piece continues the request that ended where its
    positions begin.
    """
    for request in waiting:
        if request[0] == positions[0]:
            waiting.remove(request)
            request[0] = int(positions[-1]) + 1
            request[1].append(ids)
            request[2] += len(ids) if prompt else 0
            return
    running.append([int(positions[-1]) + 1, [ids], len(ids) if prompt else 1])


def of_moe_trace(path: Any, model: Any, place: Any) -> list[Recorded]:
    """The passes of a CSV layer,expert.

    A pass names the layers in rising order, each with top_k lines for each token.
    """
    if model is None:
        raise BadInput(Fault("a moe-trace names no top-k", place, allowed="--model"))
    if path.stat().st_size > 64 * MAX_DOCUMENT_BYTES:
        raise BadInput(Fault("a moe-trace of more than 4 GiB", place))
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        passes: list[dict[int, list[int]]] = [{}]
        last = -1
        for line, row in enumerate(rows, 2):
            if not row:
                continue
            try:
                layer, expert = (int(cell) for cell in row)
            except ValueError:
                raise BadInput(Fault(f"{','.join(row)[:40]!r} is not layer,expert", Place(place.file, line))) from None
            if layer < last:
                passes.append({})
            last = layer
            passes[-1].setdefault(layer, []).append(expert)
    parts = [_pass(each, number, model, place) for number, each in enumerate(passes)]
    return [Recorded(path.name, np.concatenate(parts), len(parts[0]))]


def _pass(layers: Any, number: Any, model: Any, place: Any) -> Any:
    """ids [tokens, MoE layers, top_k] of one forward pass; BadInput where a layer is missing or has
    another number of choices.
    """
    wanted = tuple(model.moe_layers)
    if tuple(sorted(layers)) != wanted:
        some = sorted(set(wanted) ^ set(layers))[0]
        what = "has" if some in layers else "lacks"
        raise BadInput(
            Fault(
                f"pass {number} {what} layer {some}",
                place,
                f"the {len(wanted)} MoE layers of {model.name}, {wanted[0]} to {wanted[-1]}",
            )
        )
    sizes = {len(each) for each in layers.values()}
    if len(sizes) != 1 or min(sizes) % model.top_k:
        raise BadInput(
            Fault(
                f"pass {number}: {min(sizes)} to {max(sizes)} choices a layer",
                place,
                f"as many in each, {model.top_k} a token",
            )
        )
    return np.array([layers[each] for each in wanted]).reshape(len(wanted), -1, model.top_k).transpose(1, 0, 2)
