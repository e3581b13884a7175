"""Does suite artifact judge rows of kinds that its own tables do not have: other meshes, batches, sets in a file,
bounds on copies?

References are worked out here from the requests alone where a few lines can (hops of Base, times of EP), and by the
plain Python engine elsewhere."""

import csv
import gzip
import json
import math
import re
from functools import cache

import numpy as np
import pytest
import zstandard

from chipweave.errors import BadInput
from chipweave.run import simulate as serving
from chipweave.run.record import COLUMNS
from chipweave.run.spec import RunSpec
from chipweave.trace import syn
from chipweave.validation.artifact import rows as artifact_rows
from chipweave.validation.suites import artifact as suite_artifact

SET = "mine"
REQUESTS = list(syn.requests("qwen-syn", 6))
EXPERTS, SLICES, HIDDEN, INTERMEDIATE = 128, 3, 4096, 1536


@cache
def set_packed(ending):
    """The bytes of the set as a file of this ending."""
    pack = {".jsonl": bytes, ".jsonl.gz": gzip.compress, ".jsonl.zst": zstandard.compress}[ending]
    return pack(b"".join(syn.json_lines("qwen-syn", 6)))


def folder(tmp_path, rows, set_ending=".jsonl.gz"):
    """A reference folder with these rows; cells that a row does not give are empty."""
    if set_ending:
        (tmp_path / f"{SET}{set_ending}").write_bytes(set_packed(set_ending))
    with open(tmp_path / "oracle.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, [*artifact_rows.NEEDED, *artifact_rows.COUNTED])
        writer.writeheader()
        writer.writerows({**dict.fromkeys(writer.fieldnames, ""), **row} for row in rows)
    return tmp_path


def row(strategy="base", mesh="3x2", batch=6, steps=3, **more):
    return {
        "model": "qwen",
        "mesh": mesh,
        "trace_set": SET,
        "batch": batch,
        "steps": steps,
        "strategy": strategy,
        "variant": "det",
        "stage": "decode",
        "step": "all",
        "layer": "all",
        "time_ns": 1,
        **more,
    }


def judged(path, quantity, **options):
    return [r for r in suite_artifact.results(reference=path, **options) if r.quantity == quantity]


def chosen(request, step, layer):
    """Ids of one request's tokens in a step (0: the prompt), [tokens, k]."""
    _, prompt, ids = REQUESTS[request]
    return ids[:prompt, layer] if step == 0 else ids[prompt + step - 1 : prompt + step, layer]


def home(expert, dies):
    q = EXPERTS // dies
    return expert // q if expert < q * dies else expert % dies


def hops_of_base(batch, rows, columns, steps):
    """3 x the distance of each active expert's Base die from its home, over all decode layers."""
    dies, total = rows * columns, 0
    for step in range(1, steps):
        for layer in range(REQUESTS[0][2].shape[1]):
            seen = dict.fromkeys(int(e) for r in range(batch) for e in chosen(r, step, layer).ravel())
            for i, expert in enumerate(seen):
                here, there = (i + 7) % dies, home(expert, dies)
                total += SLICES * (abs(here % rows - there % rows) + abs(here // rows - there // rows))
    return total


@pytest.mark.slow
@pytest.mark.parametrize("rows, columns, batch", [(3, 2, 6), (2, 4, 6), (1, 5, 3), (3, 2, 4)])
def test_hops_of_base_on_other_meshes_and_batches_by_counting(tmp_path, rows, columns, batch):
    """Also a batch smaller than the set: its first requests."""
    expected = hops_of_base(batch, rows, columns, 3)
    [found] = judged(folder(tmp_path, [row(mesh=f"{rows}x{columns}", batch=batch, hops=expected)]), "hops")
    assert expected > 0 and (found.simulated, found.status) == (expected, "holds")


def test_a_batch_that_repeats_the_set_moves_the_same_experts(tmp_path):
    [once, twice] = judged(folder(tmp_path, [row(hops=1), row(batch=12, hops=1)]), "hops")
    assert once.simulated == twice.simulated


def ep_layer_ns(counts, dies):
    """A die's slices go through lookup, HBM and GEMM in order of issue; the layer ends with the slowest die's last GEMM
    or store."""
    ends = []
    for die in range(dies):
        lookup = read = gemm = stored = 0
        for expert in sorted(e for e in counts if home(e, dies) == die):
            n = counts[expert]
            size = (HIDDEN * INTERMEDIATE + n * (HIDDEN + INTERMEDIATE)) * 2
            for _ in range(SLICES):
                lookup += 110
                read = max(lookup, read) + 300 + math.ceil(size / (3350 * 0.9))
                gemm = max(read, gemm) + math.ceil(2 * HIDDEN * INTERMEDIATE * n / 0.70e6)
                stored = max(lookup, read) + 30
        ends.append(max(gemm, stored))
    return max(ends)


def test_a_run_of_one_step_is_its_prefill(tmp_path):
    """The artifact counts the prefill among the steps it is limited to; it has no decode step then."""
    ids = [int(e) for r in range(6) for e in chosen(r, 0, 17).ravel()]
    expected = ep_layer_ns({e: ids.count(e) for e in set(ids)}, 6)
    rows = [
        row("norm_ep", steps=1, stage="prefill", step=0, layer=17, time_ns=expected),
        row("norm_ep", steps=1, time_ns=0),
    ]
    assert [(r.simulated, r.status) for r in judged(folder(tmp_path, rows), "time_ns")] == [
        (expected, "holds"),
        (0, "holds"),
    ]


def changed(tmp_path, rows, change):
    """A folder whose set is the same requests after `change(number, steps)` of each."""
    folder(tmp_path, rows, set_ending=None)
    lines = [json.loads(line) for line in syn.json_lines("qwen-syn", 6)]
    for number, line in enumerate(lines):
        change(number, line["trace"])
    (tmp_path / f"{SET}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def test_a_layer_that_requests_leave_out_has_the_tokens_of_the_others(tmp_path):
    """Null or no key: requests 0 and 4 have no layer 17 in step 2, nobody has layer 3 in it."""

    def change(number, steps):
        if number in (0, 4):
            steps[2]["17"] = None
        steps[2].pop("3")

    ids = [int(e) for r in (1, 2, 3, 5) for e in chosen(r, 2, 17).ravel()]
    expected = ep_layer_ns({e: ids.count(e) for e in set(ids)}, 6)
    rows = [row("norm_ep", step=2, layer=17, time_ns=expected), row("norm_ep", step=2, layer=3, time_ns=0)]
    assert [(r.simulated, r.status) for r in judged(changed(tmp_path, rows, change), "time_ns")] == [
        (expected, "holds"),
        (0, "holds"),
    ]


@pytest.mark.parametrize("who", [range(6), [0]])
def test_layers_that_the_first_request_does_not_name_in_step_1_are_dropped(tmp_path, who):
    """All requests are without the upper layers, or the first one alone: 40 keys, so layers from 40 on are not run
    either way."""

    def change(number, steps):
        for step in steps if len(who) > 1 else steps[1:2]:
            for key in [k for k in step if number in who and int(k) >= 40]:
                del step[key]

    ids = [int(e) for r in range(6) for e in chosen(r, 2, 39).ravel()]
    expected = ep_layer_ns({e: ids.count(e) for e in set(ids)}, 6)
    rows = [
        row("norm_ep", step=2, layer=39, time_ns=expected),
        row("norm_ep", step=2, layer=40, time_ns=0),
        row("norm_ep", stage="prefill", layer=40, time_ns=0),
    ]
    assert [(r.simulated, r.status) for r in judged(changed(tmp_path, rows, change), "time_ns")] == [
        (expected, "holds"),
        (0, "holds"),
        (0, "holds"),
    ]


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_ep_layers_by_hand_from_a_set_in_the_folder(tmp_path, ending):
    layers = (0, 17, 93)
    expected = []
    for layer in layers:
        ids = [int(e) for r in range(6) for e in chosen(r, 2, layer).ravel()]
        expected.append(ep_layer_ns({e: ids.count(e) for e in set(ids)}, 6))
    rows = [row("norm_ep", step=2, layer=layer, time_ns=time) for layer, time in zip(layers, expected, strict=False)]
    assert [(r.simulated, r.status) for r in judged(folder(tmp_path, rows, ending), "time_ns")] == [
        (t, "holds") for t in expected
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategy, name, limit",
    [("base", "base", None), ("pred_only@50GiB", "pred", "50 GiB"), ("allo_and_pred", "allo+pred", None)],
)
def test_every_quantity_is_that_of_the_plain_engine(tmp_path, monkeypatch, strategy, name, limit):
    """The same rows with the C engine replaced by its plain twin."""
    rows = [
        row(strategy, batch=1, steps=2, step=1, layer=layer, **dict.fromkeys(artifact_rows.COUNTED, 1))
        for layer in range(0, 94, 9)
    ]
    path = folder(tmp_path, rows)
    kernel = suite_artifact.results(reference=path)
    monkeypatch.setattr(suite_artifact, "RunSpec", lambda **given: RunSpec(engine="plain", **given))
    built = []
    monkeypatch.setattr(suite_artifact, "build", lambda *what: built.append(what[1]) or serving.strategy.build(*what))
    plain = suite_artifact.results(reference=path)
    assert [(r.id, r.simulated) for r in kernel] == [(r.id, r.simulated) for r in plain] and len(kernel) == 11 * 10
    assert built == ([{"kind": "lru", "capacity": limit}] if limit else [])
    assert name == "allo+pred" or sum(r.simulated for r in kernel if r.quantity == "hops") > 0


def test_native_rows_are_shown_and_not_judged(tmp_path):
    [found] = judged(folder(tmp_path, [row(variant="native", hops=1)]), "hops")
    assert (found.role, found.tolerance, found.status) == ("context", None, "holds") and found.simulated > 1


@pytest.mark.parametrize(
    "odd, why",
    [
        ({"trace_set": "llama4-real"}, "trace set llama4-real has no file"),
        ({"model": "gpt"}, "unknown model gpt"),
        ({"strategy": "magic"}, "unknown strategy magic"),
        ({"trace_set": "micro:M99"}, "unknown micro-case M99"),
        ({"batch": 6_000_000}, "batch is 6000000; allowed: at most 1,000,000"),
        ({"steps": 2_000_000}, "steps is 2000000"),
        ({"model": "kimi"}, "trace set mine: .*mine.jsonl:1: not a trace of kimi-k2"),
        pytest.param(
            {"trace_set": "kimi-syn"},
            "trace set kimi-syn: .*a trace of another model than qwen3-235b",
            marks=pytest.mark.slow,
        ),
        ({"strategy": "pred_only@foo"}, "capacity: 'foo'"),
        ({"strategy": "base@50"}, "capacity"),
        ({"mesh": "300x300"}, "more than 100000 parts"),
        ({"mesh": "1x1", "trace_set": "micro:M4"}, "needs 3 dies"),
        ({"trace_set": "../mine"}, "trace set ../mine is no name of a file"),
        ({"trace_set": "..\\mine"}, "is no name of a file"),
    ],
)
def test_what_cannot_be_run_is_listed_with_the_reason_and_takes_no_other_row_with_it(tmp_path, odd, why):
    results = suite_artifact.results(
        reference=folder(tmp_path, [row(**odd), row("norm_ep", steps=2, hops=0)], ".jsonl")
    )
    assert [r.status for r in results if r.quantity == "time_ns"] == ["not modelled", "gap"] and re.search(
        why, results[0].why
    )
    assert results[-1].status == "holds"


@pytest.mark.parametrize(
    "damage", [lambda lines: lines[:-9], lambda lines: lines.replace(b"[[", b"[[[", 1), lambda lines: lines + b"{}\n"]
)
def test_a_damaged_set_ends_the_suite(tmp_path, damage):
    path = folder(tmp_path, [row()], ".jsonl") / f"{SET}.jsonl"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInput, match=r"mine.jsonl:\d"):
        suite_artifact.results(reference=tmp_path)


def test_a_file_in_place_of_the_folder(tmp_path):
    """oracle.csv stands for its folder; a table of another name, packed or not, is judged alone, with the sets beside
    it."""
    path = folder(tmp_path, [row("norm_ep", hops=0)])
    table = (path / "oracle.csv").read_bytes()
    (path / "oracle_steps.csv.zst").write_bytes(zstandard.compress(table))
    (path / "some.csv").write_bytes(table)
    whole = suite_artifact.results(reference=path)
    assert suite_artifact.results(reference=str(path / "oracle.csv")) == whole and len(whole) == 4
    for name in ("some.csv", "oracle_steps.csv.zst"):
        assert suite_artifact.results(reference=path / name) == whole[:2]
    with pytest.raises(BadInput, match="none.csv: no such table"):
        suite_artifact.results(reference=path / "none.csv")


def test_a_set_outside_the_folder_is_not_read(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    folder(tmp_path, [row()])
    folder(inside, [row(trace_set="../mine")], set_ending=None)
    assert [r.status for r in suite_artifact.results(reference=inside)] == ["not modelled"]


@pytest.mark.slow
def test_jobs_change_nothing(tmp_path):
    path = folder(tmp_path, [row("norm_ep", hops=0), row("allo_only", hops=0)])
    assert suite_artifact.results(reference=path) == suite_artifact.results(reference=path, jobs=2)


@pytest.mark.parametrize(
    "odd, said",
    [
        ({"mesh": "five"}, "oracle.csv:2: mesh is 'five'; allowed: rows x columns"),
        ({"batch": "-1"}, "oracle.csv:2: batch is '-1'"),
        ({"steps": "2.5"}, "oracle.csv:2: steps is '2.5'"),
        ({"step": "last"}, "oracle.csv:2: step is 'last'"),
        ({"stage": "train"}, "stage is 'train'"),
        ({"time_ns": "fast"}, "oracle.csv:2: time_ns is 'fast'"),
        ({"hops": "nan"}, "oracle.csv:2: hops is 'nan'"),
    ],
)
def test_a_cell_that_is_wrong_is_told_where(tmp_path, odd, said):
    with pytest.raises(BadInput) as fault:
        suite_artifact.results(reference=folder(tmp_path, [row(**odd)], set_ending=None))
    assert said in str(fault.value)


def test_a_folder_without_tables_missing_columns_and_damaged_archives(tmp_path):
    with pytest.raises(BadInput, match="no oracle.csv"):
        suite_artifact.results(reference=tmp_path)
    (tmp_path / "oracle.csv").write_text("model,mesh\nqwen,5x5\n")
    with pytest.raises(BadInput, match="oracle.csv:1: columns missing: trace_set, batch"):
        suite_artifact.results(reference=tmp_path)
    folder(tmp_path, [row()], set_ending=None)
    (tmp_path / "oracle_steps.csv.zst").write_bytes(b"no archive")
    with pytest.raises(BadInput, match="oracle_steps.csv.zst: not a whole zstd file"):
        suite_artifact.results(reference=tmp_path)


def test_a_steps_table_adds_its_rows(tmp_path, monkeypatch):
    path = folder(tmp_path, [row("norm_ep", hops=0)])
    (path / "oracle_steps.csv.zst").write_bytes(zstandard.compress((path / "oracle.csv").read_bytes()))
    assert len(judged(path, "hops")) == 2
    monkeypatch.setattr(artifact_rows, "MAX_TABLE", 10)
    with pytest.raises(BadInput, match="larger than is read"):
        suite_artifact.results(reference=path)


def packed(path, layers, mode):
    """A steps table of one row for each of `layers`: compressed `whole`, as two `frames`, or `blocks` flushed apart."""
    lines = (
        (
            folder(path, [row("norm_ep", step=1, layer=layer, hops=0) for layer in layers], set_ending=None)
            / "oracle.csv"
        )
        .read_bytes()
        .splitlines(True)
    )
    halves = [b"".join(lines[: len(lines) // 2]), b"".join(lines[len(lines) // 2 :])]
    if mode == "frames":
        return [zstandard.compress(half) for half in halves]
    out = zstandard.ZstdCompressor().compressobj()
    return [
        out.compress(halves[0]) + out.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK),
        out.compress(halves[1]) + out.flush(),
    ]


@pytest.mark.parametrize("mode", ["frames", "blocks"])
def test_a_steps_table_is_read_to_its_end_whatever_its_packing(tmp_path, mode):
    """Appended frames, and a block flushed early: zstd joins them, so the rows of both count. So do frames to be
    skipped, as pzstd writes them."""
    skipped = b"\x50\x2a\x4d\x18\x04\0\0\0pzst" if mode == "frames" else b""
    parts = packed(tmp_path, range(6), mode)
    folder(tmp_path, [row(hops=1)], set_ending=None)
    (tmp_path / "oracle_steps.csv.zst").write_bytes(skipped + parts[0] + skipped + parts[1])
    assert [r["layer"] for r in artifact_rows.read(tmp_path)] == ["all", *"012345"]


def test_a_steps_table_cut_at_a_block_is_refused(tmp_path):
    """What is there decompresses without fault; only the end of the frame is missing."""
    first, _ = packed(tmp_path, range(6), "blocks")
    folder(tmp_path, [row(hops=1)], set_ending=None)
    (tmp_path / "oracle_steps.csv.zst").write_bytes(first)
    with pytest.raises(
        BadInput, match="oracle_steps.csv.zst: not a whole zstd file: compressed data ends in the middle"
    ):
        artifact_rows.read(tmp_path)


def test_figures_of_a_layer_add_up_to_the_runs(tmp_path):
    rows = [row(hops=1)] + [row(step=step, layer=layer, hops=1) for step in (1, 2) for layer in range(94)]
    whole, *parts = judged(folder(tmp_path, rows), "hops")
    assert whole.simulated == np.sum([p.simulated for p in parts]) and len(COLUMNS) > 10
