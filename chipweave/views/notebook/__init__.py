"""What Python users hold: runs and comparisons as objects, their text, their page in a notebook, their pictures."""
