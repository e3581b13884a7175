"""Are experts, choices of a token and ranks held against each other where a row of the ledger states them?"""

from dataclasses import replace

import pytest

from chipweave import ledger
from chipweave.validation.rows.units import no_gate
from chipweave.validation.suites import dies, h100, serving

from .suite_rows import rows_of

GROUPS = {
    "deepep_ll": (h100, "h100", "top-8, 256 experts"),
    "deepep_normal": (h100, "h100", "top-8, 256 experts"),
    "pplx": (h100, "h100", "256 experts, top-8"),
    "a2a_nodes": (serving, "serving", "topk=8; experts=256"),
    "a2a_nvl72": (serving, "serving", "topk=8; experts=256"),
    "moe_balanced": (serving, "serving", "experts=256; topk=8"),
    "b200_a2a": (dies, "dies", "topk=8; experts=256"),
    "b200_moe": (dies, "dies", "topk=8; experts=256"),
}


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("choices, experts", [(8, 4), (300, 256), (8, 257)])
def test_a_gate_that_cannot_be_is_not_modelled(group, choices, experts):
    suite, name, stated = GROUPS[group]
    question, value = next(
        (q, v) for q, v in rows_of(suite, group) if stated in q.conditions and "ep=1" not in q.conditions.split("; ")
    )
    words = stated.replace("8", str(choices)).replace("256", str(experts))
    changed = replace(question, conditions=question.conditions.replace(stated, words))
    right, wrong = (ledger.judge(name, [(q, value)], ledger.discover())[0] for q in (question, changed))
    assert right.simulated is not None
    assert wrong.simulated is None and wrong.why


@pytest.mark.parametrize(
    "experts, choices, ranks, why",
    [
        (256, 8, 8, None),
        (256, 256, 2, None),
        (4, 8, 4, "a token cannot choose 8 of 4 experts"),
        (256, 8, 7, "256 experts do not divide over 7 ranks"),
        (256, 8, 1, "one GPU exchanges nothing"),
    ],
)
def test_experts_choices_and_ranks_are_held_against_each_other(experts, choices, ranks, why):
    found = no_gate(experts, choices, ranks)
    assert (found.why if found else None) == why
