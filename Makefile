# Everything a fresh machine needs: Python 3.11 or later, and make. The virtual environment builds itself from the hashed lock.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
# The first Python on PATH that is new enough; `make PYTHON=/path/to/python3.12 ...` names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help setup demo monitor test test-fast soak lint types bench pictures lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready ## Build the virtual environment from requirements.lock

$(VENV)/.ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Panier needs Python 3.11 or later on PATH; or: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into $(VENV), this once: half a minute; some minutes on a slow line or machine" >&2
	@echo "  1 of 3: a virtual environment of $(PYTHON)" >&2
	@$(PYTHON) -m venv $(VENV) || { echo "Could not make a virtual environment; on Debian: apt install python3-venv"; exit 1; }
	@# uv installs the lock in seconds; it is fetched by its own hash from the same lock.
	@awk '/^[a-z]/ {mine = /^uv==/} mine' requirements.lock > $(VENV)/uv.lock.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock.txt
	@echo "  2 of 3: the libraries of requirements.lock, by their hashes" >&2
	@# Bytecode now, once: a store on one machine starts some thirty processes, and not every machine lets them keep theirs.
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@echo "  3 of 3: Panier itself" >&2
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q core device gateway backoffice simulators
	@touch $@

demo: setup ## A whole store on this machine: scan with a handheld, or watch the report
	@$(BIN)/panier demo

monitor: setup ## The staff monitor of the demo that runs in another terminal
	@demo=$$(ls -dt $${TMPDIR:-/tmp}/panier-demo-*/monitor.toml 2>/dev/null | head -1); \
	test -n "$$demo" || { echo "no demo runs: start one with 'make demo' in another terminal"; exit 1; }; \
	$(BIN)/panier monitor --settings "$$demo"

test: setup ## All tests; what needs root (a browser, Mosquitto) is skipped with its reason
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered

test-fast: setup ## The tests that take less than a moment each
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not soak"

lint: setup ## Style, formatting, and which part may import which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: setup ## Strict typing
	@$(BIN)/basedpyright --pythonpath $(BIN)/python

bench: setup ## Scan to screen, push to screen and memory, measured on this machine
	@$(BIN)/panier bench push

pictures: setup ## Draw the README's pictures anew from the running programs
	@$(BIN)/python docs/pictures/draw.py

lock: ## Write requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --group dev --generate-hashes --no-emit-index-url \
		--custom-compile-command 'make lock' --output-file requirements.lock pyproject.toml

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .coverage dist build
