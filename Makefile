# `make help` lists what there is. Needs GNU make, Python 3.11 or newer with venv, and the network
# once: for the locked packages (one of which is Go) and the Go modules of opa/.

PYTHON ?= python3
BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
OPA := pdp/_bin/pdp-opa
# As the build runs it (hatch_build.py), so that both share what is compiled already.
GO := CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS='-mod=readonly -trimpath -buildvcs=false' \
	$(CURDIR)/$(BIN)/go
CHECKED := $(wildcard pdp tests bench hatch_build.py)

# What the built parts are made from. The build itself compares contents; this only decides
# whether to ask it.
BUILD_INPUTS := pyproject.toml hatch_build.py $(wildcard proto/pdp/*/*.proto) \
	$(wildcard opa/go.* opa/*.go opa/*/*.go opa/*.json)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-slow lint format bench lock clean

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r target what; do printf '%-16s %s\n' "$$target" "$$what"; done

setup: .venv/.installed ## .venv with the locked packages, and this package in it

.venv/.packages: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: set PYTHON to one, as in make PYTHON=python3.12 ...")'
	@echo "Installing the locked packages into .venv (about a minute)."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

.venv/.installed: .venv/.packages $(BUILD_INPUTS)
	@echo "Building: Python from proto/, the managed OPA from opa/ (the first time about two minutes, with downloads)."
	@$(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

demo: setup ## run the main job on this machine
	@$(BIN)/pdp demo

test: lint ## lint, then every test but the slow ones
	@echo "Testing: opa/ first (up to a minute), then everything else."
	@$(GO) -C opa test -vet=off ./...
	@$(BIN)/python -m pytest -m "not slow"

test-slow: setup ## the tests marked slow, and go vet, which reads all of OPA
	@$(GO) -C opa vet ./...
	@if $(BIN)/python -m pytest -m slow --collect-only -qq >/dev/null 2>&1; [ $$? -eq 5 ]; \
		then echo "No test is marked slow."; \
		else $(BIN)/python -m pytest -m slow; fi

lint: setup ## style, types, import direction, the contract, the policy library
	@echo "Linting: ruff, mypy, import-linter, buf, opa, go (about a minute without caches)."
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/python -m mypy --no-error-summary $(CHECKED)
	@$(BIN)/lint-imports --no-logo >.venv/lint-imports.txt || { cat .venv/lint-imports.txt; exit 1; }
	@$(BIN)/buf lint
	@$(BIN)/buf format --diff --exit-code
	@$(OPA) check --strict --capabilities opa/capabilities.json rego
	@$(OPA) fmt --list --fail rego
	@unformatted=$$("$$($(GO) env GOROOT)/bin/gofmt" -l opa); test -z "$$unformatted" || \
		{ echo "not in gofmt's form: $$unformatted"; exit 1; }

format: setup ## put Python, proto, Rego and Go into their standard form
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/buf format --write
	@$(OPA) fmt --write rego
	@$(GO) -C opa fmt ./...

bench: setup ## measure
	@$(BIN)/python -m bench

# No configuration of this machine takes part: the files name packages, versions and hashes, and no
# address. UPGRADE=--upgrade moves to the newest versions; without it, pins stay where they can.
COMPILE = env -u UV_INDEX -u UV_DEFAULT_INDEX -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
	$(BIN)/uv --no-config --quiet --system-certs pip compile pyproject.toml --universal \
	--python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" $(UPGRADE)

lock: .venv/.packages ## pin what pyproject.toml asks for, with hashes, in requirements/
	@$(COMPILE) --group build --group dev --output-file requirements/dev.txt
	@$(COMPILE) --constraint requirements/dev.txt --output-file requirements/runtime.txt

clean: ## remove everything that make made
	@rm -rf .venv pdp/v1 pdp/_bin build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find pdp tests -name __pycache__ -type d -prune -exec rm -rf {} +
