"""Arbiters of routers, one file each; `chipweave.noc.allocator` says what an arbiter is."""
