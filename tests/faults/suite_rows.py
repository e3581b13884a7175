"""The shipped rows of a suite, read once for all tests of a process."""

from functools import cache


@cache
def _all(suite):
    return suite.references()


def rows_of(suite, group=None):
    """[(Question, value text)] of a suite, of one group or of all."""
    return [(q, text) for q, text in _all(suite) if group in (None, q.group)]
