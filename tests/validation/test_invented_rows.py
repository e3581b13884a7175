"""Are rows that no table holds answered: in other words, at other sizes, and without a step back where there is more to
do?"""

import csv

import pytest

from chipweave import ledger

COLUMNS = (
    "id",
    "group",
    "quantity",
    "value",
    "unit",
    "device",
    "clock",
    "conditions",
    "x_name",
    "x_value",
    "role",
    "confidence",
    "source",
)
H100, NODE = "H100 SXM5", "H100 SXM5, 8 GPUs (1 node)"


@pytest.fixture
def ask(tmp_path):
    """Answers to rows (group, device, quantity, unit, conditions, x name, x), in their order; None: not modelled."""

    def of(*rows):
        path = tmp_path / "rows.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            for i, (group, device, quantity, unit, conditions, x_name, x) in enumerate(rows):
                table.writerow(
                    (
                        f"r{i:04d}",
                        group,
                        quantity,
                        1,
                        unit,
                        device,
                        "-",
                        conditions,
                        x_name,
                        x,
                        "predicted",
                        "high",
                        "invented",
                    )
                )
        results = ledger.judge("h100", ledger.read_references(path), ledger.discover())
        found = {r.question.id if hasattr(r, "question") else r.id: r for r in results}
        return [
            None if found[f"r{i:04d}"].status == "not modelled" else found[f"r{i:04d}"].simulated
            for i in range(len(rows))
        ]

    return of


def nccl(conditions="8 GPUs", x_name="B", x=1 << 20, quantity="all_reduce time"):
    return "nccl", H100, quantity, "us", conditions, x_name, x


def gemm(conditions, m=128):
    return "gemm", H100, "GEMM time", "us", conditions, "M", m


def moe(dtype):
    return (
        "moe",
        H100,
        "fused MoE layer time, Qwen3-30B-A3B",
        "us",
        f"vllm {dtype} TP2 EP4 balanced; h=2048 i=768 top8 E=128",
        "tokens",
        64,
    )


@pytest.mark.parametrize(
    "said, plainly",
    [
        (nccl("8GPUs"), nccl()),
        (nccl("8 ranks; nccl-tests"), nccl()),
        (nccl(x_name="KiB", x=1024), nccl()),
        (nccl(x_name="bytes"), nccl()),
        (gemm("bf16 linear N=7168 K=2048"), gemm("bfloat16 linear N=7168 K=2048")),
        (gemm("fp16 linear K=2048 N=7168"), gemm("float16 linear N=7168, K=2048")),
        (moe("bf16"), moe("bfloat16")),
    ],
)
def test_other_words_for_the_same_get_the_same_answer(ask, said, plainly):
    answers = ask(said, plainly)
    assert None not in answers and answers[0] == answers[1]


def test_a_dispatch_in_bf16_moves_more_than_one_in_fp8(ask):
    for quantity in ("NVLINK dispatch", "torch all-to-all"):
        fp8, bf16 = ask(
            *(
                (
                    "pplx",
                    "H100, EP8",
                    quantity,
                    "us",
                    f"256 experts, top-8, 7168, {dtype} dispatch BF16 combine",
                    "tokens/GPU",
                    128,
                )
                for dtype in ("FP8", "BF16")
            )
        )
        assert fp8 < bf16 < 2 * fp8


@pytest.mark.slow
def test_a_stream_of_floats_is_half_a_stream_of_doubles_where_blocks_are_the_limit(ask):
    float_, double = ask(
        *(
            (
                "stream",
                "H100 SXM5",
                "streaming init bandwidth vs occupancy",
                "GB/s",
                f"2 blocks/SM ({element})",
                "threads/block",
                128,
            )
            for element in ("float", "double")
        )
    )
    assert 0.45 < float_ / double < 0.55


@pytest.mark.parametrize(
    "quantity, conditions",
    [
        ("DeepEP-MoE decode expert GEMMs, DeepSeek-V3", "bfloat16 EP8 uniform"),
        ("DeepEP-MoE prefill expert GEMMs, DeepSeek-V3", "fp8_block EP8 uniform"),
    ],
)
def test_what_the_kernels_are_not_for_is_not_answered(ask, quantity, conditions):
    assert ask(("moe_wideep", H100, quantity, "us", conditions, "tokens", 128)) == [None]


MODELS = {
    "Qwen3-235B-A22B": (4096, 1536, 8, 128),
    "Llama4-Scout": (5120, 8192, 1, 16),
    "Llama4-Maverick": (5120, 8192, 1, 128),
}
CURVES = {
    **{
        f"{c} on {n}": [nccl(f"{n} GPUs", x=1 << e, quantity=f"{c} time") for e in range(9, 31)]
        for c in ("all_gather", "alltoall", "all_reduce", "reduce_scatter")
        for n in (2, 4, 8)
    },
    **{
        f"low latency {phase}, {shape}": [
            ("deepep_ll", NODE, f"DeepEP low-latency {phase} time", "us", f"EP8; {shape}", "tokens/GPU", t)
            for t in (1, 2, 16, 128, 777, 2048)
        ]
        for phase in ("dispatch", "combine")
        for shape in (
            "hidden 2048, top-4, 64 experts",
            "hidden 5120, top-1, 16 experts",
            "hidden 7168, top-9, 288 experts",
        )
    },
    **{
        f"normal {phase} on {sms} SMs": [
            (
                "deepep_normal",
                NODE,
                f"DeepEP normal {phase} transmit time",
                "us",
                f"{sms} SMs; hidden 4096, top-8, 128 experts",
                "tokens/GPU",
                t,
            )
            for t in (1, 32, 512, 4096, 65536)
        ]
        for phase in ("dispatch", "combine")
        for sms in (4, 16, 36)
    },
    **{
        f"{dtype} N={n} K={k}": [
            gemm(f"{dtype} linear N={n} K={k}", m) for m in (1, 64, 128, 256, 1024, 2048, 8192, 32768)
        ]
        for dtype in ("bfloat16", "fp8")
        for n, k in ((128, 4096), (1000, 1000), (129280, 7168), (7168, 16384))
    },
    **{
        f"{model} {dtype} {split}": [
            (
                "moe",
                H100,
                f"fused MoE layer time, {model}",
                "us",
                f"vllm {dtype} {split} balanced; h={h} i={i} top{k} E={e}",
                "tokens",
                t,
            )
            for t in (1, 2, 8, 32, 128, 1024, 4096)
        ]
        for model, (h, i, k, e) in MODELS.items()
        for dtype in ("bfloat16", "fp8_block")
        for split in ("TP1 EP1", "TP1 EP8", "TP8 EP1")
    },
}


@pytest.mark.parametrize("rows", CURVES.values(), ids=CURVES.keys())
def test_more_to_do_takes_no_less_time(ask, rows):
    answers = ask(*rows)
    assert None not in answers
    for less, more, before, after in zip(answers, answers[1:], rows, rows[1:], strict=False):
        assert 0.97 * less <= more <= 1.3 * less * after[-1] / before[-1]
