"""The same work under several strategies or link models, side by side."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from chipweave import __version__
from chipweave.errors import BadInput, Fault, Interrupted, nearest
from chipweave.io.atomic import canonical_sha256, check_file, check_folder, write_json
from chipweave.io.progress import Counting
from chipweave.io.progress import progress as bar
from chipweave.noc import network as flit_network
from chipweave.run import file as runfile
from chipweave.run import output_folder as output
from chipweave.run import report as show
from chipweave.run import simulate as serving
from chipweave.run.record import Meter
from chipweave.run.spec import LINK_MODELS, STRATEGIES, RunSpec

VOLATILE = ("events", "cpu_s", "wall_s", "peak_rss_bytes")


def run(run_file, options, strategies, link_models, sample, jobs, out, json_path, single=False):
    """What the commands `run` and `compare` do; options that are None leave what the run file or the default says."""
    check_folder(out)
    check_file(json_path)
    spec, of_file, models_of_file = (
        runfile.load(runfile.find(run_file), single) if run_file is not None else (RunSpec(), None, None)
    )
    options["sets"] = (*spec.sets, *options.pop("sets"))
    spec = spec.with_options(**options)
    if single:
        strategies, link_models = [spec.strategy], [spec.link_model]
    else:
        if link_models is not None and options.get("link_model"):
            raise BadInput("--link-model and --link-models are both given; allowed: one of them")
        strategies = first_given(
            strategies, of_file, [spec.strategy] if not isinstance(spec.strategy, str) else list(STRATEGIES)
        )
        link_models = first_given(link_models, None if options.get("link_model") else models_of_file, [spec.link_model])
    refuse(spec, strategies, checked(link_models), sample)
    runs = points(spec, strategies, link_models)
    outcomes, gaps = [None] * len(runs), []
    try:
        prepare(spec)
        sampled = [i for i, each in enumerate(runs) if each.link_model == "flit" and "circuit" in link_models]
        full = [i for i in range(len(runs)) if i not in sampled]
        if sampled:
            flit_network.check(
                serving.mesh_of(serving.load(runs[sampled[0]]).system)
            )  # told now, not after the runs beside it
        execute([runs[i] for i in full], jobs, outcomes, full)
        for i in sampled:
            outcomes[i], rows = of_sample(runs, i, outcomes, sample and max(1, sample // len(sampled)))
            gaps += rows
    except KeyboardInterrupt:
        left = [each for each, outcome in zip(runs, outcomes) if outcome is None]
        runs, outcomes = [r for r, o in zip(runs, outcomes) if o], [o for o in outcomes if o]
        report(spec, runs, outcomes, out, json_path)
        raise Interrupted(how_to_go_on(left, len(outcomes), out)) from None
    report(spec, runs, outcomes, out, json_path, gaps)


def prepare(spec):
    """Make or import the trace, with a bar, before the runs: they all read it, and making it is no part of their time."""
    with bar() as progress:
        serving.make_trace(spec, progress)


def first_given(*lists):
    """The first list that was given; an empty one is given too, and told by `refuse`."""
    return next(each for each in lists if each is not None)


def refuse(spec, strategies, link_models, sample):
    """Faults of a comparison that none of its rows has alone: nothing to compare, rows that could not be told apart."""
    faults = []
    names = [replace(spec, strategy=s).strategy_name for s in strategies]
    for what, given, known in (("strategy", names, STRATEGIES), ("link model", link_models, LINK_MODELS)):
        if not given:
            faults.append(Fault(f"no {what} is named", allowed=", ".join(known)))
        faults += [
            Fault(f"{what} {name!r} is named twice", allowed="each once; files under different names")
            for name in dict.fromkeys(given)
            if given.count(name) > 1
        ]
    if sample and not {"flit", "circuit"} <= set(link_models):
        faults.append(Fault("--sample is given, and no row is sampled", allowed="--link-models with circuit and flit"))
    if faults:
        raise BadInput(faults)


def of_sample(runs, i, outcomes, wanted):
    """(Outcome, layer-steps) of a flit run by a sample, beside the circuit run of its strategy that books nothing ahead."""
    from chipweave.run import flit_sample as sample

    meter = Meter()
    circuit = {
        each.strategy: k for k, each in enumerate(runs) if each.link_model == "circuit"
    }  # the last: it books nothing ahead
    beside = circuit[runs[i].strategy]
    together = sum(sample.layer_cost(outcomes[k]) for k in circuit.values())
    estimate, rows = sample.measure(
        runs[beside], outcomes[beside], wanted, show.progress(runs[i], i, len(runs)), together
    )
    row = sample.row_of(outcomes[beside], estimate, meter.read())
    return replace(outcomes[beside], row=row, links=[], statistics=[]), rows


def report(spec, runs, outcomes, out, json_path, gaps=()):
    """Write and show the rows there are; nothing where there is none."""
    if not outcomes:
        return
    rows = [outcome.row for outcome in outcomes]
    fill_speedups(rows)
    result = document(spec, outcomes[0].facts, rows)
    if gaps:
        result["layer_steps"] = gaps
    if out:
        output.write(Path(out), result, runs, outcomes)
    if json_path:
        write_json(json_path, result)
    show.comparison(result, outcomes, out, to_stderr=json_path == "-")
    show.gaps(result, to_stderr=json_path == "-")


def how_to_go_on(left, done, out):
    """What an interrupted comparison tells its user."""
    strategies = ",".join(dict.fromkeys(each.strategy_name for each in left))
    kept = f"{done} rows are complete" + (f" and written to {out}" if out and done else "")
    return f"interrupted: {kept}; the same command with --strategies {strategies} runs the rest"


def checked(link_models):
    """The names, or a fault for each that is none."""
    faults = [
        Fault(f"unknown link model '{m}'", allowed=", ".join(LINK_MODELS), nearest=nearest(m, LINK_MODELS))
        for m in link_models
        if m not in LINK_MODELS
    ]
    if faults:
        raise BadInput(faults)
    return link_models


def points(spec, strategies, link_models):
    """The runs of a comparison in the order of its rows.

    `circuit` beside other link models runs twice, with the preset's admission and `work_conserving`: what the network
    is worth and what the booking is worth are then told apart.
    """
    runs = []
    for model in link_models:
        admissions = [spec.admission]
        if model == "circuit" and len(link_models) > 1 and spec.admission is None:
            admissions = [None, "work_conserving"]
        for admission in admissions:
            runs += [replace(spec, strategy=s, link_model=model, admission=admission) for s in strategies]
    return runs


def execute(runs, jobs, outcomes, places=None):
    """Put the Outcome of each run in its place in `outcomes`, in `jobs` processes; each is the same whatever `jobs` is."""
    places = list(range(len(runs))) if places is None else places
    if jobs == 1 or len(runs) == 1:
        for i, each in enumerate(runs):
            outcomes[places[i]] = serving.simulate(each, show.progress(each, i, len(runs)))
        return
    with ProcessPoolExecutor(min(jobs, len(runs)), mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(serving.simulate, each): i for i, each in enumerate(runs)}
        try:
            with Counting(len(runs)) as counting:
                for future in as_completed(futures):
                    outcomes[places[futures[future]]] = future.result()
                    counting.advance()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def fill_speedups(rows):
    """`speedup` of each row: decode time of `base` over its own, under the same link model and admission."""
    base = {(r["link_model"], r["admission"]): r["decode_time_ns"] for r in rows if r["strategy"] == "base"}
    for row in rows:
        reference = base.get((row["link_model"], row["admission"]))
        row["speedup"] = reference / row["decode_time_ns"] if reference and row["decode_time_ns"] else None


def result_sha256(rows):
    """SHA-256 of the rows without what depends on the machine."""
    return canonical_sha256([{k: v for k, v in r.items() if k not in VOLATILE} for r in rows])


def document(spec, facts, rows):
    """The JSON of `compare`."""
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
        "rows": rows,
    }
