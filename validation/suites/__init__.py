"""Suites of the ledger, one file each: `chipweave validate NAME`."""
