# Every verb of the project. Needs python3 (3.11 or newer) and make, and nothing else; everything that is
# installed is locked with hashes and goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet
LOCKED := $(PIP) --require-hashes --no-deps --only-binary :all:
UV ?= uv
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet
PYTEST_WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run install test check static format demo bench bench-quick chaos slow docs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/installed ## install what is locked, start everything, serve until Ctrl-C
	@exec $(BIN)/chatcore serve

install: .venv/installed ## prepare .venv and nothing else

test: .venv/installed-dev ## the whole test suite, with its coverage gates
	@$(BIN)/coverage erase
	$(BIN)/pytest -n $(PYTEST_WORKERS) --cov --cov-report= $(ARGS)
	$(BIN)/coverage report --include 'chatcore/*' --fail-under 100
	$(BIN)/coverage report --omit 'chatcore/*' --fail-under 90

check: static test ## everything CI wants: format, lint, types, architecture, tests; changes nothing

static: .venv/installed-dev ## the half of check that runs nothing: format, lint, types, architecture
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed-dev ## mend what the formatter and the linter can mend by themselves
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

demo: .venv/installed-demo ## like run, with a real small language model on this machine
	@CHATCORE_LLM=local exec $(BIN)/chatcore serve

bench: .venv/installed-dev ## the benchmarks, against the usual stack; writes a report
	$(BIN)/python -m benchmarks

bench-quick: .venv/installed-dev ## the same in a few minutes, rougher
	$(BIN)/python -m benchmarks --quick

chaos: .venv/installed-dev ## kill server and database at random for minutes, and count what was lost
	$(BIN)/python -m tests.chaos --seconds 600 $(ARGS)

slow: .venv/installed-dev ## the tests that take minutes, whose short forms are in check
	$(BIN)/pytest -m chaos $(ARGS)

docs: .venv/installed-dev ## write .env.example and the table in README.md from the settings
	$(BIN)/python -m entrypoints.settings_docs

lock: ## write the lock files anew (needs uv)
	$(COMPILE) pyproject.toml --group build -o requirements.lock
	$(COMPILE) pyproject.toml --group build --group dev -o requirements-dev.lock

clean: ## remove what the other targets made
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage* build dist

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chatcore needs Python 3.11 or newer; say which with make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv

# The project itself is installed as a link to this directory, by the locked build backend.
.venv/installed: requirements.lock pyproject.toml | .venv/bin/python
	@echo "installing into .venv …" >&2
	@$(LOCKED) -r requirements.lock
	@$(PIP) --no-deps --no-index --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: requirements-dev.lock pyproject.toml | .venv/bin/python
	@echo "installing into .venv, with what tests and checks need …" >&2
	@$(LOCKED) -r requirements-dev.lock
	@$(PIP) --no-deps --no-index --no-build-isolation --editable .
	@touch .venv/installed $@

.venv/installed-demo: requirements-demo.lock .venv/installed
	@echo "installing a small language model …" >&2
	@$(LOCKED) -r requirements-demo.lock
	@touch $@
