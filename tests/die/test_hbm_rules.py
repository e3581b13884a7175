"""Is each command legal at its earliest cycle and not one before, for every constraint, in kernel and twin?"""

import pytest
from small_die import HBM

from chipweave import fabric
from chipweave.line_rate.endpoints import load_table
from chipweave.plain.hbm_channel import PlainRules

ACT, PRE, RD, WR, REFAB, REFPB = range(6)
SAME, GROUP, OTHER = 0, 8, 1  # bank 0; bank 8 shares its group (8 groups); bank 1 is in another
BASE = {
    "nBL": 2,
    "nCL": 11,
    "nCWL": 7,
    "nRCDRD": 13,
    "nRCDWR": 9,
    "nRP": 17,
    "nRAS": 29,
    "nRC": 47,
    "nWR": 19,
    "nRTP": 5,
    "nCCDS": 2,
    "nCCDL": 4,
    "nRRDS": 3,
    "nRRDL": 6,
    "nFAW": 31,
    "nWTRS": 8,
    "nWTRL": 12,
    "nRTW": 15,
    "nRREFD": 10,
    "nRFC": 200,
    "nRFCpb": 90,
}
WRITTEN = BASE["nCWL"] + BASE["nBL"]

CONSTRAINTS = [  # first command and bank, following command and bank, cycles between
    ("tRCD, read", ACT, SAME, RD, SAME, 13),
    ("tRCD, write", ACT, SAME, WR, SAME, 9),
    ("tRAS", ACT, SAME, PRE, SAME, 29),
    ("tRC", ACT, SAME, ACT, SAME, 47),
    ("tRRD_S", ACT, SAME, ACT, OTHER, 3),
    ("tRRD_L", ACT, SAME, ACT, GROUP, 6),
    ("tRP", PRE, SAME, ACT, SAME, 17),
    ("tRTP", RD, SAME, PRE, SAME, 5),
    ("tCCD_S, read", RD, SAME, RD, OTHER, 2),
    ("tCCD_L, read", RD, SAME, RD, GROUP, 4),
    ("tCCD_S, write", WR, SAME, WR, OTHER, 2),
    ("tCCD_L, write", WR, SAME, WR, GROUP, 4),
    ("tRTW", RD, SAME, WR, OTHER, 15),
    ("tWTR_S", WR, SAME, RD, OTHER, WRITTEN + 8),
    ("tWTR_L", WR, SAME, RD, GROUP, WRITTEN + 12),
    ("tWR", WR, SAME, PRE, SAME, WRITTEN + 19),
    ("tRFC", REFAB, SAME, ACT, OTHER, 200),
    ("tRFC, refresh", REFAB, SAME, REFAB, SAME, 200),
    ("tRFCpb", REFPB, SAME, ACT, SAME, 90),
    ("tRREFD", REFPB, SAME, ACT, OTHER, 10),
    ("tRREFD, refresh", REFPB, SAME, REFPB, OTHER, 10),
    ("tRC to refresh", ACT, SAME, REFPB, SAME, 47),
    ("tRRD to refresh", ACT, SAME, REFPB, OTHER, 3),
    ("tRP to refresh", PRE, SAME, REFPB, SAME, 17),
    ("tRC to refresh of all", ACT, SAME, REFAB, OTHER, 47),
    ("tRP to refresh of all", PRE, SAME, REFAB, OTHER, 17),
]


class KernelRules:
    def __init__(self, parameters):
        self.ffi, self.lib = fabric.load("hbm_channel")
        self.rules = self.ffi.gc(self.lib.hbm_rules_open(list(parameters.values())), self.lib.hbm_rules_close)

    def earliest(self, command, bank):
        return self.lib.hbm_earliest(self.rules, command, bank)

    def issue(self, command, bank, cycle, bursts=1):
        self.lib.hbm_issue(self.rules, command, bank, cycle, bursts)


@pytest.fixture(params=[KernelRules, PlainRules], ids=["kernel", "plain"])
def rules(request):
    standard = {name: HBM.get(name, p[1]) for name, p in load_table("hbm_channel").parameters.items()}
    return request.param(standard | BASE)


def legal(rules, command, bank, cycle):
    return rules.earliest(command, bank) <= cycle


@pytest.mark.parametrize(
    "first, bank, then, other, cycles", [c[1:] for c in CONSTRAINTS], ids=[c[0] for c in CONSTRAINTS]
)
def test_a_command_is_legal_at_n_and_not_at_n_minus_1(rules, first, bank, then, other, cycles):
    rules.issue(first, bank, 1000)
    assert legal(rules, then, other, 1000 + cycles)
    assert not legal(rules, then, other, 1000 + cycles - 1)


def test_a_fifth_activate_waits_for_the_window_of_four(rules):
    for i in range(4):
        rules.issue(ACT, i, 1000 + 3 * i)
    assert legal(rules, ACT, 4, 1000 + 31) and not legal(rules, ACT, 4, 1000 + 30)


def test_bursts_of_a_line_hold_their_group_longer_than_the_bus(rules):
    rules.issue(RD, SAME, 1000, 4)
    assert legal(rules, RD, OTHER, 1008) and not legal(rules, RD, OTHER, 1007)  # 4 x tCCD_S
    assert legal(rules, RD, GROUP, 1016) and not legal(rules, RD, GROUP, 1015)  # 4 x tCCD_L
    assert legal(rules, PRE, SAME, 1017) and not legal(rules, PRE, SAME, 1016)  # last burst at 1012, then tRTP


def test_other_banks_are_not_held_by_a_bank_s_own_times(rules):
    rules.issue(PRE, SAME, 1000)
    assert legal(rules, ACT, OTHER, 1000) and legal(rules, PRE, OTHER, 1000)
