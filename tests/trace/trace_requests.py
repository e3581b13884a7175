"""Small made-up requests, and the JSON of the public data set for them."""

import json

import numpy as np


def make_requests(seed=0, count=3, layers=2, top_k=3, experts=16):
    """[(prompt rows, ids [tokens, layers, top_k])] of requests of different lengths."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        prompt, decode = int(random.integers(1, 5)), int(random.integers(0, 6))
        all_experts = np.broadcast_to(np.arange(experts), (prompt + decode, layers, experts))
        made.append((prompt, random.permuted(all_experts, axis=2)[:, :, :top_k]))
    return made


def request_json(prompt, ids, dense=()):
    """The list of steps; `dense` are the layers that are null, the others take the layers of `ids` in order."""
    tokens, layers, _ = ids.shape
    moe = [n for n in range(layers + len(dense)) if n not in dense]
    parts = [slice(0, prompt)] + [slice(t, t + 1) for t in range(prompt, tokens)]
    return [
        {str(n): None if n in dense else ids[part, moe.index(n)].tolist() for n in range(layers + len(dense))}
        for part in parts
    ]


def json_lines(requests, dense=()):
    return [
        json.dumps({"path": f"r/{n}.json", "trace": request_json(*request, dense)})
        for n, request in enumerate(requests)
    ]


def expected_step(requests, step):
    """(request of each row, ids [rows, layers, k]) by the definition of a step."""
    parts = [
        (n, ids[:prompt] if step == 0 else ids[prompt + step - 1 : prompt + step])
        for n, (prompt, ids) in enumerate(requests)
    ]
    return [n for n, part in parts for _ in part], np.concatenate([part for _, part in parts])


def assert_same(trace, requests):
    """The trace says in every step what the requests say."""
    assert trace.steps == 1 + max(len(ids) - prompt for prompt, ids in requests)
    for got in trace.steps_iter():
        owners, ids = expected_step(requests, got.step)
        assert got.row_request.tolist() == owners
        for layer in range(len(trace.layers)):
            assert got[layer].flags.c_contiguous and np.array_equal(got[layer], ids[:, layer])
