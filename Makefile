# `make app` opens the workbench; `make test` checks everything. Both install what they need.
.DEFAULT_GOAL := help
PYTHON ?= $(firstword $(foreach v,python3 python3.13 python3.12 python3.11,$(shell $(v) -c \
	'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $(v))))
BIN := .venv/bin
# The library's own logs and telemetry stay quiet, and nothing is fetched once it is installed.
export HF_HUB_DISABLE_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help app test check bench clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/app-ready: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Workbench needs Python 3.11 or newer: install it, or name one with make PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || { echo "Creating .venv with $(PYTHON)"; $(PYTHON) -m venv .venv; }
	@echo "Installing the pinned dependencies (several GB with torch; once)"
	@$(BIN)/python -m pip install --quiet -r requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/test-ready: .venv/app-ready requirements-test.txt
	@echo "Installing the test tools"
	@$(BIN)/python -m pip install --quiet -r requirements-test.txt
	@touch $@

app: .venv/app-ready  ## open the workbench on localhost:8501
	@exec $(BIN)/streamlit run app.py

test: .venv/test-ready  ## format, lint, types, import contracts and every test
	@sh tests/find_chromium.sh
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not browser and not faults"
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "browser or faults" -rs

check: .venv/test-ready  ## format, lint, types and import contracts
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check . ; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: .venv/test-ready  ## every benchmark, with its ratios
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean:  ## remove caches, not the environment and no workspace
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
