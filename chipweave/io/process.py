"""What the operating system says of this process."""

import resource
import sys


def peak_rss_bytes() -> int:
    """The largest resident memory of this process so far, in bytes (macOS counts in bytes, Linux in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
