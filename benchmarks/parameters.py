"""Every parameter of every kind of a die, and the figures of every link: set on one instance, does it act there alone?

The walk has no list: kinds come from the registry, parameters from their declarations, so a new kind that fits a place
of the die falls under it. A kind stands in for the one of the 2 x 2 wafer at each place that it fits; a value is set on
all dies, and where that changes a result, on the dies that have work (the same must come out, from kernel and twin) and
on a die that has none (nothing must change). tests/composition/test_every_parameter.py runs the walk, and closed forms.
"""

import json
import tempfile
from fractions import Fraction
from pathlib import Path

import yaml

from chipweave import topology
from chipweave.component.staged import Staged
from chipweave.declare import registry
from chipweave.errors import BadInput
from chipweave.run import simulate
from chipweave.run.spec import RunSpec

UNITS = {"time": " ps", "bytes": " B", "bandwidth": " B/s", "compute": " flop/s", "frequency": " Hz"}
FACTORS = (Fraction(2), Fraction(1, 2), Fraction(1, 1000), Fraction(1, 1600), Fraction(1000))
NONE = (1, 3, 100)  # values of a count that is 0 or none
TABLES = ("h100_sxm",)  # characterised tables that come with the program
DIES = ("die[0][0]", "die[0][1]", "die[1][0]", "die[1][1]")
TRACE = [[[2, 6], [2, 6]], [[2, 6]], [[2, 6]]]  # experts that live on die[0][1]; one die has nothing to do
KEEPING = (("placement", "contiguous"), ("allocation", "round_robin"), ("prediction", "always"))
CALM = ("acts alone", "outside", "no effect")  # verdicts that need no more words
KEPT = (*KEEPING, ("replacement", "lru_free_hbm"))
TWO_MEMORIES = ("assemblies.die.parts.hbm.count=2", "expect=null")
# Worlds: work where the weights are; read from afar; kept as copies; from two memories of a die; hits in the LLC.
CACHED = ("die.llc.ways=8",)
WORLDS = {
    "ep": ("ep", ()),
    "base": ("base", ()),
    "copies": (KEPT, ()),
    "two memories": ("base", TWO_MEMORIES),
    "cached": ("ep", CACHED),
    "crowd": ("ep", ()),
}
# Large flits, so that a run is short, and room for all of a way there and back: the rate decides, not the credits.
FLITS = ("d2d.router.flit=4 KiB", "d2d.router.max_packet=16 KiB", "d2d.router.vc_depth=256")
REQUESTS = {"crowd": 4096}  # of each world; others have one
MODEL = {
    "schema": "chipweave.model/1",
    "name": "mini",
    "title": "mini",
    "layers": 3,
    "moe_layers": {"first": 1, "last": 2, "every": 1},
    "experts": 7,
    "top_k": 2,
    "groups": 1,
    "groups_used": 1,
    "shared_experts": 0,
    "hidden": 2048,  # slices of 3 MiB, as the characterised table has them
    "intermediate": 768,
    "weight_bytes": 2,
    "hbm_efficiency": 0.9,
    "utilisation": [{"tokens": "any", "share": 0.7}],
}


class Bench:
    """A folder with the model and the trace, and runs of them whose results are kept."""

    def __init__(self, folder):
        self.folder, self.known = Path(folder), {}
        (self.folder / "mini.yaml").write_text(yaml.safe_dump(MODEL))
        line = {"path": "r", "trace": [{"0": None, "1": step, "2": step} for step in TRACE]}
        (self.folder / "trace.jsonl").write_text(json.dumps(line) + "\n")

    def run(self, world, *sets, engine="kernel", system="micro_2x2"):
        """(layer table and statistics but for what a part is called, dies that have nothing to do)."""
        key = world, sets, engine, system
        if key not in self.known:
            strategy, more = WORLDS[world]
            spec = RunSpec(
                topology=system,
                preset="physical",
                link_model="circuit",
                model=str(self.folder / "mini.yaml"),
                trace=str(self.folder / "trace.jsonl"),
                batch=REQUESTS.get(world, 1),
                steps=len(TRACE),
                strategy=strategy,
                sets=(*more, *sets),
                engine=engine,
            )
            found = simulate.simulate(spec)
            done = {die: sum(value for part, _, _, value in found.statistics if part.startswith(die)) for die in DIES}
            self.known[key] = found.table.tolist(), tuple(die for die, worked in done.items() if not worked)
        return self.known[key]

    def links(self, text, model, engine="kernel"):
        """(layer table, {link: bytes}) of strategy base on the 2 x 2 wafer with this text laid over it."""
        key = text, model, engine
        if key not in self.known:
            path = self.folder / f"links_{len(self.known)}.yaml"
            path.write_text(f"schema: chipweave.topology/1\nname: links\n{text or 'extends: micro_2x2'}")
            spec = RunSpec(
                topology=str(path),
                preset="physical",
                link_model=model,
                model=str(self.folder / "mini.yaml"),
                trace=str(self.folder / "trace.jsonl"),
                batch=1,
                steps=len(TRACE),
                strategy="base",
                sets=FLITS if model == "flit" else (),
                engine=engine,
            )
            found = simulate.simulate(spec)
            [(_, names, stats)] = found.links
            self.known[key] = found.table.tolist(), dict(zip(names, stats.bytes.tolist(), strict=True))
        return self.known[key]


def places():
    """{place within the die: part} of one die of the wafer."""
    system = topology.load("micro_2x2")
    return {name.removeprefix("die[0][0]."): part for name, part in system.parts.items() if name.startswith(DIES[0])}


def ports_of(kind):
    """What a part of a class is joined by."""
    return {name: (port.protocol, port.provides) for name, port in kind.ports.items()}


def kinds():
    """(kind, place): each kind of the registry at each place of the die whose part has its ports and its base."""
    for place, part in places().items():
        for name in registry.components.kinds():
            kind = registry.components.find(name)
            base = next(c for c in type(part).__mro__ if c.__module__ == type(part).__module__)
            alike = ports_of(kind) == ports_of(type(part)) and (
                ports_of(kind) or kind.__name__.startswith(base.__name__)
            )
            if name == part.kind or (alike and issubclass(kind, Staged)):
                yield name, place


def walked():
    """(kind, place, parameter) of everything that is walked."""
    return [(kind, place, name) for kind, place in kinds() for name in registry.components.find(kind).params]


def values(param, now):
    """Texts to try; the first that changes a result is used."""
    if param.type == "choice":
        yield from (choice for choice in param.choices if choice != now)
    elif param.type == "bool":
        yield str(not now).lower()
    elif param.type == "str":
        yield from TABLES
    else:
        unit = UNITS.get(param.type, "")
        whole = param.type in ("time", "bytes", "count", "int", "bandwidth", "compute", "frequency")
        for value in [now * factor for factor in FACTORS] if now else NONE:
            yield f"{max(1, int(value)) if whole else float(value)}{unit}"


def verdict(bench, kind, place, name):
    """(word, of which world and value): "acts alone", "refused", "outside", "no effect", or what is wrong."""
    if registry.components.find(kind).params[name].outside:
        return "outside", ""
    swap = (f"die.{place}.kind={kind}",) if kind != places()[place].kind else ()
    part = topology.load("micro_2x2", sets=swap, preset="physical").parts[f"{DIES[0]}.{place}"]
    for world in WORLDS:
        plain, idle = bench.run(world, *swap)
        for value in values(part.params[name], getattr(part, name)):
            try:
                everywhere, _ = bench.run(world, *swap, f"die.{place}.{name}={value}")
            except BadInput:
                continue  # out of its range, or in none of the systems that can run
            if everywhere != plain:
                said = f"{world}, {value}"
                return alone(bench, world, swap, f"{place}.{name}={value}", plain, everywhere, idle), said
    return "no effect", ""


def alone(bench, world, swap, setting, plain, everywhere, idle):
    """The verdict on a setting that changes a result where all dies have it."""
    working = [f"{die}.{setting}" for die in DIES if die not in idle]
    try:
        found, _ = bench.run(world, *swap, *working)
    except BadInput as fault:
        return "refused" if ":" in str(fault) else f"refused without a place: {fault}"
    if found != everywhere or bench.run(world, *swap, *working, engine="plain")[0] != everywhere:
        return "IGNORED"
    if any(bench.run(world, *swap, f"{die}.{setting}")[0] != plain for die in idle):
        return "LEAKS"
    return "acts alone"


def link_verdict(bench, model, figure, value):
    """The verdict on a figure of the links of the mesh under a link model, set on single links.

    Under `base` some links carry something and some nothing: on all that carry it must be what it is on every link of
    the network, on the others nothing may change.
    """
    every = f"extends: micro_2x2\nnetworks: {{d2d: {{{figure}: {value}}}}}\n"
    plain, everywhere = bench.links("", model), bench.links(every, model)
    pairs = topology.load("micro_2x2").networks["d2d"].pairs()
    used = {frozenset(name.split(" -> ")) for name, carried in plain[1].items() if carried}
    both = {True: [p for p in pairs if frozenset(p) in used], False: [p for p in pairs if frozenset(p) not in used]}

    def only(some):
        said = ", ".join(f"{{between: ['{a}', '{b}'], {figure}: {value}}}" for a, b in some)
        return f"extends: micro_2x2\nnetworks: {{d2d: {{override: [{said}]}}}}\n"

    if everywhere == plain or not both[False]:
        return "no effect"
    engines = ("kernel",) if model == "flit" else ("kernel", "plain")
    found = [bench.links(only(both[True]), model, engine) for engine in engines]
    # Under flit the clock is the fastest link's, and an endpoint sends a flit a cycle: where all are slower, so is it.
    paced = model == "flit" and figure == "bandwidth"
    if any(result == plain if paced else result != everywhere for result in found):
        return "IGNORED"
    return "acts alone" if bench.links(only(both[False]), model) == plain else "LEAKS"


LINKS = [
    (model, figure, value)
    for model in ("circuit", "fair", "flit")
    for figure, value in (("latency", "333 ns"), ("bandwidth", "1.2 TB/s"))
]


def main():
    """Print a row for each kind, and what is left over."""
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        print(
            "| kind | place | acts alone | refused | declared: no run reads it | no effect | wrong |\n"
            + "|---" * 7
            + "|"
        )
        for kind, place in kinds():
            told = {}
            for name in registry.components.find(kind).params:
                word, said = verdict(bench, kind, place, name)
                told.setdefault(word, []).append(name if word in CALM else f"{name} ({said})")
                counts[word] = counts.get(word, 0) + 1
            wrong = [f"{word}: {n}" for word, ns in told.items() for n in ns if word.isupper() or "without" in word]
            cells = [", ".join(told.get(word, [])) for word in ("acts alone", "refused", "outside", "no effect")]
            print(f"| {kind} | {place} | {' | '.join(cells)} | {', '.join(wrong)} |", flush=True)
        for model, figure, value in LINKS:
            word = link_verdict(bench, model, figure, value)
            counts[word] = counts.get(word, 0) + 1
            held, wrong = (figure, "") if word == "acts alone" else ("", f"{word}: {figure}")
            print(f"| link of a network, {model} | d2d | {held} | | | | {wrong} |", flush=True)
    print("\n" + ", ".join(f"{word}: {n}" for word, n in sorted(counts.items())))


if __name__ == "__main__":
    main()
