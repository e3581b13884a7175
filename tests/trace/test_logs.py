"""NumPy logs, their replay as decode, and the real logs that ship."""

import io
import itertools
import json
import zipfile

import numpy as np
import pytest
from trace_requests import assert_same

from chipweave import trace
from chipweave.errors import BadInput
from chipweave.trace import library, show, stats
from chipweave.trace.importer import import_decode, import_paths
from chipweave.trace.store import open_store

LITE = dict(layers=26, top_k=6, experts=64)  # DeepSeek-V2-Lite


def ids_of(tokens, seed=0, layers=26, top_k=6, experts=64, dtype=np.uint8):
    random = np.random.default_rng(seed)
    return random.permuted(np.broadcast_to(np.arange(experts, dtype=dtype), (tokens, layers, experts)), axis=2)[
        :, :, :top_k
    ]


def imported(tmp_path, path, **options):
    import_paths([path], tmp_path / "out.parquet", **options)
    return open_store(tmp_path / "out.parquet")


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, ">i4"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_sequences_and_prompts_are_split_by_the_lengths(dtype, save, tmp_path):
    ids = ids_of(9)
    save(
        tmp_path / "log.npz",
        expert_ids=ids.astype(dtype),
        seq_len=[4, 5],
        prompt_len=[3, 1],
        gate_weight=np.zeros((9, 26, 6)),
    )
    got = imported(tmp_path, tmp_path / "log.npz")
    assert_same(got, [(3, ids[:4]), (1, ids[4:])])
    assert (got.model, got.layers[0], got.layer_keys) == ("deepseek-v2-lite", 1, 27)


def test_a_plain_array_is_one_prefill_and_dense_layers_are_dropped(tmp_path):
    ids = ids_of(5, layers=27)
    np.save(tmp_path / "routed.npy", ids)
    assert_same(imported(tmp_path, tmp_path / "routed.npy"), [(5, ids[:, 1:])])


def test_sequences_longer_and_shorter_than_a_block_are_split_alike(tmp_path, monkeypatch):
    monkeypatch.setattr("chipweave.trace.arrays.BLOCK_TOKENS", 4)
    ids = ids_of(20)
    np.savez(tmp_path / "log.npz", expert_ids=ids, seq_len=[1, 1, 9, 4, 5])
    ends = np.cumsum([0, 1, 1, 9, 4, 5])
    assert_same(imported(tmp_path, tmp_path / "log.npz"), [(b - a, ids[a:b]) for a, b in itertools.pairwise(ends)])


def test_an_unknown_shape_needs_the_number_of_experts(tmp_path):
    np.save(tmp_path / "x.npy", ids_of(3, layers=5, top_k=2, experts=9))
    with pytest.raises(BadInput, match="no shipped model has 5 layers and top-2; allowed: --model or --experts"):
        imported(tmp_path, tmp_path / "x.npy")
    assert imported(tmp_path, tmp_path / "x.npy", experts=9).layers == (0, 1, 2, 3, 4)


class Trap:
    """Would write a file if it were ever unpickled."""

    def __reduce__(self):
        return open, ("unpickled", "w")


def test_pickled_objects_are_never_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    np.savez("y.npz", expert_ids=ids_of(2), other=np.array([Trap()], dtype=object))
    for name in ("x.npy", "y.npz"):
        with pytest.raises(BadInput, match=f"{name}.*pickled"):
            imported(tmp_path, name)
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    "arrays, message",
    [
        (dict(a=np.zeros((2, 2))), "no array of ids"),
        (dict(a=ids_of(2), b=ids_of(2)), "several arrays of ids"),
        (dict(expert_ids=np.zeros((2, 26, 6))), "3 dimensions of float64"),
        (dict(expert_ids=ids_of(0)), "an array of"),
        (dict(expert_ids=ids_of(4), seq_len=[1, 2]), "seq_len: adds to 3"),
        (dict(expert_ids=ids_of(4), seq_len=[5, -1]), "seq_len"),
        (dict(expert_ids=ids_of(4), prompt_len=[5]), "prompt_len"),
        (dict(expert_ids=ids_of(4), seq_len=[[4]]), "seq_len"),
        (dict(expert_ids=ids_of(4).astype(np.int32) - 2), "token [0-9]+, layer [0-9]+: expert id -2 out of range"),
        (dict(expert_ids=ids_of(4, experts=70)), "expert id 6[4-9] out of range; allowed: 0 to 63"),
        (dict(expert_ids=np.asfortranarray(ids_of(4))), "columns first"),
    ],
)
def test_arrays_that_are_no_log_are_named(arrays, message, tmp_path):
    np.savez(tmp_path / "log.npz", **arrays)
    with pytest.raises(BadInput, match=f"log.npz: .*{message}"):
        imported(tmp_path, tmp_path / "log.npz")


@pytest.mark.parametrize("name", ["log.npy", "log.npz"])
def test_files_cut_short_are_refused(name, tmp_path):
    (np.save if name == "log.npy" else np.savez)(tmp_path / name, ids_of(50))
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-700])
    with pytest.raises(BadInput, match=name):
        imported(tmp_path, tmp_path / name)


def test_a_header_that_promises_too_much_costs_no_memory(tmp_path):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (10**12, 26, 6)})
    with zipfile.ZipFile(tmp_path / "log.npz", "w") as file:
        file.writestr("expert_ids.npy", head.getvalue() + bytes(1000))
    with pytest.raises(BadInput, match="the array ends early"):
        imported(tmp_path, tmp_path / "log.npz")


def test_windows_are_runs_of_the_log_and_the_reuse_is_counted(tmp_path):
    ids = ids_of(60)
    np.savez(tmp_path / "log.npz", expert_ids=ids, seq_len=[20, 40])
    header = import_decode([tmp_path / "log.npz"], tmp_path / "w.parquet", 50, 6, seed=3)
    got, uses = open_store(tmp_path / "w.parquet"), np.zeros(60, int)
    requests = []
    for name in got.order:
        sequence, start, end = (int(part) for part in name[len("log.npz[") : -1].replace("][", ":").split(":"))
        assert end - start == 16 + 5 and end <= (20, 40)[sequence]
        first = start + (0, 20)[sequence]
        uses[first : first + 21] += 1
        requests.append((16, ids[first : first + 21]))
    assert_same(got, requests)
    assert header.provenance["reuse"] == {
        "factor": round(uses[uses > 0].mean(), 3),
        "most": uses.max(),
        "tokens_in_log": 60,
        "distinct_tokens_used": (uses > 0).sum(),
        "tokens_replayed": 50 * 21,
        "sequences_too_short": 1,
    }


def test_windows_depend_on_the_seed_alone_and_must_fit(tmp_path):
    np.save(tmp_path / "log.npy", ids_of(60))
    hashes = [import_decode([tmp_path / "log.npy"], tmp_path / "w", 20, 6, seed).sha256 for seed in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]
    with pytest.raises(
        BadInput,
        match=(
            "/log.npy: v: no sequence is long enough for 46 steps: the longest "
            "has 60 tokens, 16 of them prefill; allowed: at most 45 steps"
        ),
    ):
        import_decode([tmp_path / "log.npy"], tmp_path / "v", 20, 46, 1)
    np.save(tmp_path / "short.npy", ids_of(15))
    with pytest.raises(BadInput, match="/short.npy: .*; allowed: sequences of at least 16 tokens$"):
        import_decode([tmp_path / "short.npy"], tmp_path / "v", 20, 1 + 1, 1)
    (tmp_path / "short.npy").unlink()
    with pytest.raises(BadInput, match="has decode steps of its own"):
        library.replayed(open_store(tmp_path / "w"), 5, 3, 1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.npy", "w"]


def test_a_hash_is_shown_whole_however_narrow_the_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    log = trace.open("esft-law")
    show.print_trace(log)
    shown = capsys.readouterr().out
    assert log.sha256 in "".join(shown.split()) and "…" not in shown


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, skew, spread, overlap, by_popularity",
    [
        ("esft-law", 3.3, 0.31, 0.30, 0.13),
        ("esft-translation", 5.6, 0.53, 0.28, 0.22),
        ("sharegpt-qwen3-30b", 5.2, 0.56, 0.455, 0.135),
    ],
)
def test_shipped_logs_have_the_statistics_measured_on_their_sources(name, skew, spread, overlap, by_popularity):
    """max/mean, Gini, next-token overlap and that of popularity alone, medians over layers, read off the source
    logs."""
    log = trace.open(name)
    show.verify(log)
    found = stats.measure(log)["prefill"]["over_layers"]
    assert found["max_over_mean"]["median"] == pytest.approx(skew, abs=0.05) and found["gini"][
        "median"
    ] == pytest.approx(spread, abs=0.005)
    assert found["token_overlap"]["median"] == pytest.approx(overlap, abs=0.005)
    assert found["popularity_overlap"]["median"] == pytest.approx(by_popularity, abs=0.005)


def test_the_demo_replays_the_law_log_at_any_batch():
    workload = trace.for_run("esft-law", "deepseek-v2-lite", 300, 20, 1)
    assert (workload.trace.requests, workload.trace.steps, workload.replication, workload.trace.has_prefill) == (
        300,
        20,
        1,
        True,
    )
    assert workload.trace.provenance["reuse"]["factor"] > 1


def test_statistics_by_hand(tmp_path):
    """Two requests, one layer, top-1 of 4: prefill 0 0 | 1, decode 0 1 | 1."""
    lines = [[[0, 0], [0], [1]], [[1], [1]]]
    text = "\n".join(
        json.dumps({"path": str(n), "trace": [{"0": [[e] for e in step]} for step in steps]})
        for n, steps in enumerate(lines)
    )
    (tmp_path / "t.jsonl").write_text(text)
    found = stats.measure(trace.open(tmp_path / "t.jsonl", experts=4))
    prefill, decode = found["prefill"]["layers"][0], found["decode"]["layers"][0]
    assert prefill["max_over_mean"] == 2 / 0.75 and prefill["token_overlap"] == 1 and prefill["experts_used"] == 0.5
    assert (
        decode["token_overlap"] == 0
        and decode["experts_used"] == (0.5 + 0.25) / 2
        and decode["step_max_over_mean"] == (2 + 4) / 2
    )
    assert prefill["gini"] == pytest.approx((3 * 2 + 1 * 1) / (4 * 3)) and prefill["top20_share"] == pytest.approx(
        2 / 3
    )
