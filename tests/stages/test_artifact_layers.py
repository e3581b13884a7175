"""Do whole contended layers of the published artifact come out exactly, and do long queues behave alike in both
engines?

oracle_layers.json: five layers of the artifact's own rows (strategy base, mesh 5x5, DeepSeek-V3 sizes, batch 4,096,
synthetic trace `deepseek-syn`): tokens per expert, rank of each expert by first appearance (-1: inactive), and what the
artifact measured."""

import json
from pathlib import Path

import case_study as cs
import numpy as np
import pytest

LAYERS = json.loads((Path(__file__).parent / "oracle_layers.json").read_text())
DIES = 25


def plan_of(layer):
    tokens, rank = np.array(layer["tokens"]), np.array(layer["rank"])
    expert = np.flatnonzero(tokens)
    home = np.where(expert < 256 // DIES * DIES, expert // (256 // DIES), expert % DIES)
    return np.stack([expert, tokens[expert], (rank[expert] + 7) % DIES, home], axis=1)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda row: f"step {row['step']} layer {row['layer']}")
def test_a_base_layer_of_the_artifact_is_equal_to_the_nanosecond(layer):
    made = cs.layout("deepseek")
    engine = cs.artifact(made)
    assert cs.run_layer(engine, plan_of(layer), "deepseek") == layer["time_ns"]
    for name in ("hops", "remote_slice_reads", "local_read_bytes"):
        assert engine.array(made.find(name)).sum() == layer[name]
    assert engine.events == layer["events"]
    engine.check()


RULES = [
    {},
    {"wait_queue": "sorted"},
    {"booking": False},
    {"barging": False},
    {"wake": "all"},
    {"admission": "work_conserving"},
]


@pytest.mark.slow
@pytest.mark.parametrize("rules", RULES, ids=str)
def test_queues_of_dozens_of_waiters_are_served_alike_by_both_engines(rules):
    rng = np.random.default_rng(5)
    expert = np.arange(80)
    plan = np.stack([expert, rng.integers(1, 900, 80), rng.integers(0, 6, 80), rng.integers(0, 6, 80)], axis=1)
    ends = []
    for kind in ("kernel", "plain"):
        engine = cs.artifact(cs.layout("qwen", 3, 2), engine=kind, **rules)
        engine.array(engine.layout.find("cp_en"))[:, ::3] = 1
        batch = engine.issue("slice", cs.rows_of(plan, "qwen"))
        ends.append(
            (engine.advance(), engine.finish_ps(batch).tolist(), engine.array(engine.layout.find("copies")).tolist())
        )
        engine.check()
    assert ends[0] == ends[1]


def test_switching_off_a_habit_of_the_artifact_changes_a_layer():
    """Head-only wake-up and undirected links are the two that matter (what each is worth: docs/reference/stages.md)."""
    base, plan = LAYERS[1]["time_ns"], plan_of(LAYERS[1])

    def time(directed=False, **rules):
        return cs.run_layer(cs.artifact(cs.layout("deepseek", directed=directed), **rules), plan, "deepseek")

    assert time(wake="all") < 0.8 * base
    assert time(directed=True) < 0.6 * base
    assert time(directed=True, booking=False, wake="all") < 0.5 * base
