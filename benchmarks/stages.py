"""CPU nanoseconds per stage event of the case study's chain, single thread, statistics on.

An event is a start of a stage or a completion of a chain (the published artifact's count: a remote slice 8, a local one
6). Plans are drawn from a seed: every expert active, tokens log-normal, on the mesh of 5 x 5 dies."""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "stages"))
import case_study as cs  # type: ignore[import-not-found]  # noqa: E402  # found by the path above

LAYERS = 200


def plan(rng, strategy, dies=25, experts=256):
    expert = np.arange(experts)
    tokens = np.maximum(1, rng.lognormal(4.5, 0.6, experts)).astype(int)
    home = np.where(expert < experts // dies * dies, expert // (experts // dies), expert % dies)
    die = (rng.permutation(experts) + 7) % dies if strategy == "base" else home
    return cs.rows_of(np.stack([expert, tokens, die, home], axis=1), "deepseek")


def measure(strategy, **rules):
    """(CPU s in the engine, events) of LAYERS layers."""
    engine, rng = cs.artifact(cs.layout("deepseek"), **rules), np.random.default_rng(1)
    plans = [plan(rng, strategy) for _ in range(LAYERS)]
    start = time.process_time()
    for rows in plans:
        engine.issue("slice", rows)
        engine.advance()
    return time.process_time() - start, engine.events


def main():
    """Print ns per event for the strategies, and what a whole decode of 128 steps x 58 layers would cost."""
    for name, strategy, rules in (
        ("base, early booking, artifact heap", "base", {}),
        ("ep, early booking, artifact heap", "ep", {}),
        ("base, early booking, sorted", "base", {"wait_queue": "sorted"}),
        ("base, head only", "base", {"admission": "head_only", "wait_queue": "sorted"}),
        ("base, work conserving", "base", {"admission": "work_conserving", "wait_queue": "sorted"}),
    ):
        cpu, events = measure(strategy, **rules)
        whole = cpu / LAYERS * 128 * 58
        print(
            f"stages: {name:38} {cpu / events * 1e9:6.1f} ns per event, {events / LAYERS:6.0f} events a layer, "
            f"{whole:5.2f} s for 128 steps x 58 layers"
        )


if __name__ == "__main__":
    main()
