"""See README.md. Imported as chipweave.components, never as a top-level package."""

if __name__ != "chipweave.components":
    raise ImportError("import chipweave.components (install with: pip install -e .)")
