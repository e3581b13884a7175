"""Allocators of routers, one file each; `chipweave.noc.allocator` says what an allocator is."""
