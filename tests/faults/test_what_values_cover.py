"""Does every table and document say what its values cover: which steps, which packets, which rows, which tokens?"""

import json
import re
from pathlib import Path

import pytest

from chipweave.__main__ import main
from chipweave.io.console import Sheet

COMPARE = "compare --topology micro_2x2 --model deepseek-v2-lite --trace esft-law --batch 8 --steps 3"
SERVER = """\
schema: chipweave.serve_run/1
system: dgx_h100
model: qwen3-32b
parallel: tp=4
framework: vllm
requests:
  count: 3
  arrivals: {file: load.csv}
  prompt: {constant: 200}
  output: {constant: 20}
"""
SWEEP = """\
schema: chipweave.sweep/1
run: {topology: micro_2x2, model: deepseek-v2-lite, trace: esft-law, steps: 2, batch: 4}
vary: {strategy: [base, ep]}
"""
STEP = "step dgx_h100 --model qwen3-32b --batch 8 --context 512 --parallel tp=4"
TRAFFIC = "traffic mesh_4x4 --pattern uniform --load 0.2 --packet-flits 2 --warmup 100 --cycles 300 --seed 1"

# command -> what is said beside its values
SAID = {
    f"{COMPARE} --strategies base,ep --set d2d.beside=none": [
        "decode, layer, hops, read and copied: decode steps alone",
        "CPU: the whole run, prefill included",
        "tokens/s: tokens decoded / decode time",
        "Busiest links, prefill included",
    ],
    f"{COMPARE} --strategies ep --preset artifact": ["the prefill step counted, as the paper does"],
    f"{COMPARE} --strategies ep --set d2d.beside=none --breakdown": [
        "decode steps alone, or the prefill where there are none",
        "of the whole run, prefill included: shares of its time, bytes carried",
    ],
    TRAFFIC: ["of packets created in the measured cycles", "share of all cycles from warm-up to the end of the drain"],
    STEP: ["decoded tokens/s"],
    f"{STEP} --prefill": ["prompt tokens/s, none decoded"],
    "serve run.yaml": ["from the first arrival to the last token", "prompts not"],
    "sweep sweep.yaml --out sweep": ["decode steps alone; cpu_s: the whole run, prefill included; points that ended"],
    "leaderboard sweep.yaml --out board": ["fields (their number) whose runs ended", "decode time alone"],
    "validate analytic --group littles_law": ["errors are means over the rows that are modelled"],
    "trace stats esft-law": ["over all tokens of the prompts (step 0)", "a sample of whole requests"],
}


@pytest.fixture
def work(tmp_path, monkeypatch):
    (tmp_path / "run.yaml").write_text(SERVER)
    (tmp_path / "load.csv").write_text("arrival_s\n0\n0.1\n0.2\n")
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ended(command):
    with pytest.raises(SystemExit) as end:
        main(command.split())
    return end.value.code


@pytest.mark.slow
@pytest.mark.parametrize("command", SAID)
def test_what_values_cover_is_said_beside_them(work, capsys, command):
    assert ended(command) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert not [words for words in SAID[command] if words not in shown], shown


@pytest.mark.slow
def test_why_and_diff_say_which_steps(work, capsys):
    assert ended(f"{COMPARE} --strategies base --set d2d.beside=none --out folder") == 0
    for command in ("why folder", "diff folder folder"):
        capsys.readouterr()
        assert ended(command) == 0
        assert "decode steps alone, or the prefill where there are none" in capsys.readouterr().out


def test_a_table_that_says_nothing_of_it_cannot_be_made():
    with pytest.raises(TypeError, match="caption"):
        Sheet("title", ("a", "b"))


@pytest.mark.parametrize("first", [0, 1000, 1_761_955_200])
def test_the_clock_of_a_server_starts_at_the_first_arrival(work, capsys, first):
    """A slice of a log, or one with times of a calendar, gives the rates of the same requests from 0 on."""
    rates = []
    for begin in (0, first):
        (work / "load.csv").write_text("arrival_s\n" + "".join(f"{begin + gap}\n" for gap in (0, 0.5, 1)))
        assert ended("serve run.yaml --json -") == 0
        rates.append(json.loads(capsys.readouterr().out))
    for key in ("seconds", "output_tokens_per_s"):
        assert rates[1][key] == pytest.approx(rates[0][key], rel=1e-9)
    assert rates[1]["engines"][0]["busy"] == pytest.approx(rates[0]["engines"][0]["busy"], rel=1e-9)
    assert rates[0]["output_tokens_per_s"] == pytest.approx(60 / rates[0]["seconds"], rel=1e-12)


def test_a_step_counts_decoded_tokens_apart_from_those_of_prompts(work, capsys):
    for more, decoded, tokens in (("", 8, 8), (" --prefill", 0, 8 * 512)):
        assert ended(f"{STEP}{more} --json -") == 0
        document = json.loads(capsys.readouterr().out)
        assert (document["decoded_tokens"], document["tokens"]) == (decoded, tokens)


def keys_of(value, under=()):
    """The names of all values of a document; what is keyed by names of the user's or of classes is not descended to."""
    if isinstance(value, list):
        for each in value[:3]:
            yield from keys_of(each, under)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in ("critical", "breakdown", "bounds", "attributed", "symptoms", "inherited", "conditions"):
                yield from keys_of(inner, (*under, key))


DOCUMENTS = {
    f"{COMPARE} --strategies base,ep --json -": (),
    f"{COMPARE} --strategies base --link-models circuit,flit --sample 4 --json -": (),
    f"{TRAFFIC} --json -": (),
    f"{STEP} --json -": (),
    "serve run.yaml --json -": (),
    "sweep sweep.yaml --out sweep --json -": ("strategy", "vary", "run"),
    "leaderboard sweep.yaml --out board --json -": ("strategy",),
    "validate analytic --group littles_law --json -": (),
    "trace stats esft-law --json -": (),
    "trace show esft-law --json -": (),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", DOCUMENTS)
def test_every_value_of_a_document_stands_in_the_documentation(work, capsys, command):
    assert ended(command) == 0
    document = json.loads(capsys.readouterr().out)
    docs = Path(__file__).parents[2] / "docs"
    words = set()
    for page in docs.rglob("*.md"):
        words |= set(re.findall(r"[A-Za-z0-9_]+", page.read_text(encoding="utf-8")))
    missing = sorted({key for key in keys_of(document) if key not in words and key not in DOCUMENTS[command]})
    assert not missing
