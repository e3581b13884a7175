"""Shapes of networks, one file each; `chipweave.noc.shape` says what a shape is."""
