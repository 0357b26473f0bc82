# make demo   a whole meeting on this machine, then the server stays up
# make test   set-up, lint, types, arrows between packages, every test: what CI runs
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup setup-test demo serve test check lint format nightly bench docs constraints clean

PYTHON ?=
ARGS ?=
BIN := .venv/bin
export PYTHON

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## install what the server and the demo need; quick when nothing changed
	@scripts/setup.sh run

setup-test: ## the same, and what the tests need
	@scripts/setup.sh test

demo: setup ## play a meeting of about 90 seconds in the built-in room (ARGS="--exit --report report.json")
	@$(BIN)/onrecord demo $(ARGS)

serve: setup ## the server without the story
	@$(BIN)/onrecord serve $(ARGS)

test: setup-test check ## set-up, then everything that CI checks

check: lint ## lint, types, arrows, tests (ARGS="-k word": some of them)
	$(if $(ARGS),$(BIN)/python -m pytest $(ARGS),@scripts/run_tests.sh)

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: ## let ruff put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

nightly: ## the same tests at their full sizes
	@scripts/setup.sh nightly
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -m "" --timeout 1800 $(ARGS)

bench: setup ## figures against their floors (ARGS="NAME --json")
	@$(BIN)/python -m bench $(ARGS)

docs: ## write the tables of settings and messages anew
	$(BIN)/python scripts/reference.py

constraints: ## write down the versions that are in .venv
	$(BIN)/python scripts/constraints.py

clean: ## remove .venv and caches; never a data directory
	rm -rf .venv .setup.log build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
