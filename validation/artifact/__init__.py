"""The artifact's reference sets and their rows."""
