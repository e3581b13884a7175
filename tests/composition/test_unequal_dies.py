"""Mixed dies, memory pools, several memories on a die, dies without a cache: do they run, and right?"""

import pytest
from small_systems import MEMORY_POOL, figures

from chipweave import topology
from chipweave.declare.user_code import Gate
from chipweave.errors import BadInput
from chipweave.run import simulate
from chipweave.run.check import NoWork, small_model
from chipweave.run.spec import RunSpec
from chipweave.topology import preset

BIG = """
extends: wafer
assemblies:
  big:
    parts:
      sm: {kind: sm.utilisation_table, peak: 2250 TFLOPS}
      llc: {kind: memory.llc, capacity: 128 MiB}
      hbm: {kind: memory.hbm, bandwidth: 8 TB/s, capacity: 192 GB}
      d2d: {kind: d2d.router, slots: {atu: {kind: d2d.atu}, pdu: {kind: d2d.pdu}}}
      cp: {kind: cp.local}
    links:
      - {between: [sm.memory, llc.access], latency: included}
      - {between: [llc.memory, d2d.access], latency: included}
      - {between: [d2d.memory, hbm.access], latency: included}
      - {between: [d2d.home_llc, llc.remote], latency: included}
      - {between: [cp.kernel, sm.work], latency: included}
      - {between: [cp.pdu, d2d.prediction], latency: included}
parts:
  die: {assembly: die, grid: null, count: 3}
  big: {assembly: big, count: 2}
links:
  - {between: [cp.launch, die.cp.launch], latency: 1600 ns, bandwidth: 1.7 TB/s}
  - {between: [cp.launch, big.cp.launch], latency: 1600 ns, bandwidth: 1.7 TB/s}
networks:
  d2d: {joins: [JOINS], shape: full}
"""
POOL = (
    MEMORY_POOL
    + """parts:
  die: {grid: null, count: 4}
  pool: {assembly: pool}
networks:
  d2d: {joins: [die.d2d.mesh, pool.d2d.mesh], shape: full}
"""
)
TRACE = [[[0, 1], [2, 3], [4, 5], [6, 0]], [[0, 1], [3, 6]], [[5, 2], [0, 4]]]
STRATEGIES = ("base", "ep", "allo", "pred", "allo+pred")


def statistic(outcome, part, name):
    return next(value for p, n, _, value in outcome.statistics if (p, n) == (part, name))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_order_of_declaration_changes_nothing(desk, strategy):
    trace = desk.trace(TRACE, TRACE)
    one = desk.topology(BIG.replace("JOINS", "die.d2d.mesh, big.d2d.mesh"), "one")
    other = desk.topology(BIG.replace("JOINS", "big.d2d.mesh, die.d2d.mesh"), "other")
    assert figures(desk.run(one, trace, strategy, batch=2)) == figures(desk.run(other, trace, strategy, batch=2))


@pytest.mark.parametrize("link_model", ["circuit", "fair", "flit"])
@pytest.mark.parametrize("strategy", ["base", "allo+pred"])
def test_kernel_and_twin_agree_on_mixed_dies(desk, light, strategy, link_model):
    light(link_model)
    trace = desk.trace(TRACE, TRACE)
    mixed = desk.topology(BIG.replace("JOINS", "die.d2d.mesh, big.d2d.mesh"))
    sets = ("d2d.router.vcs=16",) if link_model == "flit" else ()
    runs = [
        desk.run(mixed, trace, strategy, batch=2, link_model=link_model, engine=engine, preset="physical", sets=sets)
        for engine in ("kernel", "plain")
    ]
    assert figures(runs[0]) == figures(runs[1])
    assert (runs[0].table == runs[1].table).all()


def test_experts_of_a_memory_pool_are_read_over_its_link_and_computed_elsewhere(desk):
    (desk.folder / "home.csv").write_text("expert,die\n" + "".join(f"{e},4\n" for e in range(7)))
    (desk.folder / "pooled.yaml").write_text(
        "placement: {kind: from_file, path: home.csv}\nallocation: home\nprediction: none\nreplacement: unbounded\n"
    )
    pool = desk.topology(POOL)
    trace = desk.trace([[[3, 3]], [[3, 3]]])
    out = desk.run(pool, trace, str(desk.folder / "pooled.yaml"), preset="physical", link_model="circuit")
    # One expert, three slices of 1 MiB, all read at the pool one after the other; one layer of decode:
    # lookup 110, request 200 + 16 B, then the pool's 600 ns and 1 MiB at 0.9 x 500 GB/s for each, data 200 + 1 MiB.
    mib, ns = 2**20, 1000
    read = 600 * ns + -(-mib * 10**12 // (9 * 50 * 10**9))
    request = 200 * ns + -(-16 * 10**12 * 10 // (9 * 1_700_000_000_000))
    data = 200 * ns + -(-mib * 10**12 * 10 // (9 * 1_700_000_000_000))
    gemm = -(-2 * 2 * 1024 * 512 * 10 // (7 * 989))  # ps: 2 tokens at 0.7 x 989 TFLOPS
    control = 2 * 1600 * ns
    decode = [int(row[2]) for row in out.table if row[0] == 1]
    assert statistic(out, "pool.hbm", "remote_reads") == 2 * 2 * 3
    assert all(statistic(out, f"die[{d}].hbm", "local_reads") == 0 for d in range(4))
    assert decode == [control + 110 * ns + request + 3 * read + data + gemm] * 2


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_shipped_strategy_gives_a_memory_pool_work_or_weights_unasked(desk, strategy):
    out = desk.run(desk.topology(POOL), desk.trace(TRACE, TRACE), strategy, batch=2, preset="physical")
    assert not [s for s in out.statistics if s[0].startswith("pool") and s[3]]


@pytest.mark.parametrize("interleave", ["line", "slice", "range"])
@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_two_memories_on_a_die(desk, interleave, engine):
    """Striped, a read of 1 MiB takes half of it from each; in turn, one controller has it all. Bytes are kept either
    way."""
    text = (
        "extends: micro_2x2\nexpect: null\nassemblies:\n  die:\n"
        "    parts:\n      hbm: {count: 2, bandwidth: 1.7 TB/s}\n"
    )
    two = desk.topology(text + f"      d2d: {{interleave: {interleave}}}\n")
    trace = desk.trace([[[2, 6], [2, 6]], [[2, 6]]])
    out = desk.run(two, trace, engine=engine)
    one = desk.run("micro_2x2", trace, sets=("die.hbm.bandwidth=3.4 TB/s",))
    read = [statistic(out, f"die[0][1].hbm[{i}]", "local_bytes") for i in (0, 1)]
    assert sum(read) == statistic(one, "die[0][1].hbm", "local_bytes")
    if interleave == "line":
        assert out.row["decode_time_ns"] == one.row["decode_time_ns"] and abs(read[0] - read[1]) <= 24
    elif interleave == "slice":
        assert read[0] == read[1]


def test_controllers_of_python_are_striped_as_ours_are(desk):
    text = (
        "extends: micro_2x2\nexpect: null\nassemblies:\n  die:\n"
        "    parts:\n      hbm: {count: 2, bandwidth: 1.7 TB/s}\n"
    )
    trace = desk.trace(TRACE, TRACE)
    ours = desk.run(desk.topology(text, "ours"), trace, "base", batch=2)
    plain = desk.topology(text.replace("count: 2", "kind: memory.hbm_plain, count: 2"), "plain")
    assert figures(desk.run(plain, trace, "base", batch=2)) == figures(ours)


@pytest.mark.parametrize("strategy", ["base", "ep", "allo+pred"])
def test_another_kind_on_some_dies_gives_the_same_figures(desk, strategy):
    """The plain kinds model what ours do: put on one die alone, nothing changes."""
    kinds = "{hbm: {kind: memory.hbm_plain}, llc: {kind: memory.llc_plain}, sm: {kind: sm.utilisation_table_plain}}"
    mixed = desk.topology(f'extends: micro_2x2\nparts: {{die: {{override: {{"[1][0]": {kinds}}}}}}}\n')
    trace = desk.trace(TRACE, TRACE)
    assert figures(desk.run(mixed, trace, strategy, batch=2)) == figures(
        desk.run("micro_2x2", trace, strategy, batch=2)
    )


def test_a_die_without_a_cache_reads_its_memory_each_time(desk):
    bare = desk.topology(
        """extends: wafer
assemblies:
  die:
    parts: {llc: null}
    links:
      - {between: [sm.memory, d2d.access], latency: included}
      - {between: [d2d.memory, hbm.access], latency: included}
      - {between: [cp.kernel, sm.work], latency: included}
      - {between: [cp.pdu, d2d.prediction], latency: included}
parts:
  die: {grid: [2, 2]}
"""
    )
    trace = desk.trace(TRACE, TRACE)
    runs = [desk.run(bare, trace, "base", batch=2, engine=engine) for engine in ("kernel", "plain")]
    assert figures(runs[0]) == figures(runs[1]) and runs[0].row["local_llc_hits"] == 0


OWN = {
    "d2d": {"request_size": "{} B", "round_to": "{} ps", "efficiency": "0.{}"},
    "hbm": {"round_to": "{} ps", "latency": "{} ns", "bandwidth": "2{} GB/s"},
    "llc": {"hit_latency": "{} ns", "capacity": "{} MiB"},
    "sm": {"peak": "9{} TFLOPS"},
}


def stages_of(side, different):
    """How many stages the chains of a wafer have, whose dies have figures of their own or not."""
    sets = [f"parts.die.grid=[{side}, {side}]"]
    for i in range(side * side if different else 0):
        die = f"die[{i % side}][{i // side}]"
        sets += [
            f"{die}.{part}.{name}={text.format(10 + i)}" for part, own in OWN.items() for name, text in own.items()
        ]
    spec = RunSpec(topology="wafer", sets=tuple(sets), preset="physical", link_model="circuit")
    system = topology.load("wafer", sets=sets, preset="physical")
    policies = simulate.open_strategy(spec, preset.load("physical"), Gate(False))
    run, _ = simulate.stage(spec, small_model(), system, policies, small_model().moe_layers, NoWork)
    return sum(len(chain.stages) for chain in run.layout.chains.values())


def test_stages_of_different_dies_grow_with_the_dies_and_not_with_their_pairs():
    """A message of each sort for each die that differs, and one choice before them; equal dies share all."""
    assert stages_of(2, False) == stages_of(5, False) == stages_of(1, True)
    sorts = 3  # request to the LLC, request to the HBM, data
    assert stages_of(5, True) == stages_of(5, False) + sorts * (25 - 1) + sorts
    assert stages_of(3, True) == stages_of(3, False) + sorts * (9 - 1) + sorts


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_a_request_has_the_size_that_its_own_die_gives_it(desk, engine):
    """All work of the trace is read from [0][1]; `base` gives it to others, whose requests alone grow."""
    trace = desk.trace([[[2, 6], [2, 6]], [[2, 6]]])
    at = {"asks": "die[1][1].d2d.request_size=1 MB", "serves": "die[0][1].d2d.request_size=1 MB"}
    runs = {n: desk.run("micro_2x2", trace, "base", sets=(s,), engine=engine).row for n, s in at.items()}
    plain = desk.run("micro_2x2", trace, "base", engine=engine).row
    assert runs["serves"]["decode_time_ns"] == plain["decode_time_ns"] < runs["asks"]["decode_time_ns"]


@pytest.mark.parametrize("model", ["fair", "flit"])
def test_dies_that_differ_in_efficiency_are_refused_where_messages_share_links(desk, model):
    system = desk.topology(
        'extends: micro_2x2\nparts: {die: {override: {"[0][0]": {d2d: {efficiency: 0.5}}}}}\n', "shares"
    )
    words = (
        r"shares.yaml:5:55: die\[0\]\[0\].d2d.efficiency is 0.5, that of others 0.9: under .*; "
        "allowed: one efficiency for all dies"
    )
    with pytest.raises(BadInput, match=words):
        desk.run(system, desk.trace(TRACE), preset="physical", link_model=model)


def test_tokens_move_by_the_figures_of_the_die_that_sends_them(desk):
    """Vectors of one die rounded up to 1 us, of the others to 1 ps: a chain whose first stage differs by die."""
    sets = ("cp.tokens=moved", "die[0][1].d2d.round_to=1 us")
    trace, more = desk.trace(TRACE, TRACE), dict(preset="physical", batch=2, link_model="circuit")
    runs = [desk.run("micro_2x2", trace, "ep", sets=sets, engine=engine, **more) for engine in ("kernel", "plain")]
    plain = desk.run("micro_2x2", trace, "ep", sets=sets[:1], **more)
    assert figures(runs[0]) == figures(runs[1])
    assert runs[0].row["decode_time_ns"] > plain.row["decode_time_ns"]


TWO = """extends: micro_2x2
expect: null
assemblies: {die: {parts: {hbm: {count: 2, bandwidth: 1.7 TB/s}, d2d: {interleave: slice}}}}
"""


@pytest.mark.parametrize("how", ["override", "set", "within"])
@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_one_of_several_memories_of_one_die_may_differ(desk, how, engine):
    """Slices in turn: every second read of the die takes 1 us more, and nothing else of the system."""
    late = "parts: {die: {override: {'[0][1]': {%s}}}}\n"
    text = {
        "override": late % "'hbm[1]': {latency: 1300 ns}",
        "within": late % "hbm: {override: {'[1]': {latency: 1300 ns}}}",
        "set": "",
    }[how]
    sets = ("die[0][1].hbm[1].latency=1300 ns",) if how == "set" else ()
    system = topology.load(desk.topology(TWO + text), sets=sets)
    assert [n for n, p in system.parts.items() if getattr(p, "latency", 0) == 1_300_000] == ["die[0][1].hbm[1]"]
    trace = desk.trace([[[2, 2]], [[2, 2]]])
    found, plain = (
        desk.run(desk.topology(TWO + t), trace, sets=s, engine=engine, preset="physical")
        for t, s in ((text, sets), ("", ()))
    )
    assert found.row["decode_time_ns"] - plain.row["decode_time_ns"] > 2 * 990


@pytest.mark.parametrize("setting, words", [("hbm[2]", r"\[2\] lies outside its grid"), ("sm[0]", "it is there once")])
def test_an_index_that_none_has_is_refused(desk, setting, words):
    with pytest.raises(BadInput, match=words):
        topology.load(desk.topology(TWO), sets=(f"die[0][1].{setting}.latency=1 ns",))
