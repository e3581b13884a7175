"""A wafer of 25 different dies over one of 25 equal ones: `base` on DeepSeek-V3, CPU of the runs taken in turn.

Different means every figure that a die's parts read instance by instance, each a little else on each die; the walk goes
over the declarations, so a new parameter is in it. The wafer with equal dies is counted in instructions by
`python -m benchmarks kernels` (row `wafer`)."""

from chipweave import topology
from chipweave.component.staged import Staged
from chipweave.run import simulate as serving
from chipweave.run.spec import RunSpec

BAR = 1.3
TIMES = 3
SIDE = 5
ONE_FOR_ALL = ("efficiency",)  # of d2d.router, under link models whose messages share links
UNITS = {"time": " ps", "bytes": " B", "bandwidth": " B/s", "compute": " flop/s", "share": ""}


def settings(link_model):
    """`--set` texts that give each die of the 5 x 5 wafer its own values."""
    system = topology.load("wafer_5x5", preset="physical")
    first = "die[0][0]."
    for name, part in system.parts.items():
        if not (name.startswith(first) and isinstance(part, Staged)):
            continue
        for parameter, param in part.params.items():
            value = getattr(part, parameter)
            shared = part.kind == "d2d.router" and parameter in ONE_FOR_ALL and link_model != "circuit"
            if not param.each or value is None or shared or param.type not in UNITS:
                continue
            for number in range(SIDE * SIDE):
                die = f"die[{number % SIDE}][{number // SIDE}]."
                share = param.type == "share"
                own = float(value) * (1 - number / 1000) if share else int(value + max(1, value // 1000) * number)
                yield f"{die}{name.removeprefix(first)}.{parameter}={own}{UNITS[param.type]}"


def measure(link_model, sets):
    """(CPU s, events) of one run."""
    spec = RunSpec(strategy="base", steps=9, preset="physical", link_model=link_model, sets=tuple(sets))
    row = serving.simulate(spec).row
    return row["cpu_s"], row["events"]


def main():
    """Print the ratios beside the bar."""
    print(f"| link model | figures a die | equal, CPU s | different, CPU s | ratio | bar {BAR} x |")
    print("|---|---|---|---|---|---|")
    for link_model in ("circuit", "fair"):
        sets = list(settings(link_model))
        runs = [(measure(link_model, ()), measure(link_model, sets)) for _ in range(TIMES)]
        equal, different = (min(run[side][0] / run[side][1] for run in runs) for side in (0, 1))
        events = runs[0][0][1]
        ratio = different / equal
        print(
            f"| {link_model} | {len(sets) // SIDE**2} | {equal * events:.2f} | {different * events:.2f} "
            f"| {ratio:.2f} x | {'' if ratio <= BAR else 'missed'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
