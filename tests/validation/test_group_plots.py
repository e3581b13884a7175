"""A picture of a group: are its predicted rows there, by framework and model, with their mean error?"""

from chipweave.ledger import Result
from chipweave.ledger.plots import LEAST, draw_groups, sort_of


def row(
    number, group="step", conditions="framework=vllm 0.18.0; model=openai/gpt-oss-120b", error=0.1, role="predicted"
):
    reference = 10.0 + number
    simulated = reference * (1 + error)
    return Result(
        f"r-{number}",
        group,
        role,
        "H100",
        "time",
        "x",
        "1",
        reference,
        simulated,
        error,
        0.1,
        "gap",
        conditions=conditions,
    )


def test_points_are_told_apart_by_framework_and_model_or_kernel_or_device():
    assert sort_of(row(1)) == "vllm gpt-oss-120b"
    assert sort_of(row(1, conditions="framework=VLLM 0.24; kernel=triton; dtype=fp8")) == "VLLM triton"
    assert sort_of(row(1, conditions="mode=stream")) == "H100"


def test_a_picture_of_each_group_has_its_rows_and_errors(tmp_path):
    rows = [row(i) for i in range(LEAST)] + [row(9, conditions="library=DeepEP", error=-0.3)]
    rows += [row(20, role="calibration", error=9.0), row(1, group="few")]
    paths = draw_groups(tmp_path, rows, ".svg")
    assert [p.name for p in paths] == ["group-step.svg"]
    text = paths[0].read_text()
    assert f"vllm gpt-oss-120b: {LEAST} rows, 10.0%" in text and "DeepEP: 1 rows, 30.0%" in text
    assert f"step: {LEAST + 1} predicted rows, mean error 14.0%" in text
