"""Random systems of several assemblies on random graphs: do kernel and twin agree, and is nothing lost?"""

import json

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipweave.cli.compare import command
from chipweave.run.record import COLUMNS

DOOR = "d2d: {kind: d2d.router, slots: {atu: {kind: d2d.atu}, pdu: {kind: d2d.pdu}}%s}"
WIRED = "- {between: [%s], latency: included}"
CONTROL = f"{WIRED % 'cp.kernel, sm.work'}\n      {WIRED % 'cp.pdu, d2d.prediction'}"
# What each assembly has beside its door, and the wires within; all but the pool compute.
ASSEMBLIES = {
    "usual": """
      sm: {kind: sm.utilisation_table, peak: 989 TFLOPS}
      llc: {kind: memory.llc}
      hbm: {kind: memory.hbm}""",
    "big": """
      sm: {kind: sm.utilisation_table, peak: 1200 TFLOPS, count: 2}
      llc: {kind: memory.llc_plain, capacity: 8 MiB, ways: 8}
      hbm: {kind: memory.hbm, bandwidth: 4 TB/s, count: 2}""",
    "bare": """
      sm: {kind: sm.utilisation_table_plain, peak: 300 TFLOPS}
      hbm: {kind: memory.hbm_plain, bandwidth: 1 TB/s, latency: 500 ns}""",
    "diskless": """
      sm: {kind: sm.utilisation_table, peak: 500 TFLOPS}
      llc: {kind: memory.llc, capacity: 16 MiB, hit_latency: 60 ns}""",
    "pool": """
      hbm: {kind: memory.hbm, bandwidth: 500 GB/s, latency: 600 ns, capacity: 2 TB}""",
}
WIRES = {"llc": "[llc.memory, d2d.access]", "hbm": "[d2d.memory, hbm.access]", "home": "[d2d.home_llc, llc.remote]"}
RATES = ["50 GB/s", "333 GB/s", "1.7 TB/s"]
TRACE = [[[0, 1], [2, 3], [4, 5], [6, 0]], [[0, 1], [3, 6]], [[5, 2], [0, 4]]]
SLICES, SLICE = 3, 1024 * 512 * 2


def assembly(name, more):
    """The text of an assembly with its wires; `more` is written into its door."""
    parts, works = ASSEMBLIES[name], name != "pool"
    wires = [WIRES["hbm"]] if "hbm:" in parts else []
    if "llc:" in parts:
        wires += [WIRES["llc"], WIRES["home"]]
    if works:
        wires.append("[sm.memory, llc.access]" if "llc:" in parts else "[sm.memory, d2d.access]")
    text = f"  {name}:\n    parts:{parts}\n      {DOOR % more}\n"
    text += "      cp: {kind: cp.local}\n" if works else ""
    text += "    links:\n" + "".join(f"      - {{between: {wire}, latency: included}}\n" for wire in wires)
    return text + (f"      {CONTROL}\n" if works else "")


@st.composite
def systems(draw):
    """The text of a topology: two to four assemblies, three to six dies, a tree with links across that differ."""
    names = ["usual", *draw(st.lists(st.sampled_from(sorted(ASSEMBLIES)[:-1]), max_size=3, unique=True))]
    counts = {name: draw(st.integers(1, 2)) for name in dict.fromkeys(names)}
    counts["usual"] = max(counts["usual"], 3 - sum(counts.values()))
    dies = sum(counts.values())
    pairs = {(draw(st.integers(0, b - 1)), b) for b in range(1, dies)}
    pairs |= set(draw(st.lists(st.sampled_from([(a, b) for b in range(dies) for a in range(b)]), max_size=3)))
    edges = [
        f"{{between: [{a}, {b}], bandwidth: {draw(st.sampled_from(RATES))}, latency: {draw(st.integers(1, 900))} ns}}"
        for a, b in sorted(pairs)
    ]
    size = draw(st.sampled_from(["", ", request_size: 4 KiB"]))
    interleave = draw(st.sampled_from(["line", "slice", "range"]))
    made = "".join(assembly(n, (size if n == "usual" else "") + f", interleave: {interleave}") for n in counts)
    works = [n for n in counts if n != "pool"]
    wire = "latency: 1600 ns, bandwidth: 1.7 TB/s"
    moves = draw(st.sampled_from(["moved", "'off'"]))
    return (
        f"assemblies:\n{made}parts:\n  cp: {{kind: cp.global, tokens: {moves}}}\n"
        + "".join(f"  {n}: {{assembly: {n}, count: {c}}}\n" for n, c in counts.items())
        + "links:\n"
        + "".join(f"  - {{between: [cp.launch, {n}.cp.launch], {wire}}}\n" for n in works)
        + f"networks:\n  d2d:\n    joins: [{', '.join(f'{n}.d2d.mesh' for n in counts)}]\n    shape: edges\n"
        + f"    edges: [{', '.join(edges)}]\n    routing: up_down\n    latency: 100 ns\n    bandwidth: 1 TB/s\n"
        + "    router: {flit: 64 KiB, max_packet: 256 KiB, vcs: 8, message_vcs: 2}\n"
    )


MANY = dict(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
KEEPS = (
    ("placement", "contiguous"),
    ("allocation", "round_robin"),
    ("prediction", "always"),
    ("replacement", "unbounded"),
)


@pytest.mark.slow
@settings(max_examples=12, **MANY)
@given(
    text=systems(),
    strategy=st.sampled_from(["base", "ep", "allo", KEEPS]),
    model=st.sampled_from(["circuit", "fair", "flit"]),
)
def test_kernel_and_twin_agree_and_nothing_is_lost(desk, text, strategy, model):
    system, trace = desk.topology(text), desk.trace(TRACE, TRACE)
    more = dict(preset="physical", batch=2, steps=3, link_model=model)
    ours, plain = (desk.run(system, trace, strategy, engine=engine, **more) for engine in ("kernel", "plain"))
    assert (ours.table == plain.table).all() and sorted(ours.statistics) == sorted(plain.statistics)
    count = {}
    for _, name, _, value in ours.statistics:
        count[name] = count.get(name, 0) + value
    reads = SLICES * int(ours.table[:, COLUMNS.index("plan_entries")].sum())
    striped = "interleave: line" in text and "\n  big:" in text
    if not striped:  # of a striped read each controller counts its part
        hits = count.get("local_hits", 0) + count.get("remote_hits", 0)
        assert count["local_reads"] + count["remote_reads"] + hits == reads
    assert count["remote_bytes"] % 8 == 0 and (striped or count["remote_bytes"] == SLICE * count["remote_reads"])
    moved = ours.facts["tokens"]
    assert count["token_bytes"] == moved.get("dispatch_bytes", 0) + moved.get("combine_bytes", 0)
    assert 2 * moved.get("dispatch_bytes", 0) == moved.get("combine_bytes", 0)  # each token there is a result back


@pytest.mark.slow
def test_the_hash_is_the_same_for_any_jobs(desk):
    parts = "".join(assembly(name, "") for name in ("usual", "bare", "pool"))
    wires = "".join(
        f"  - {{between: [cp.launch, {n}.cp.launch], latency: 1 us, bandwidth: 1 TB/s}}\n" for n in ("usual", "bare")
    )
    text = f"assemblies:\n{parts}parts:\n  cp: {{kind: cp.global}}\n"
    text += "".join(f"  {n}: {{assembly: {n}, count: 2}}\n" for n in ("usual", "bare", "pool"))
    text += f"links:\n{wires}networks:\n  d2d: {{joins: [usual.d2d.mesh, bare.d2d.mesh, pool.d2d.mesh], shape: ring, "
    text += "latency: 100 ns, bandwidth: 1 TB/s}\n"
    hashes = []
    for jobs in ("1", "3"):
        words = ["--topology", desk.topology(text), "--model", str(desk.folder / "mini.yaml"), "--batch", "2"]
        words += ["--trace", desk.trace(TRACE, TRACE), "--steps", "3", "--strategies", "base,ep,allo", "--jobs", jobs]
        done = CliRunner().invoke(command, [*words, "--json", "-"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        hashes.append(json.loads(done.stdout)["result_sha256"])
    assert hashes[0] == hashes[1]
