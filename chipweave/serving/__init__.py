"""Serving: models, the step of a model on a composed system, and a server that takes requests."""
