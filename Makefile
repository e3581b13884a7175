# demo, test, test-fast, bench, clean. Nothing is needed but Python >= 3.10 with venv, a C compiler and make.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
JOBS ?= 2

.PHONY: demo test test-fast bench clean setup lint lint-c coverage coverage-c coverage-py lint-py types mutants docs

setup: $(VENV)/.installed

# Rebuilt when the packaging or any C file changes; Python files need no rebuild (editable install).
$(VENV)/.installed: setup.cfg setup.py pyproject.toml $(shell find csrc -name '*.[chp]*')
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

demo: setup
	$(BIN)/chipweave compare examples/demo.yaml --out runs/demo

test: lint
	$(BIN)/python -m pytest -n $(JOBS) tests

test-fast: setup
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow" tests

bench: setup
	$(BIN)/python -m benchmarks

# The Python part of `make lint`: layout, likely faults, order of imports, types.
lint-py: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,lint]'
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(MAKE) --no-print-directory types

# Types of the whole package. The four mapped folders stand beside chipweave/ and not in it, so mypy reads a folder of links.
TYPES = build/types
types: setup
	rm -rf $(TYPES)
	mkdir -p $(TYPES)/chipweave
	for each in chipweave/* components policies topologies validation; do \
		ln -s "$(CURDIR)/$$each" $(TYPES)/chipweave/$$(basename $$each); done
	cd $(TYPES) && $(abspath $(BIN))/mypy --config-file $(CURDIR)/mypy.ini --cache-dir $(CURDIR)/.mypy_cache -p chipweave

# The C part of `make lint`: layout (clang-format), gcc's warnings, layers, size and words of every file in csrc/.
lint: lint-py lint-c
lint-c: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,lint]'
	$(BIN)/python -m pytest -n $(JOBS) tests/core/test_csrc.py

# The Python part of `make coverage`: lines of the core and the four folders that the tests run, in about half an hour.
# Printed although a test may fail, as in the C part.
coverage-py: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,lint]'
	$(BIN)/coverage run --source=chipweave,components,policies,topologies,validation -m pytest tests; \
		$(BIN)/coverage report --skip-covered --sort=cover

# The C part of `make coverage`: lines of csrc/ that the tests run. The modules are built anew at the end, as they were.
GCOV = build/gcov
coverage: coverage-py coverage-c
coverage-c: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,lint]'
	rm -rf $(GCOV)
	CFLAGS=--coverage LDFLAGS=--coverage $(BIN)/python setup.py -q build_ext --inplace --force --build-temp $(GCOV)
	$(BIN)/python -m pytest -n $(JOBS) tests; $(BIN)/gcovr --root . --filter csrc/ --object-directory $(GCOV) $(GCOV) --merge-mode-functions=merge-use-line-min
	$(BIN)/python setup.py -q build_ext --inplace --force

# The documentation as a site, build/docs/site: the pages, and a reference made from the program. A dead link ends it.
docs: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,docs]'
	$(BIN)/python docs/make_site.py

# Wrong versions of ten files, each run against the tests of its file; those that no test catches are printed.
mutants: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,mutants]'
	$(BIN)/python tests/mutants.py

clean:
	rm -rf $(VENV) build chipweave/*.so chipweave/_*.c *.egg-info
