"""See README.md. Imported as chipweave.policies, never as a top-level package."""

if __name__ != "chipweave.policies":
    raise ImportError("import chipweave.policies (install with: pip install -e .)")
