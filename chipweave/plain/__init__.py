"""Plain Python twins of what csrc/ does: slow, obvious, under the same tests."""
