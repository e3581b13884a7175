"""Policies of a server: what enters the next step, and who gives way when the cache is full. One file is one choice."""
