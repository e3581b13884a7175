"""Are traces read as vLLM, SGLang and llama.cpp write them?"""

import base64
import io
import json

import numpy as np
import pytest
from torch_files import save
from trace_requests import assert_same

from chipweave.errors import BadInput
from chipweave.plain.tally import tally as plain_tally
from chipweave.policy.tally import tally
from chipweave.run.workload import Workload
from chipweave.trace import library, show, stats
from chipweave.trace.importer import import_paths
from chipweave.trace.store import open_store
from chipweave.trace.widths import predecessors

LITE = "deepseek-v2-lite"  # 27 layers, 26 of them MoE, top-6 of 64


def ids_of(tokens, seed=0, layers=26, top_k=6, experts=64):
    random = np.random.default_rng(seed)
    all_experts = np.broadcast_to(np.arange(experts, dtype=np.int32), (tokens, layers, experts))
    return random.permuted(all_experts, axis=2)[:, :, :top_k]


def imported(tmp_path, path, **options):
    import_paths([path], tmp_path / "out.parquet", **options)
    return open_store(tmp_path / "out.parquet")


def b64(data):
    return base64.b64encode(data).decode()


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


IDS = ids_of(7)
ANSWERS = {
    "vllm": {"choices": [{"routed_experts": b64(npy(IDS.astype(np.uint8)))}], "usage": {"prompt_tokens": 5}},
    "vllm with the prompt apart": {
        "choices": [{"prompt_routed_experts": b64(npy(IDS[:5])), "routed_experts": b64(npy(IDS[5:]))}],
        "usage": {"prompt_tokens": 5},
    },
    "sglang": {"text": "x", "meta_info": {"routed_experts": b64(IDS.astype("<i4").tobytes()), "prompt_tokens": 5}},
    "sglang, lists": {"meta_info": {"routed_experts": IDS.tolist(), "prompt_tokens": 5}},
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_of_servers_are_read(name, tmp_path):
    (tmp_path / "answer.json").write_text(json.dumps(ANSWERS[name]))
    assert_same(imported(tmp_path, tmp_path / "answer.json", model=LITE), [(5, IDS)])


def test_a_log_of_answers_has_a_request_for_each(tmp_path):
    (tmp_path / "log.jsonl").write_text("\n".join(json.dumps(ANSWERS[name]) for name in ("vllm", "sglang")))
    assert_same(imported(tmp_path, tmp_path / "log.jsonl", model=LITE), [(5, IDS), (5, IDS)])


def test_a_flat_array_is_unfolded_by_the_model(tmp_path):
    np.save(tmp_path / "flat.npy", IDS.ravel())
    assert_same(imported(tmp_path, tmp_path / "flat.npy", model=LITE), [(7, IDS)])
    with pytest.raises(BadInput, match="1092 numbers in a row; allowed: --model"):
        imported(tmp_path, tmp_path / "flat.npy")
    np.save(tmp_path / "flat.npy", IDS.ravel()[:-1])
    with pytest.raises(BadInput, match="1091 numbers in a row; allowed: a multiple of 26 layers x top-6"):
        imported(tmp_path, tmp_path / "flat.npy", model=LITE)


# ---- what is absent


@pytest.mark.parametrize("filler", [-1, 64])
def test_fewer_choices_are_absent_and_the_others_are_counted(filler, tmp_path):
    ids = IDS.copy()
    ids[2, 3, 4:] = filler
    np.save(tmp_path / "x.npy", ids)
    got = imported(tmp_path, tmp_path / "x.npy")
    assert got.no_choice == 255 and got.provenance["notes"] and "2 choices are absent" in got.provenance["notes"][0]
    row = got.read(0)[3][2].tolist()
    assert row == [*IDS[2, 3, :4].tolist(), 255, 255]
    counts, first = tally(got.read(0)[3], 64)
    assert counts.sum() == 7 * 6 - 2
    assert [counts.tolist(), first.tolist()] == [x.tolist() for x in plain_tally(got.read(0)[3], 64)]
    show.verify(got)
    assert stats.measure(got)["prefill"]["tokens"] == 7


def test_the_number_of_experts_within_a_row_is_no_filler(tmp_path):
    ids = IDS.copy()
    ids[2, 3, 1] = 64
    np.save(tmp_path / "x.npy", ids)
    with pytest.raises(BadInput, match="token 2, layer 4: expert id 64 out of range; allowed: 0 to 63"):
        imported(tmp_path, tmp_path / "x.npy")


def test_all_256_experts_leave_room_for_an_absent_choice(tmp_path):
    ids = ids_of(3, layers=58, top_k=8, experts=256)
    ids[1, 0, 7] = -1
    np.save(tmp_path / "x.npy", ids)
    got = imported(tmp_path, tmp_path / "x.npy")
    assert (got.dtype.itemsize, got.no_choice) == (2, 65535) and got.read(0)[0][1, 7] == 65535
    assert np.array_equal(got.read(0)[1], ids[:, 1])


def test_rows_of_padding_are_no_tokens(tmp_path):
    ids = np.insert(IDS, [0, 3, 7], -1, axis=0)
    np.savez(tmp_path / "x.npz", expert_ids=ids, seq_len=[6, 4], prompt_len=[5, 1])
    got = imported(tmp_path, tmp_path / "x.npz")
    assert_same(got, [(4 - 1, IDS[:4]), (1, IDS[4:])])
    assert got.no_choice is None, "nothing is absent from what is left"


def test_a_filler_that_fits_an_expert_is_read_as_the_user_says_or_noted(tmp_path):
    ids = ids_of(6, layers=58, top_k=8, experts=256).astype(np.uint8)
    ids[ids == 255] = 1
    ids[[2, 3], :, 7] = 255
    np.save(tmp_path / "x.npy", ids)
    got = imported(tmp_path, tmp_path / "x.npy")
    assert any("2 tokens (2, 3) name expert 255 in every layer" in note for note in got.provenance["notes"])
    got = imported(tmp_path, tmp_path / "x.npy", absent=(255,))
    assert tally(got.read(0)[0], 256)[0].sum() == 6 * 8 - 2


@pytest.mark.parametrize("row", [[5, 9], [5, 9, -1], []])
def test_rows_of_json_may_be_shorter_than_top_k(row, tmp_path):
    steps = [{"0": None, "1": [[0, 1, 2], row], "2": [[4, 5, 6]] * 2}, {"0": None, "1": [[7, 8, 9]], "2": [row]}]
    (tmp_path / "x.jsonl").write_text(json.dumps({"path": "a", "trace": steps}))
    got = imported(tmp_path, tmp_path / "x.jsonl", experts=16)
    some = [e for e in row if e >= 0]
    assert got.read(0)[0].tolist() == [[0, 1, 2], some + [255] * (3 - len(some))]
    assert got.read(1)[1].tolist() == [some + [255] * (3 - len(some))]


def test_a_shared_experts_column_is_left_out_with_a_note(tmp_path):
    """The trace of the first columns, hash and all."""
    np.save(tmp_path / "plain.npy", IDS)
    np.save(tmp_path / "fused.npy", np.concatenate([IDS, np.full((7, 26, 1), 64, np.int32)], axis=2))
    plain, fused = (imported(tmp_path, tmp_path / f"{name}.npy") for name in ("plain", "fused"))
    assert plain.sha256 == fused.sha256 and "column 6 is a shared expert's" in fused.provenance["notes"][0]
    np.save(tmp_path / "odd.npy", np.concatenate([IDS, np.arange(182, dtype=np.int32).reshape(7, 26, 1)], axis=2))
    with pytest.raises(BadInput, match="top-7"):
        imported(tmp_path, tmp_path / "odd.npy")


# ---- physical ids


def physical_case():
    """(map [26, 72], physical ids that stand for IDS): 8 replicas, other slots in each layer."""
    random = np.random.default_rng(9)
    table = np.stack([random.permutation(np.concatenate([np.arange(64), np.arange(8)])) for _ in range(26)])
    physical = np.empty_like(IDS)
    for layer in range(26):
        for e in range(64):
            slots = np.flatnonzero(table[layer] == e)
            here = IDS[:, layer] == e
            physical[:, layer][here] = random.choice(slots, here.sum())
    return table, physical


def test_physical_ids_become_experts_by_the_map_of_each_layer(tmp_path):
    table, physical = physical_case()
    np.save(tmp_path / "physical.npy", physical)
    devices = [{"device_id": d, "device_expert": None} for d in (1, 0)]
    layers = [
        {
            "layer_id": layer + 1,
            "device_list": [{**d, "device_expert": row[d["device_id"] * 36 :][:36].tolist()} for d in devices],
        }
        for layer, row in enumerate(table)
    ]
    (tmp_path / "ascend.json").write_text(json.dumps({"moe_layer_count": 26, "layer_list": layers}))
    (tmp_path / "sglang.json").write_text(json.dumps({"physical_to_logical_map": table.tolist()}))
    np.save(tmp_path / "map.npy", table)
    rows = [f"{layer + 1},{slot},{e}" for layer, row in enumerate(table.tolist()) for slot, e in enumerate(row)]
    (tmp_path / "map.csv").write_text("\n".join(["layer,physical,expert", *rows]))
    for name in ("ascend.json", "sglang.json", "map.npy", "map.csv"):
        assert_same(imported(tmp_path, tmp_path / "physical.npy", model=LITE, expert_map=tmp_path / name), [(7, IDS)])
    with pytest.raises(BadInput, match="out of range; allowed: 0 to 63; physical ids.*--expert-map"):
        imported(tmp_path, tmp_path / "physical.npy", model=LITE)


def test_a_map_that_does_not_fit_is_named(tmp_path):
    table, physical = physical_case()
    np.save(tmp_path / "physical.npy", physical)
    for change, message in (
        (table[:5], "a map of 5 layers"),
        (np.where(table == 3, 4, table), "layer 1: no slot for expert 3"),
        (table + 1, "layer 1: no slot for expert 0"),
    ):
        np.save(tmp_path / "map.npy", change)
        with pytest.raises(BadInput, match=f"map.npy: {message}"):
            imported(tmp_path, tmp_path / "physical.npy", model=LITE, expert_map=tmp_path / "map.npy")


# ---- recorders


def test_a_recorders_passes_are_put_together_by_position(tmp_path, monkeypatch):
    """Two prompts of 3 and 2 tokens in one pass, then three decode passes; the second request ends after the first."""
    a, b = ids_of(6, seed=1), ids_of(3, seed=2)
    passes = [
        (np.concatenate([a[:3], b[:2]]), [0, 1, 2, 0, 1], [3, 2]),
        (np.stack([a[3], b[2]]), [3, 2], None),
        (a[4:5], [4], None),
        (a[5:6], [5], None),
    ]
    records = [
        {
            "topk_ids_of_layer": np.ascontiguousarray(ids.transpose(1, 0, 2)).astype("<i8"),
            "positions": positions,
            "extend_seq_lens": lengths,
            "forward_mode": 1 if lengths else 2,
        }
        for ids, positions, lengths in passes
    ]
    document = {"records": records, "last_physical_to_logical_map": np.tile(np.arange(64), (26, 1))}
    path = save(tmp_path / "expert_distribution_recorder_1.pt", document, monkeypatch)
    assert_same(imported(tmp_path, path, model=LITE), [(3, a), (2, b)])


def test_a_recorders_physical_ids_are_turned_by_the_map_beside_them(tmp_path, monkeypatch):
    table, physical = physical_case()
    record = {
        "topk_ids_of_layer": np.ascontiguousarray(physical.transpose(1, 0, 2)).astype("<i4"),
        "positions": list(range(7)),
        "extend_seq_lens": [7],
    }
    path = save(tmp_path / "r.pt", {"records": [record], "last_physical_to_logical_map": table}, monkeypatch)
    assert_same(imported(tmp_path, path, model=LITE), [(7, IDS)])


def test_a_moe_trace_is_read_pass_by_pass(tmp_path):
    lines = ["layer,expert"]
    for part in (IDS[:5], IDS[5:6], IDS[6:]):
        lines += [f"{layer + 1},{e}" for layer in range(26) for e in part[:, layer].ravel().tolist()]
    (tmp_path / "moe.csv").write_text("\n".join(lines))
    assert_same(imported(tmp_path, tmp_path / "moe.csv", model=LITE), [(5, IDS)])
    (tmp_path / "moe.csv").write_text("\n".join(lines[:-1]))
    with pytest.raises(BadInput, match="pass 2: 5 to 6 choices a layer"):
        imported(tmp_path, tmp_path / "moe.csv", model=LITE)


# ---- several tokens a decode step


def mtp(tmp_path):
    """Requests with 1, 2 and 3 rows in decode steps, in JSON; [(prompt, [ids of each step])]."""
    made = []
    for seed, widths in ((1, [2, 1, 3]), (2, [1, 2]), (3, [])):
        ids = ids_of(2 + sum(widths), seed, layers=2, top_k=3, experts=16)
        ends = np.cumsum([2, *widths])
        made.append((ids, np.split(ids, ends[:-1])))
    lines = [
        json.dumps({"path": f"{n}", "trace": [{"0": p[:, 0].tolist(), "1": p[:, 1].tolist()} for p in parts]})
        for n, (_, parts) in enumerate(made)
    ]
    (tmp_path / "mtp.jsonl").write_text("\n".join(lines))
    return imported(tmp_path, tmp_path / "mtp.jsonl", experts=16), made


def test_a_decode_step_may_have_several_rows_of_a_request(tmp_path):
    got, made = mtp(tmp_path)
    assert (got.steps, got.decode_steps.tolist()) == (4, [3, 2, 0])
    assert got.row_request(1).tolist() == [0, 0, 1] and got.row_request(3).tolist() == [0, 0, 0]
    for step in range(4):
        rows = np.concatenate([parts[step] for _, parts in made if step < len(parts)])
        assert np.array_equal(got.read(step)[0], rows[:, 0]) and np.array_equal(got.read(step)[1], rows[:, 1])
    show.verify(got)
    assert got.take(2).row_request(2).tolist() == [0, 1, 1]


def test_rows_of_a_step_follow_each_other_for_the_heat_map(tmp_path):
    got, made = mtp(tmp_path)
    distance = np.zeros((1, 1), np.int32)
    jobs = list(Workload(got, 1, 4, None, distance).jobs(np.zeros(16, np.int32), np.zeros((2, 16, 1), np.uint8)))
    for job in jobs:
        if job.step == 0:
            continue
        pairs = set()
        for ids, parts in made:
            if job.step >= len(parts):
                continue
            end = sum(map(len, parts[: job.step + 1]))
            first = end - len(parts[job.step])
            begin = first if job.step == 1 else first - 1
            pairs |= {(tuple(ids[t, job.layer]), tuple(ids[t + 1, job.layer])) for t in range(begin, end - 1)}
        view = job.view
        found = {(tuple(p), tuple(n)) for p, n in zip(view.previous_ids, view.ids[view.paired], strict=True)}
        assert found == pairs


def test_predecessors_of_rows():
    rows, places = predecessors(np.array([0, 0, 2]), np.array([0, 1, 1, 2, 2]))
    assert (rows.tolist(), places.tolist()) == ([0, 2, 3, 4], [1, 4, 2, 6])


def test_step_rows_of_a_numpy_file(tmp_path):
    np.savez(tmp_path / "x.npz", expert_ids=IDS, seq_len=[5, 2], prompt_len=[2, 1], step_rows=[2, 1, 1])
    got = imported(tmp_path, tmp_path / "x.npz")
    assert (got.decode_steps.tolist(), got.row_request(1).tolist()) == ([2, 1], [0, 0, 1])
    np.savez(tmp_path / "x.npz", expert_ids=IDS, seq_len=[5, 2], prompt_len=[2, 1], step_rows=[2, 2])
    with pytest.raises(BadInput, match="step_rows: a step belongs to two sequences"):
        imported(tmp_path, tmp_path / "x.npz")


# ---- a batch that goes round, and what is no trace


def test_a_batch_takes_requests_in_turn_where_it_is_no_multiple(tmp_path):
    np.savez(tmp_path / "x.npz", expert_ids=IDS, seq_len=[3, 4], prompt_len=[2, 1])
    trace = imported(tmp_path, tmp_path / "x.npz")
    turn = library.batch_of(trace, 5).trace
    requests = [(2, IDS[:3]), (1, IDS[3:])]
    assert_same(turn, [requests[i % 2] for i in range(5)])
    assert (turn.requests, turn.sha256, turn.has_prefill) == (5, trace.sha256, True)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("x.pt", b"\x80\x02}.", "a pickle: pickles are never loaded"),
        ("x.csv", b"layer_id,expert_id,count\n3,0,5\n", "counts without tokens.*--counts"),
        ("x.csv", b"a,b\n1,2\n", ":1: a table with the columns a, b; allowed: layer,expert"),
        ("x.json", b'{"logical_count": [[1]]}', "counts without tokens"),
        ("x.json", b'{"layer_list": [], "moe_layer_count": 0}', "a map of experts, not a trace; allowed: --expert-map"),
        ("x.json", b'{"choices": [{"text": "hi"}]}', "no routed_experts in it.*--enable-return-routed-experts"),
        ("x.json", b'{"meta_info": {"routed_experts": "%%"}}', "routed_experts: "),
        ("x.safetensors", (9).to_bytes(8, "little") + b'{"a": 1}}', "a safetensors file"),
        ("x.parquet", b"PAR1", "a store already"),
        ("x.zip", b"PK\x03\x04", "a zip archive without ids"),
    ],
)
def test_what_is_no_trace_is_refused_in_its_own_words(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=f"{name}.{{0,2}}{message}"):
        imported(tmp_path, tmp_path / name, model=LITE)
