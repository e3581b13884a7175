"""Is a number that goes to a behaviour in C declared there alone: range, unit and words of the part are the table's?"""

import pytest

from chipweave.declare.params import as_node
from chipweave.declare.registry import components
from chipweave.errors import BadInput
from chipweave.line_rate.endpoints import load_table
from chipweave.line_rate.passed import Passed

KINDS = ["gpu.command_processor", "gpu.hbm", "gpu.llc_slices", "gpu.sm", "gpu.sm_network", "gpu.tma"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_number_of_the_table_is_declared_nowhere_else(kind):
    part = components.find(kind)
    table = load_table(part.behaviour).parameters
    found = {name: param for name, param in part.params.items() if name in table and param.type == "int"}
    assert found and all(isinstance(param, Passed) for param in found.values())
    for name, param in found.items():
        unit, _, low, high, words = table[name]
        assert (param.low, param.high) == (low, high) and param.doc.startswith(words) and unit in param.doc, name


def test_one_beyond_the_range_of_the_table_is_refused_where_it_is_read():
    hit = components.find("gpu.sm").params["hit_cycles"]
    assert hit.read(as_node("10000")) == 10000 and hit.required
    with pytest.raises(BadInput, match="hit_cycles = 10001 is out of range; allowed: int from 1 to 10000"):
        hit.read(as_node("10001"))
