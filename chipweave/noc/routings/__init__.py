"""Routings of networks, one file each; `chipweave.noc.route_rule` says what a routing is."""
