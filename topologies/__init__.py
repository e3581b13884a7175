"""See README.md. Imported as chipweave.topologies, never as a top-level package."""

if __name__ != "chipweave.topologies":
    raise ImportError("import chipweave.topologies (install with: pip install -e .)")
