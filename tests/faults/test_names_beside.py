"""Is a name of something shipped what it says, whatever lies beside the file that says it?"""

import pytest

from chipweave.study.sweep_file import load

SWEEP = """schema: chipweave.sweep/1
run: {topology: micro_2x2, model: llama4-maverick, trace: NAME, preset: artifact, batch: 8, steps: 2}
vary: {strategy: [base, ep]}
"""


@pytest.mark.parametrize("make", ["mkdir", "touch"])
def test_a_folder_or_file_of_a_shipped_name_takes_its_place_nowhere(tmp_path, make):
    for name in ("artifact", "micro_2x2", "llama4-maverick", "base", "qwen-syn"):
        getattr(tmp_path / name, make)()
    (tmp_path / "s.yaml").write_text(SWEEP.replace("NAME", "qwen-syn"))
    spec = load(tmp_path / "s.yaml").points[0].spec
    assert (spec.topology, spec.preset, spec.model, spec.strategy, spec.trace) == (
        "micro_2x2",
        "artifact",
        "llama4-maverick",
        "base",
        "qwen-syn",
    )


def test_a_folder_of_traces_beside_the_file_is_meant(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "s.yaml").write_text(SWEEP.replace("NAME", "logs"))
    assert load(tmp_path / "s.yaml").points[0].spec.trace == str(tmp_path / "logs")
