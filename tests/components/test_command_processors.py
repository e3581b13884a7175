"""The command processors and the host link: what a layer pays for control, and when each die starts."""

import pytest
from dies_by_hand import DATA, GEMM, LOCAL, LOOKUP, NS, REMOTE, REQUEST, Played

WIRE = 1600 * NS  # plan or report over the wafer
CONTROL = "cp.layer_time=control"
ALONE = LOOKUP + LOCAL + GEMM  # one local expert
REMOTELY = LOOKUP + REQUEST + REMOTE + DATA + GEMM


def test_a_layer_lasts_from_plan_to_last_report_under_control_and_from_first_to_last_transfer_under_kernel():
    assert Played([(0, 0, 0)]).times == [ALONE]
    assert Played([(0, 0, 0)], sets=[CONTROL]).times == [WIRE + ALONE + WIRE]


def test_planning_time_is_the_controls_alone():
    assert Played([(0, 0, 0)], sets=["cp.plan_time=3 us"]).times == [ALONE]
    assert Played([(0, 0, 0)], sets=["cp.plan_time=3 us", CONTROL]).times == [3000 * NS + 2 * WIRE + ALONE]


def test_the_next_layer_is_planned_when_the_last_report_is_in():
    """Three steps: the clock stands at their sum, whatever the layer time counts."""
    played = Played([(0, 0, 0)], [(2, 0, 0)], [(4, 0, 0)], sets=[CONTROL, "cp.plan_time=3 us"])
    each = 3000 * NS + 2 * WIRE + ALONE
    assert played.times == [each] * 3
    assert played.system.parts["cp"].simulation.now == 3 * each
    assert played.statistic("cp", "layers_planned") == 3


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_a_die_with_a_dispatch_time_of_its_own_starts_later_by_it(engine):
    """Die 1 takes 500 ns longer: its expert ends then, die 0's does not care."""
    late = ["die[1][0].cp.dispatch_time=500 ns"]
    assert Played([(0, 0, 0), (1, 1, 1)], sets=late, engine=engine).times == [500 * NS + ALONE]
    assert Played([(0, 0, 0)], sets=[*late, CONTROL], engine=engine).times == [2 * WIRE + ALONE]
    assert Played([(1, 1, 1)], sets=[*late, CONTROL], engine=engine).times == [2 * WIRE + 500 * NS + ALONE]


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_dies_that_start_late_find_what_the_early_ones_left(engine):
    """Die 0 reads expert 1 of die 1: HBM 1 is taken 311-4,785, before die 1 looks its own expert up at 1,000. Without
    the delay die 1 has its HBM first, 110-4,958, and die 0 waits for it."""
    plan = [(1, 1, 0), (3, 1, 1)]
    late = Played(plan, sets=["die[1][0].cp.dispatch_time=1 us"], engine=engine, admission="work_conserving")
    assert late.times == [REMOTELY]
    together = Played(plan, engine=engine, admission="work_conserving")
    assert together.times == [LOOKUP + LOCAL + REMOTE + DATA + GEMM]


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_three_dies_may_start_at_three_times(engine):
    """0, 7 and 100 ns: three batches of one kernel, and the layer lasts from the first start to the last end."""
    sets = ["die[1][0].cp.dispatch_time=7 ns", "die[2][0].cp.dispatch_time=100 ns"]
    played = Played([(0, 0, 0), (1, 1, 1), (2, 2, 2)], dies=3, sets=sets, engine=engine)
    assert played.times == [100 * NS + ALONE]
    assert [played.statistic(f"die[{die}][0].cp", "kernels") for die in range(3)] == [1, 1, 1]


def test_prediction_bits_are_there_before_the_kernel_they_are_for():
    played = Played([(1, 1, 0)], copy=[(0, 1)], sets=["die[0][0].cp.dispatch_time=500 ns", CONTROL])
    assert played.held == [{(0, 1): 1}]
    assert played.times == [2 * WIRE + 500 * NS + LOOKUP + REQUEST + REMOTE + DATA + REMOTE]


def test_the_host_costs_each_layer_one_round_trip_more_than_no_control_at_all():
    """wafer_5x5_host says 10 us each way and nothing else, so a layer pays 20 us exactly."""
    played = Played([(0, 0, 0)], [(1, 1, 1)], topology_name="wafer_5x5_host", sets=[CONTROL])
    assert played.times == [20_000 * NS + ALONE] * 2
    assert played.system.parts["host"].one_way == 10_000 * NS
    assert played.statistic("host", "messages") == 2 * 2 * 25


def test_the_hosts_cost_shows_under_the_papers_preset_as_the_file_stands():
    """Its overhead is that of its link; the wafer's own processor pays two wires of 1.6 us."""
    host, own = (
        Played([(0, 0, 0)], topology_name=name, preset="paper", sets=["cp.capacity=reported"])
        for name in ("wafer_5x5_host", "wafer_5x5")
    )
    assert host.times[0] - own.times[0] == 20_000 * NS - 2 * WIRE


def test_a_host_link_of_another_length_costs_twice_its_way():
    times = Played([(0, 0, 0)], topology_name="wafer_5x5_host", sets=[CONTROL, "host.one_way=6 us"]).times
    assert times == [12_000 * NS + ALONE]


def test_remote_reads_pay_the_control_once():
    assert Played([(1, 1, 0)], sets=[CONTROL]).times == [2 * WIRE + REMOTELY]
