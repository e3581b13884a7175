"""Are 64 MiB messages that skip the same as stepped ones: ends, link counts and final state?"""

import pytest

from chipweave.noc.router import Router
from chipweave.noc.routing import grid

from .test_skipping import crossing, run

FLITS = (64 << 20) // 64


@pytest.mark.slow
@pytest.mark.parametrize("packet, classes", [(None, 1), (64, 4), (64, 8)])
def test_crossing_messages_of_64_mebibyte_end_as_if_stepped(packet, classes):
    router, messages = Router(vcs=8, vc_classes=classes), crossing(FLITS, packet, classes)
    stepped, _ = run(grid([5, 5]), router, messages, skip=False)
    skipped, report = run(grid([5, 5]), router, messages, skip=True, check=True)
    assert skipped == stepped and report["skipped"] > 0.95 * stepped[3]
