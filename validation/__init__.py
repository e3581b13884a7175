"""See README.md. Imported as chipweave.validation, never as a top-level package."""

if __name__ != "chipweave.validation":
    raise ImportError("import chipweave.validation (install with: pip install -e .)")
