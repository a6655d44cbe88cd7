# Two commands on a fresh machine with python3 (3.11 or newer, with venv), git and make: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# What the tests need beside Python: a real Laravel to list routes, a browser to look at the report, PostgreSQL, and shells.
DEBIAN := php-cli php-laravel-framework php-sqlite3 chromium fonts-dejavu-core curl postgresql ruby-railties ruby-webrick zsh fish

.PHONY: help demo test quick setup debian lint types tests docs constraints clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

help:
	@echo "make demo         set up, start the demo API, check it, and say where the report lies"
	@echo "make test         set up, and run all checks and tests"
	@echo "make quick        the same without the tests that are marked slow"
	@echo "make docs         write the generated pages of docs/ anew"
	@echo "make constraints  resolve all versions anew and pin them in constraints.txt"
	@echo "make clean        remove the environment, caches and reports"

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is %s. Name one: make PYTHON=python3.12" % sys.version.split()[0])'
	@echo "Making a virtual environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/demo: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	@echo "Installing contract and what its demo needs (once; about a minute) …"
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[all]'
	@touch $@

$(VENV)/test: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	@echo "Installing contract and what its tests need (once; about a minute) …"
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[all,test]'
	@touch $@ $(VENV)/demo

demo: $(VENV)/demo
	@$(BIN)/python -m contract.app.tour

test: setup lint types tests

quick: setup lint types
	@echo "Running the tests that are not slow …"
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

setup: $(VENV)/test debian

debian:
	@missing=""; \
	for package in $(DEBIAN); do \
	  [ "$$(dpkg-query -W -f='$${db:Status-Status}' $$package 2>/dev/null)" = installed ] || missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Debian packages that tests need:$$missing …"; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  log=$$(mktemp); \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; } </dev/null >"$$log" 2>&1 \
	    || { tail -n 5 "$$log"; echo "They could not be installed; the tests that need them will be left out."; }; \
	  rm -f "$$log"; \
	else \
	  echo "Not installed:$$missing. The tests of Laravel's routes (php), of the page in a browser (chromium) or of the store on PostgreSQL will be left out."; \
	fi

lint: $(VENV)/test
	@echo "Checking format and style …"
	@$(BIN)/ruff format --check --quiet . || { echo "Run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .

types: $(VENV)/test
	@echo "Checking types …"
	@$(BIN)/mypy --strict contract

tests: $(VENV)/test
	@echo "Running the tests …"
	@$(BIN)/python -m pytest -n auto --dist worksteal -p tests.no_skips

docs: $(VENV)/test
	@$(BIN)/python -m contract.app.reference

constraints:
	@echo "Resolving all versions in a fresh environment …"
	@set -e; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	$(PYTHON) -m venv "$$fresh"; \
	"$$fresh/bin/pip" --disable-pip-version-check install --quiet --editable '.[all,test]'; \
	{ echo '# Every version that a fresh set-up installs; `make constraints` writes it anew.'; \
	  "$$fresh/bin/pip" freeze --exclude-editable | grep '=='; } > constraints.txt
	@echo "constraints.txt: $$(grep -c == constraints.txt) versions"

clean:
	rm -rf $(VENV) .contract .mypy_cache .pytest_cache .ruff_cache .hypothesis
