"""What does a refresh that has fallen due hold back?"""

import numpy as np
import pytest
from small_die import WAIT, program, small

LINES = 2  # a unit of a pseudo channel
ROUND = 2 * LINES  # units of both pseudo channels: the next bank group begins


def lands(engine, groups, due, **hbm):
    """ps at which a load of one line in each of `groups` bank groups is done; the first refresh is due at cycle
    `due`."""
    e, sms, _, channels = small(engine, sm={"load_sectors": 64}, hbm={"phase": due, **hbm}, sms=1)
    order = np.array(groups) * ROUND * 4 * 4
    e.attach(sms[0], 3, order)
    program(e, sms[0], [(8, 0, 128, 0, 0, 0, 1, 4, len(groups), 1), (WAIT,)])
    e.run()
    assert e.total(channels, "activates") > 0
    return e.now


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_a_refresh_that_is_far_off_holds_nothing(engine):
    assert lands(engine, [0, 1, 2], 5000) == lands(engine, [0, 1, 2], 6000)


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_a_refresh_that_falls_due_on_the_way_delays_the_line(engine):
    """Due just before the load arrives at cycle ~190: the bank in turn is refreshed first, and that bank is the
    load's."""
    free, held = lands(engine, [0], 5000), max(lands(engine, [0], due) for due in range(160, 260, 20))
    assert free < held <= free + (320 + 13) * 625
