"""The published artifact's micro-cases: does each come out at its exact nanosecond, in C and in plain Python?"""

import case_study as cs
import pytest

# name, rows, model -> ns, matrices, steps; a plan is (expert, home, exec); 100 tokens each, dies on a line unless rows
# x columns
QWEN = [
    ("M1", (1, 1), [(0, 0, 0)], 1, [6756]),
    ("M1 3 slices", (1, 1), [(0, 0, 0)], 3, [16452]),
    ("M2", (2, 1), [(1, 1, 0)], 1, [14814]),
    ("M2 3 slices", (2, 1), [(1, 1, 0)], 3, [31276]),
    ("M3", (3, 1), [(1, 2, 0)], 1, [15214]),
    ("M3b", (2, 2), [(1, 3, 0)], 1, [15214]),
    ("M4", (3, 1), [(1, 2, 0), (2, 2, 1)], 1, [23445]),
    ("M4b", (2, 1), [(1, 1, 0), (2, 0, 1)], 1, [23045]),
    ("M5 early booking", (4, 1), [(1, 1, 0), (2, 3, 2), (3, 3, 2), (4, 3, 2), (5, 0, 2)], 1, [31276]),
    ("M6 barging", (4, 1), [(1, 2, 3), (2, 0, 1), (3, 0, 1), (4, 0, 1), (5, 3, 1), (6, 2, 1)], 1, [33074]),
    ("M7 head-only", (5, 1), [(1, 2, 1), (2, 4, 2), (3, 0, 1), (4, 0, 1), (5, 0, 1), (6, 3, 1), (7, 2, 1)], 1, [36751]),
    ("M8a local LLC hit", (1, 1), [(0, 0, 0)], 1, [6756, 1898]),
    ("M8r remote LLC hit", (2, 1), [(1, 1, 0)], 1, [14814, 10440]),
    ("M10 HBM sharing", (2, 1), [(1, 1, 0), (2, 1, 1), (3, 1, 1)], 1, [19461]),
    ("M11 compute booked by data in flight", (2, 1), [(0, 0, 0), (1, 1, 0), (2, 0, 0), (3, 0, 0)], 1, [18520]),
    ("M13 one expert on three dies", (3, 1), [(1, 2, 0), (1, 2, 1), (1, 2, 2)], 1, [27892]),
]
OTHERS = {
    "M1": (16633, 43711),
    "M1 3 slices": (37933, 105101),
    "M2": (35161, 96714),
    "M2 3 slices": (73037, 204188),
    "M3": (35561, 97114),
}
CASES = [("qwen", *case) for case in QWEN] + [
    (model, name, mesh, plan, matrices, [OTHERS[name][model == "llama4"]])
    for name, mesh, plan, matrices, _ in QWEN
    if name in OTHERS
    for model in ("deepseek", "kimi", "llama4")
]


@pytest.fixture(params=["kernel", "plain"])
def engine_kind(request):
    return request.param


def play(engine, model, plan, matrices, steps, predicted=()):
    for die, expert in predicted:
        engine.array(engine.layout.find("cp_en"))[die, expert] = 1
    entries = [(expert, 100, die, home) for expert, home, die in plan]
    return [cs.run_layer(engine, entries, model, matrices=matrices) for _ in range(steps)]


@pytest.mark.parametrize("model, name, mesh, plan, matrices, times", CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_every_micro_case_ends_at_its_nanosecond(engine_kind, model, name, mesh, plan, matrices, times):
    engine = cs.artifact(cs.layout(model, *mesh), engine=engine_kind)
    assert play(engine, model, plan, matrices, len(times)) == times
    engine.check()


@pytest.mark.parametrize("matrices, times", [(1, [17490, 6756, 1898]), (3, [33952, 16452])])
def test_m9_a_predicted_copy_ends_the_layer_with_its_store_and_is_read_in_the_next(engine_kind, matrices, times):
    engine = cs.artifact(cs.layout("qwen", 2, 1), engine=engine_kind)
    assert play(engine, "qwen", [(1, 1, 0)], matrices, len(times), predicted=[(0, 1)]) == times
    assert engine.array(engine.layout.find("copies"))[0].tolist()[3 : 3 + matrices] == [1] * matrices


def test_m5_the_request_booked_out_by_data_in_flight_goes_at_once_without_booking(engine_kind):
    """Expert 5: request 440-841, HBM to 5,315, its data waits for link 0-1 until 13,016, 8,431 on two links,
    compute 2 is taken by expert 3 until 23,045, then 1,798."""
    plan = next(case[2] for case in QWEN if case[0].startswith("M5"))
    ends = {}
    for booking in (True, False):
        engine = cs.artifact(cs.layout("qwen", 4, 1), engine=engine_kind, booking=booking)
        play(engine, "qwen", plan, 1, 1)
        ends[booking] = engine.finish_ps(0)[4] // 1000
    assert ends == {True: 13016 + 401 + 4474 + 8431 + 1798, False: 24843}
