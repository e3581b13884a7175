"""Settings for all tests: hypothesis judges answers, not speed, and draws the same examples on every machine."""

from hypothesis import settings

settings.register_profile("chipweave", deadline=None, derandomize=True)
settings.load_profile("chipweave")
