"""Microbenchmarks that the cases run on the modelled die."""
