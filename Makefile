# Vitrine: `make run` and `make test` do all the set-up on a machine with Python 3.11 and make.
#
# The environment is several GB, so checkouts with equal requirements share one: it lives in the
# user's cache, named by a hash of the requirements, and `.venv` is only a link to it.
# `make VENV=.venv-own run` builds a private one instead.

PYTHON ?= python3.11
CACHE  ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/vitrine
HASH   := $(shell cat requirements.txt requirements-dev.txt | sha256sum | cut -c1-12)
VENV   ?= $(CACHE)/venv-$(HASH)
PY     := $(VENV)/bin/python

.PHONY: run test check fmt bench browser clean help
.DEFAULT_GOAL := help

help:  ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

$(VENV)/.base: | $(VENV)/bin/python
	@echo "Installing what Vitrine needs (about two minutes) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@echo "Installing the development tools ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Vitrine needs Python 3.11 (looked for '$(PYTHON)'; set PYTHON=...)."; exit 1; }
	@mkdir -p $(dir $(VENV))
	@$(PYTHON) -m venv $(VENV)

.venv: | $(VENV)/bin/python
	@ln -sfn $(VENV) .venv

run: $(VENV)/.base .venv  ## Start Vitrine on http://localhost:7860
	@$(PY) -m app serve

browser: $(VENV)/.dev  ## Make sure that Chromium is there for the browser tests
	@$(PY) -m tests.browser.chromium

check: $(VENV)/.dev .venv  ## Format, lint, types and import rules
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy app pages components backends
	@$(VENV)/bin/lint-imports

fmt: $(VENV)/.dev  ## Format the code
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

test: check browser  ## Everything CI runs: checks, unit, browser, load and fuzz tests
	@$(PY) -m pytest -m "not slow" -n 2 --dist loadscope --durations 30

bench: $(VENV)/.dev  ## Print the figures of tests/bench/README.md
	@$(PY) -m tests.bench

clean:  ## Remove caches of this checkout (the shared environment stays)
	@rm -rf .venv .ruff_cache .mypy_cache .pytest_cache .import_linter_cache
