# Callwright: `make` lists what can be made.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The interpreter's own folder of packages stays out of it, wherever make is called from.
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## a campaign from start to end, on this machine alone (DEMO_EXIT=1: ends by itself)
	@exec $(BIN)/callwright demo

test: $(VENV)/.dev ## all tests (TESTS="tests/dialer -x": some of them)
	@exec $(BIN)/python -m tests $(TESTS)

check: $(VENV)/.dev ## formatting, lint, types, and who may import whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## all figures against their goals (ONLY=demo, switch, dialer ...: one group)
	@exec $(BIN)/python -m benchmarks $(ONLY)

soak: $(VENV)/.dev ## what takes long: hundreds of calls through the whole system, watched for leaks, and under kill -9
	@exec $(BIN)/python -m benchmarks soak

lock: $(VENV)/.dev ## pins all dependencies with their hashes anew, from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra local $(LOCK) -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --all-extras -c requirements.txt $(LOCK) -o requirements-dev.txt
LOCK := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade --quiet

clean: ## removes what was installed and what runs left behind
	rm -rf $(VENV) artefacts build *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Callwright needs Python 3.11 to 3.13; this is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 demo" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python can't make a virtual environment here; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) (about a minute, once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@echo "Installing what tests need into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
