# Two commands do everything on a bare machine with Python 3.11, pip and make: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-bench
UV_VERSION := 0.13.8
REPLAY ?=
ARGS ?=

# Kept bytecode halves the start of every process, and there are hundreds: in an environment that forbids it all the same.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo up test unit slow browser lint bench bench-peers soak lock clean

help:  ## show this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready  ## make .venv and install what requirements.lock names

$(VENV)/.ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "expected $(PYTHON) on PATH, found none; set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "expected Python 3.11, got $$($(PYTHON) --version)" >&2; exit 1; }
	@echo "setup: installing into $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@links=$$($(BIN)/pip config get global.find-links 2>/dev/null); \
		$(BIN)/uv pip install -q --verify-hashes $${links:+--find-links "$$links"} -r requirements.lock
	@$(BIN)/uv pip install -q --no-deps -e .
	@touch $@

demo: setup  ## the whole job, from an empty database to a paper trade and its passport (REPLAY=DIR: on recorded data)
	@$(BIN)/huracan demo $(if $(REPLAY),--replay $(REPLAY)) $(ARGS)

up: setup  ## keep it all running, with the Dagster UI; prints the addresses
	@$(BIN)/huracan up $(if $(REPLAY),--replay $(REPLAY)) $(ARGS)

test: lint unit slow  ## everything that CI runs

lint: setup  ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/mypy

# The exchange's old connector and python-binance both call themselves `binance`: it lives in a folder of its own.
CONNECTOR := build/connector/.ready
$(CONNECTOR): tests/simulator/old_connector.txt $(VENV)/.ready
	@$(BIN)/uv pip install -q --target build/connector -r $<
	@touch $@

# A module's tests share their venue process and database, so a module stays in one worker. Most of them wait more than they compute.
# tests/conftest.py orders the modules: pytest-xdist's own order, by number of tests, begins with the longest ones last.
PARALLEL := -n 3 --dist loadfile --no-loadscope-reorder

unit: setup $(CONNECTOR)  ## tests that take seconds
	@$(BIN)/pytest -q -m "not slow" --timeout 120 $(PARALLEL) $(ARGS)

browser:  ## Debian's chromium for the test of the web UI, where it is absent and we are root
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || { \
		echo "browser: installing chromium"; \
		{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium; } >/dev/null; }

slow: setup browser  ## tests with real processes and whole pipelines
	@$(BIN)/pytest -q -m slow $(PARALLEL) $(ARGS)

bench: setup bench-peers  ## every benchmark; one JSON line per bar
	@for b in benchmarks/*.py; do echo "== $$b"; $(BIN)/python -m benchmarks.$$(basename $$b .py) || exit 1; done

bench-peers: $(PEERS)/.ready  ## make .venv-bench with what the benchmarks compare against

$(PEERS)/.ready: $(VENV)/.ready benchmarks/requirements.txt
	@echo "bench-peers: installing into $(PEERS)"
	@$(BIN)/uv venv -q --clear --python $(BIN)/python $(PEERS)
	@$(BIN)/uv pip install -q --python $(PEERS)/bin/python -r benchmarks/requirements.txt
	@touch $@

soak: setup  ## recorders and ingest over a network that is lost at random (MINUTES=30, SEED=)
	@$(BIN)/python -m scripts.soak

lock: setup  ## recompile requirements.lock from pyproject.toml
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/lock.py "$$($(BIN)/pip config get global.find-links 2>/dev/null)"

clean:  ## remove the environments (data under HURACAN_HOME stays)
	rm -rf $(VENV) $(PEERS)
