"""The same work under several strategies or link models, side by side."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipweave import __version__
from chipweave.errors import BadInput, Fault, Interrupted
from chipweave.io import console
from chipweave.io.atomic import canonical_sha256, check_folder, write_json
from chipweave.io.console import note
from chipweave.io.outputs import check_document
from chipweave.io.progress import Counting
from chipweave.io.progress import progress as bar
from chipweave.kernel_models.boards import board_for
from chipweave.run import beside, energy, error_bars, resume
from chipweave.run import output_folder as output
from chipweave.run import report as show
from chipweave.run import simulate as serving
from chipweave.run.check import check
from chipweave.run.checkpoint import EVERY_S, Keep
from chipweave.run.job import job_of
from chipweave.run.record import Meter
from chipweave.run.spec import RunSpec
from chipweave.run.why import breakdown
from chipweave.run.why import show as tables

VOLATILE = ("events", "cpu_s", "wall_s", "peak_rss_bytes")
SAMPLED = ("flit", "grain_difference")  # said of a row by a sample beside its run, which the twin has not


def run(
    run_file: str,
    options: dict[str, int | tuple[()] | None],
    sample: Any,
    jobs: int,
    out: Any,
    json_path: Any,
    single: bool = False,
    force: bool = False,
    where: bool = False,
    threads: int = 1,
    every_s: float = EVERY_S,
    whose: str | None = None,
) -> None:
    """What the commands `run` and `compare` do; options as for `job_of`.

    single: the command `run`, which takes one strategy; where: show the breakdown; every_s: seconds between two
    checkpoints; whose: whose energies joules are counted with (`board_for`), None: they are not. Everything is
    checked first, all faults at once (BadInput); Ctrl-C writes the rows that are complete and names the command that
    runs the rest.
    """
    check_folder(out)
    check_document(json_path)
    job = job_of(run_file, options, single)
    check_sample(sample, job.link_models)
    system, found = check(job.spec, job.strategies, job.link_models, system=job.system)
    found.raise_if_any()
    board = board_for(system, whose) if whose and system else None
    for warning in found.warnings:
        note(f"warning: {warning}")
    rows = Rows(job, system, sample, out, force, threads, every_s, board)
    try:
        prepare(job.spec)
        rows.execute(jobs)
    except KeyboardInterrupt:
        rows.report(json_path, where)
        raise Interrupted(how_to_go_on(rows.left(), len(rows.known()), out)) from None
    rows.report(json_path, where)


class Rows:
    """The rows of a comparison: those to run, and those that the folder of `--out` has already.

    runs, labels, outcomes: of this call, in its order; kept: what the folder has, if the same
    program ran the same job. gaps: layer-steps that were run under several link models.
    """

    def __init__(
        self,
        job: Any,
        system: Any,
        sample: Any,
        out: Any,
        force: Any,
        threads: int = 1,
        every_s: float = EVERY_S,
        board: Any = None,
    ) -> None:
        self.job, self.sample, self.out, self.threads = job, sample, out, threads
        self.every_s, self.board = every_s, board
        by_label = {resume.label_of(each, system): each for each in job.runs()}  # of runs that are the same, one
        self.runs, self.labels = list(by_label.values()), list(by_label)
        self.job_sha256 = resume.job_sha256(job.spec, system, sample) if out else ""
        self.kept = resume.look(out, self.labels, self.job_sha256, force) if out else resume.Kept(self.labels)
        self.outcomes: list[serving.Outcome | None] = [self.kept.outcomes.get(label) for label in self.labels]
        self.gaps = list(self.kept.gaps)
        self.keeps = self.checkpoints(force) if out else [None] * len(self.runs)
        there = sum(outcome is not None for outcome in self.outcomes)
        if there:
            note(f"{there} rows of {out} are kept as they are; --force runs them again")

    def execute(self, jobs: Any) -> None:
        """Run what is not there, first in full, then what is sampled beside it.

        A row under flit is sampled where circuit is compared too: its layer-steps start from the
        states of the circuit run. jobs: processes.
        """
        missing = [i for i, outcome in enumerate(self.outcomes) if outcome is None]
        sampled = [i for i in missing if self.runs[i].link_model == "flit" and "circuit" in self.job.link_models]
        full = [i for i in missing if i not in sampled]
        keeps = [self.keeps[i] for i in full]
        execute([self.runs[i] for i in full], jobs, self.outcomes, full, self.threads, keeps, self.keep)
        of_all = sum(run.link_model == "flit" for run in self.runs)
        for i in sampled:
            self.outcomes[i], rows = self.of_sample(i, self.sample and max(1, self.sample // of_all))
            self.gaps += rows
            self.keep()

    def checkpoints(self, force: bool) -> list[Keep | None]:
        """Where the checkpoint of each row is kept, a file of the folder; with `force` old ones are dropped."""
        same = {"job_sha256": self.job_sha256, "program_sha256": resume.program_sha256()}
        keeps: list[Keep | None] = []
        for run, labels in zip(self.runs, self.labels, strict=True):
            label = ", ".join(labels)
            path = Path(self.out) / f"checkpoint-{canonical_sha256(label)[:12]}.npz"
            keep = Keep(path, {"label": label, "engine": run.engine, **same}, self.every_s)
            if force:
                keep.drop()
            keeps.append(keep)
        return keeps

    def keep(self) -> None:
        """Write the rows there are while others are left: what is killed then loses none of them."""
        known = self.known()
        if self.out and known and self.left():
            result = finish(self.job.spec, list(known.values()), self.gaps)
            output.write(Path(self.out), result, self.entries(known), list(known.values()), self.state(known))
            self.drop()

    def drop(self) -> None:
        """Rows that are written need no checkpoint."""
        for keep, outcome in zip(self.keeps, self.outcomes, strict=True):
            if keep and outcome:
                keep.drop()

    def of_sample(self, i: Any, wanted: Any) -> Any:
        """(Outcome, layer-steps) of a flit run by a sample, beside the circuit run of its strategy that books nothing
        ahead."""
        from chipweave.run import flit_sample as sample

        meter = Meter()
        circuit = {run.strategy: k for k, run in enumerate(self.runs) if run.link_model == "circuit"}  # the last
        of_circuit = circuit[self.runs[i].strategy]
        whole = self.outcomes[of_circuit]
        assert whole is not None, "runs in full go first"
        all_of_them = {name: outcome for (name, model, _), outcome in self.known().items() if model == "circuit"}
        together = sum(map(sample.layer_cost, all_of_them.values()))
        layer_ended = show.progress(self.runs[i], i, len(self.runs))
        try:
            estimate, rows = sample.measure(self.runs[of_circuit], whole, wanted, layer_ended, together, self.threads)
        finally:
            layer_ended(None)
        row = sample.row_of(whole, estimate, meter.read())
        facts = {**whole.facts, "tokens": {}}  # the circuit run's times of dispatch and combine
        return replace(whole, row=row, links=[], statistics=[], facts=facts, breakdown=None), rows

    def known(self) -> Any:
        """label -> Outcome of all rows that are there, in the order of the whole comparison."""
        known = self.kept.outcomes | {k: o for k, o in zip(self.labels, self.outcomes, strict=True) if o}
        return {label: known[label] for label in self.kept.planned if label in known}

    def left(self) -> Any:
        """The runs that are still to do."""
        return [run for run, outcome in zip(self.runs, self.outcomes, strict=True) if outcome is None]

    def report(self, json_path: Any, where: bool = False) -> None:
        """Write and show the rows there are; nothing where there is none."""
        known = self.known()
        if known:
            order = [name for name, *_ in self.kept.planned]
            gaps = sorted(self.gaps, key=lambda row: order.index(row["strategy"]))
            outcomes, state = list(known.values()), self.state(known) if self.out else {}
            joules = energy.of_rows(self.job.spec, outcomes, self.board) if self.board else []
            report(self.job.spec, self.entries(known), outcomes, self.out, json_path, gaps, state, where, joules)
            self.drop()

    def entries(self, known: Any) -> Any:
        """The manifest's entry of each row: its run and what it had of files."""
        own = dict(zip(self.labels, self.runs, strict=True))
        return [self.kept.entries.get(label) or own[label] for label in known]

    def state(self, known: Any) -> Any:
        """What a later call with the same folder needs to know (chipweave.run.resume)."""
        return {
            "job_sha256": self.job_sha256,
            "program_sha256": resume.program_sha256(),
            "planned": [list(label) for label in self.kept.planned],
            "complete": set(self.kept.planned) <= set(known),
        }


def report(
    spec: RunSpec,
    entries: Any,
    outcomes: list[serving.Outcome],
    out: str | None,
    json_path: str | None,
    gaps: list[Any] | tuple[Any, ...] = (),
    state: Any = None,
    where: bool = False,
    joules: list[dict[str, Any]] | tuple[()] = (),
) -> None:
    """Write and show the rows of a comparison.

    entries: for each row its RunSpec, or its entry of a manifest; state: what a later call with the folder needs;
    where: show the breakdown too; joules: of the rows, where they were counted.
    """
    result = finish(spec, outcomes, gaps)
    if joules:
        result["energy"] = list(joules)
    if out:
        output.write(Path(out), result, entries, outcomes, state)
    if json_path:
        write_json(json_path, result)
    show.comparison(result, outcomes, out, to_stderr=json_path == "-")
    if where:
        tables.shown(result, to_stderr=json_path == "-")
    show.gaps(result, to_stderr=json_path == "-")
    for line in energy.lines(list(joules)):
        console.say(line, json_path == "-")


def finish(spec: RunSpec, outcomes: list[serving.Outcome], gaps: list[Any] | tuple[Any, ...] = ()) -> dict[str, Any]:
    """The document of runs that have ended, with their speed-ups and notes; gaps: sampled layer-steps."""
    rows = [outcome.row for outcome in outcomes]
    fill_speedups(rows)
    result = document(spec, outcomes[0].facts, rows)
    result["notes"] = {**result["notes"], **notes_of_rows(outcomes)}
    result["breakdown"] = [breakdown.document(outcome) for outcome in outcomes if outcome.breakdown]
    if gaps:
        result["layer_steps"] = list(gaps)
    return result


def notes_of_rows(outcomes: list[serving.Outcome]) -> dict[str, Any]:
    """`symptoms` by strategy, `tokens` by row, and what options replace in any row, where there are any; rows of one
    strategy and link model are told apart by their admission."""
    symptoms: dict[str, list[str]] = {}
    rows = Counter((o.row["strategy"], o.row["link_model"]) for o in outcomes)
    tokens = {}
    for each in outcomes:
        strategy, model = each.row["strategy"], each.row["link_model"]
        for words in each.facts.get("symptoms") or ():
            if words not in symptoms.setdefault(strategy, []):
                symptoms[strategy].append(words)
        if each.facts.get("tokens"):
            which = f", {each.row['admission']}" if rows[strategy, model] > 1 else ""
            tokens[f"{strategy} ({model}{which})"] = each.facts["tokens"]
    replace = dict.fromkeys(
        words for each in outcomes for words in each.facts.get("notes", {}).get("options_replace", ())
    )
    told = (("symptoms", symptoms), ("tokens", tokens), ("options_replace", list(replace)))
    return {name: found for name, found in told if found}


def prepare(spec: RunSpec) -> None:
    """Make or import the trace, with a bar, before the runs: they all read it, and making it is no part of their
    time."""
    with bar() as progress:
        serving.make_trace(spec, progress)


def check_sample(sample: Any, link_models: Any) -> None:
    """Raise BadInput where `--sample` is given and no row is sampled."""
    if sample and not {"flit", "circuit"} <= set(link_models):
        raise BadInput(Fault("--sample is given, and no row is sampled", allowed="--link-models with circuit and flit"))


def how_to_go_on(left: Any, done: Any, out: Any) -> Any:
    """What an interrupted comparison tells its user."""
    strategies = ",".join(dict.fromkeys(each.strategy_name for each in left))
    kept = f"{done} rows are complete" + (f" and written to {out}" if out and done else "")
    return f"interrupted: {kept}; the same command with --strategies {strategies} runs the rest"


def execute(
    runs: list[RunSpec],
    jobs: int,
    outcomes: list[serving.Outcome | None],
    places: list[int] | None = None,
    threads: int = 1,
    keeps: list[Keep | None] | None = None,
    ended: Callable[[], None] = lambda: None,
) -> None:
    """Put the Outcome of each run in its place in `outcomes`, in `jobs` processes of `threads` threads; each is the
    same whatever these are.

    keeps: where the checkpoints of each are kept; ended: called whenever one has ended.
    """
    places = list(range(len(runs))) if places is None else places
    keeps = keeps or [None] * len(runs)

    def put(i: int, outcome: serving.Outcome) -> None:
        outcomes[places[i]] = outcome
        ended()

    if jobs == 1 or len(runs) == 1:
        for i, each in enumerate(runs):
            layer_ended = show.progress(each, i, len(runs))
            try:
                put(i, beside.simulate(each, layer_ended, threads, keep=keeps[i]))
            finally:  # the bar does not outlive a run that fails
                layer_ended(None)
        return
    with ProcessPoolExecutor(min(jobs, len(runs)), mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(beside.simulate, each, None, threads, keep=keeps[i]): i for i, each in enumerate(runs)}
        try:
            with Counting(len(runs)) as counting:
                for future in as_completed(futures):
                    put(futures[future], future.result())
                    counting.advance()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def fill_speedups(rows: list[Any]) -> None:
    """`speedup` of each row: decode time of `base` over its own, under the same link model and admission."""
    base = {(r["link_model"], r["admission"]): r["decode_time_ns"] for r in rows if r["strategy"] == "base"}
    for row in rows:
        reference = base.get((row["link_model"], row["admission"]))
        row["speedup"] = reference / row["decode_time_ns"] if reference and row["decode_time_ns"] else None


def undecided(rows: list[Any]) -> list[dict[str, Any]]:
    """Neighbouring strategies of one link model and admission that lie within the error bar of a ratio."""
    times: dict[tuple, dict[str, float]] = {}
    for row in rows:
        times.setdefault((row["link_model"], row["admission"]), {})[row["strategy"]] = row["decode_time_ns"]
    return [
        {"link_model": model, "admission": admission, "strategies": list(pair)}
        for (model, admission), of in times.items()
        for pair in error_bars.undecided(of, error_bars.ratio_bar())
    ]


def result_sha256(rows: Any) -> Any:
    """SHA-256 of the rows without what depends on the machine, and without what a sample beside them says."""
    return canonical_sha256([{k: v for k, v in r.items() if k not in (*VOLATILE, *SAMPLED)} for r in rows])


def document(spec: RunSpec, facts: dict[str, dict[Any, Any]], rows: list[Any]) -> dict[str, Any]:
    """The JSON of `compare`, schema chipweave.compare/1 (docs/reference/results.md).

    result_sha256 is of the rows without times of this machine: equal for equal results anywhere.
    """
    return {
        "schema": "chipweave.compare/1",
        "version": __version__,
        "topology": spec.topology,
        "model": spec.model,
        "preset": spec.preset,
        "batch": spec.batch,
        "steps": spec.steps,
        "link_model": rows[0]["link_model"],
        "admission": rows[0]["admission"],
        "trace": facts["trace"],
        "seed": spec.seed,
        "notes": facts["notes"],
        "result_sha256": result_sha256(rows),
        "error_bar": error_bars.ratio_bar(),
        "undecided": undecided(rows),
        "rows": rows,
    }
