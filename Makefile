# Everything is one command from a clean clone: `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PROJECTS := $(wildcard packages/*/pyproject.toml)

.PHONY: help install demo page test soak postgres all format lint typecheck docs bench fix clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(READY): requirements-dev.txt constraints.txt $(PROJECTS)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements-dev.txt
	@touch $@

install: $(READY) ## Set up .venv with the three packages and the tools, versions pinned

demo: $(READY) ## Hold a guided conversation in this terminal; no key, no network needed
	@echo "To watch a journey light up in your browser instead: make page"
	@$(BIN)/agent-runtime chat examples/onboarding.py

page: $(READY) ## Hold one in your browser, beside its graph, its state and what each turn did
	@$(BIN)/agent-runtime dev examples/short/quote.py --no-reload

test: $(READY) ## Run the tests; offline, no key needed
	$(BIN)/python -m pytest --cov --cov-report=term

soak: $(READY) ## Run the long campaigns that `make test` shortens; takes many minutes
	$(BIN)/python -m pytest -m soak

postgres: $(READY) ## Run a PostgreSQL server until Ctrl-C, its data in .postgres/; prints its URL
	PGPORT=$${PGPORT:-54329} $(BIN)/python -m agent_runtime_framework.testing.postgres_server .postgres

all: format lint typecheck test ## What must be green before a change is done

format: $(READY) ## Check the formatting
	$(BIN)/ruff format --check .

lint: $(READY) ## Check the style
	$(BIN)/ruff check .

typecheck: $(READY) ## Check the types, strictly
	$(BIN)/basedpyright

docs: $(READY) ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(READY) ## Measure; prints ratios, asserts nothing
	$(BIN)/python -m benchmarks

fix: $(READY) ## Format, and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove the environment and everything built
	rm -rf $(VENV) site build dist htmlcov .coverage .pytest_cache .ruff_cache .hypothesis
