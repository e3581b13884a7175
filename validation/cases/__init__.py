"""Validation cases, one file each."""
