"""Do made-up traces follow the law of their model, and does a law say where its numbers come from?"""

import numpy as np
import pytest

from chipweave import trace
from chipweave.declare.provenance import KINDS
from chipweave.errors import BadInput
from chipweave.trace import generate, library, models, popularity, relations, stats
from chipweave.trace import law as laws

GATE = generate.Gate(layers=6, experts=64, top_k=4, groups=1, groups_used=1)


def law_of(**numbers):
    """A small law: the defaults with some numbers replaced."""
    defaults = {key: default for key, (_, _, default, _) in laws.NUMBERS.items()}
    given = {"decode_shape": 0.7, "prefill_shape": 0.6, "prompt_mean": 8, **numbers}
    return laws.Law("test", "", "lognormal", {**defaults, **given})


def made(law, gate=GATE, count=256, steps=24, seed=1, **more):
    """(prompts [tokens, layers, k], answers [requests, steps, layers, k]) of a made trace."""
    found = list(generate.requests(law, gate, count, steps, seed, **more))
    return np.concatenate([ids[:prompt] for _, prompt, ids in found]), np.stack([ids[p:] for _, p, ids in found])


def loads(ids, layer, experts=64):
    counts = np.bincount(ids[..., layer, :].ravel(), minlength=experts)
    return counts / counts.mean()


def cheap_first(name):
    """One model is enough for the fast tests: to calibrate a law with more choices takes seconds."""
    return pytest.param(name, marks=() if name == "llama4-maverick" else pytest.mark.slow)


@pytest.mark.parametrize("name", [cheap_first(name) for name in models.names()])
def test_every_model_gets_a_trace_of_its_shape(name, tmp_path):
    model = models.load(name)
    header = library.write_generated(tmp_path / "t.parquet", model, 2, 3, 1)
    got = trace.open(tmp_path / "t.parquet", model=name)
    assert (got.requests, got.steps, got.sha256, got.layer_keys) == (2, 3, header.sha256, model.layers)
    assert all(0 <= ids.max() < model.experts for ids in got.read(2))


@pytest.mark.parametrize("name", laws.names())
def test_every_number_of_a_shipped_law_says_where_it_is_from(name):
    law = laws.load(name)
    text = (laws.FOLDER / f"{name}.yaml").read_text()
    stated = [line.split(":")[0] for line in text.splitlines() if line and line[0].isalpha()]
    numbers = [key for key in stated if key in laws.NUMBERS]
    assert len(numbers) > 10 and set(numbers) == set(law.sources)
    assert {source.kind for source in law.sources.values()} <= set(KINDS) and law.targets


def test_fewer_requests_are_the_first_of_more_and_seeds_differ():
    law = law_of(topics=4, topic_share=0.5)
    ids = [[r[2] for r in generate.requests(law, GATE, count, 3, seed)] for count, seed in ((70, 1), (66, 1), (66, 2))]
    assert all(np.array_equal(a, b) for a, b in zip(ids[0], ids[1], strict=False))
    assert not all(np.array_equal(a, b) for a, b in zip(ids[1], ids[2], strict=True) if a.shape == b.shape)


def test_loads_come_out_as_drawn_though_a_token_has_several_experts():
    """What the law drew is what is counted: rank correlation above .97, the busiest within a fifth."""
    law = law_of(kept_first=0.3, kept_second=0.3, kept_middle=0.3, kept_last=0.3, topics=8, topic_share=0.4)
    wanted = generate.populations_of(law, GATE, 1)[0][1].loads
    prompts, answers = made(law, count=256)
    for phase, ids in ((0, prompts), (1, answers)):
        for layer in range(GATE.layers):
            got = loads(ids, layer)
            assert relations.spearman(wanted[phase, layer], got) > 0.93
            assert abs(got.max() / wanted[phase, layer].max() - 1) < 0.2


@pytest.mark.parametrize("wanted", [0.0, 0.5, 0.9])
def test_prompt_and_answer_loads_have_the_rank_correlation_asked_for(wanted):
    gate = generate.Gate(layers=40, experts=128, top_k=1, groups=1, groups_used=1)
    drawn = popularity.loads(law_of(phase_correlation=wanted), 40, 128, 1, np.random.default_rng(3))
    found = np.median([relations.spearman(drawn[0, layer], drawn[1, layer]) for layer in range(gate.layers)])
    assert abs(found - wanted) < 0.06


def test_token_overlap_is_the_profile_asked_for():
    law = law_of(kept_first=0.15, kept_second=0.3, kept_middle=0.5, kept_last=0.25)
    _, answers = made(law)
    assert np.abs(generate.overlap_of(answers) - generate.kept_profile(law, GATE.layers)).max() < 0.03


def test_requests_of_a_small_concentration_differ_more():
    gate = generate.Gate(layers=2, experts=64, top_k=1, groups=1, groups_used=1)
    found = []
    for wanted in (10, 40):
        _, answers = made(law_of(request_concentration=wanted), gate, count=300, steps=60)
        owner = np.repeat(np.arange(300), 60)
        found.append(relations.concentration(answers[:, :, 0].reshape(-1, 1), owner, 64))
    assert 7 < found[0] < 14 and 28 < found[1] < 55


def test_topics_tie_layers_together_beyond_popularity():
    gain = []
    for share in (0.0, 0.8):
        _, answers = made(law_of(topics=8, topic_share=share, topic_concentration=8), count=200)
        ids = answers.reshape(-1, GATE.layers, GATE.top_k)
        owner = np.repeat(np.arange(200), answers.shape[1])
        row = relations.measure(ids, owner, np.flatnonzero(owner[1:] == owner[:-1]), range(GATE.layers), 64)[2]
        gain.append(row["next_layer_held_out"] - row["next_layer_popularity"])
    assert abs(gain[0]) < 0.03 and gain[1] > 0.06


def test_a_gate_with_groups_uses_as_many_as_it_says_and_groups_are_skewed():
    gate = generate.Gate(layers=4, experts=64, top_k=4, groups=8, groups_used=2)
    _, answers = made(law_of(group_variance=0.6), gate)
    used = [len(set(row)) for row in (answers.reshape(-1, 4) // 8).tolist()]
    assert max(used) == 2
    skew = [np.array([loads(answers, layer).reshape(8, 8).mean(axis=1).max() for layer in range(4)])]
    assert np.median(skew) > 1.4


@pytest.mark.slow
def test_tasks_and_languages_take_turns_and_differ():
    law = law_of(task_correlation=0.3, language_correlation=0.2)
    found = list(generate.requests(law, GATE, 8, 40, 1, tasks=2, languages=2))
    assert [name.rsplit("/", 1)[0] for name, _, _ in found[:4]] == [
        "task0/language0",
        "task0/language1",
        "task1/language0",
        "task1/language1",
    ]
    populations = generate.populations_of(law, GATE, 1, 2, 2)
    same, other = populations[0][1].loads[1, 0], populations[1][1].loads[1, 0]
    assert relations.spearman(same, other) < 0.6


def test_counts_take_the_place_of_the_laws_loads():
    counts = np.random.default_rng(5).lognormal(0, 1, (GATE.layers, GATE.experts))
    _, answers = made(law_of(), count=256, counts=counts)
    for layer in range(GATE.layers):
        assert relations.spearman(counts[layer], loads(answers, layer)) > 0.95


def test_prompts_are_as_long_as_the_law_says():
    lengths = generate.prompt_lengths(law_of(prompt_mean=100, prompt_sigma=0.6), np.random.default_rng(1), 4000)
    assert abs(lengths.mean() - 100) < 4 and lengths.min() >= 2 and lengths.max() <= 800


@pytest.mark.slow
@pytest.mark.parametrize("name", laws.names())
def test_a_made_trace_meets_the_targets_of_its_law(name, tmp_path):
    library.write_generated(tmp_path / "t.parquet", models.load(name), 512, 48, 1)
    document = stats.measure(trace.open(tmp_path / "t.parquet"))
    assert len(document["targets"]) >= 4
    assert not [row for row in document["targets"] if not row["within"]]


@pytest.mark.parametrize(
    "change, message",
    [
        ("decode_shape: 0.7", "lacks 'prefill_shape'"),
        ("decode_shape: 0.7\nprefill_shape: x", "prefill_shape cannot be"),
        ("decode_shape: 0.7\nprefill_shape: 0.6\nkept_frist: 0.1", "unknown key 'kept_frist'.*nearest: kept_first"),
        ("decode_shape: 0.7\nprefill_shape: 0.6\ntopic_share: 2", "topic_share cannot be.*0 to 1"),
        ("decode_shape: 0.7\nprefill_shape: 0.6\ntargets: {decode.gini: 3}", "target decode.gini must be two numbers"),
    ],
)
def test_a_law_that_cannot_be_is_refused_with_its_place(change, message, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(f"schema: chipweave.law/1\nname: mine\nfamily: lognormal\n{change}\n")
    with pytest.raises(BadInput, match=f"mine.yaml:.*{message}"):
        laws.load(str(path))


def test_a_model_without_a_law_takes_that_of_the_gate_most_like_it():
    assert laws.of_model(models.load("deepseek-v2-lite")).name == "deepseek-v2-lite"
    with pytest.raises(BadInput, match="unknown law 'kimi'"):
        laws.load("kimi")


@pytest.mark.slow
def test_without_a_trace_one_is_made_from_the_seed():
    one, again, other = (trace.for_run(None, "llama4-maverick", 8, 4, seed).trace.sha256 for seed in (1, 1, 2))
    assert one == again != other
