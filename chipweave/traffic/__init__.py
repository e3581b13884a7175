"""Traffic on a flit network: synthetic patterns, replayed packet lists, statistics of links."""
