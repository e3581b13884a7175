# demo, test, test-fast, bench, clean. Nothing is needed but Python >= 3.10 with venv, a C compiler and make.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
JOBS ?= 2

.PHONY: demo test test-fast bench clean setup

setup: $(VENV)/.installed

# Rebuilt when the packaging or any C file changes; Python files need no rebuild (editable install).
$(VENV)/.installed: setup.cfg setup.py pyproject.toml $(shell find csrc -name '*.[chp]*')
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

demo: setup
	$(BIN)/chipweave compare examples/demo.yaml --out runs/demo

test: setup
	$(BIN)/python -m pytest -n $(JOBS) tests

test-fast: setup
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow" tests

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build chipweave/*.so chipweave/_*.c *.egg-info
