# Everything a user or developer types. `make` alone lists it; repeated calls are instant.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
SOURCES := src tests tools bench

.PHONY: help setup demo test coverage check bench format lock docs clean peers

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMPS)/product $(STAMPS)/development peers ## Install everything: .venv and the peers that tests call
	@echo "Ready. Next: make demo, make test, make check."

demo: $(STAMPS)/product ## A simulated day on real SIP and audio, in the terminal
	@$(BIN)/centralino demo

test: $(STAMPS)/development peers ## Run every test
	@$(BIN)/python -m pytest $(ARGS)

coverage: $(STAMPS)/development peers ## Run every test and say which branches none of them took (child processes are not traced)
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest --quiet $(ARGS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

check: $(STAMPS)/development ## Format, lint, types, import rules, own lints, docs
	@tools/check.sh

bench: $(STAMPS)/development peers ## Measure; ONLY=prefix narrows it; writes bench/results.json
	@$(BIN)/python -m bench.runner $(if $(ONLY),--only $(ONLY))

format: $(STAMPS)/development ## Let ruff lay out the code
	@$(BIN)/ruff check --quiet --fix-only $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

docs: $(STAMPS)/development ## Write the generated pages anew and build the docs into site/
	@$(BIN)/python -m tools.generate
	@$(BIN)/mkdocs build --strict
	@echo "Open site/index.html."

lock: $(STAMPS)/development ## Resolve the dependencies anew into the hashed locks
	@tools/lock.sh

clean: ## Remove what was built; keeps .venv
	rm -rf build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMPS)/environment:
	@command -v $(PYTHON) >/dev/null || { echo "Needs $(PYTHON), version 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Needs Python 3.11 or newer; $$($(PYTHON) -V) is too old. Try: make PYTHON=python3.11" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) -V)."
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tools/install_system_packages.sh venv
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/product: requirements.lock pyproject.toml | $(STAMPS)/environment
	@echo "Installing the product's packages, each checked against its hash."
	@$(PIP) install --require-hashes --only-binary :all: --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/development: requirements-dev.lock $(STAMPS)/product
	@echo "Installing the packages for tests and checks."
	@$(PIP) install --require-hashes --only-binary :all: --requirement requirements-dev.lock
	@touch $@

peers:
	@tools/install_system_packages.sh
