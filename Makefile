# Two commands matter: "make demo" (see it run) and "make test" (prove it). Both need Python 3.11+, git and make, nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --require-hashes
INDEX = UV_DEFAULT_INDEX=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(PIP) config get global.index-url 2>/dev/null)}}
EDITABLE := $(PIP) install --quiet --no-deps --no-build-isolation --editable .
DEMO_HOME ?= var/demo

.PHONY: help demo test coverage lint docs wheel bench clean

help:
	@echo "make demo   build the demo region under $(DEMO_HOME) and serve it on http://127.0.0.1:8150"
	@echo "make test   run the whole suite, browser journeys and PostgreSQL included"
	@echo "make coverage  the suite again, with the coverage of models, services and stores held to its bar"
	@echo "make lint   ruff, mypy, import contracts"
	@echo "make docs   write the generated reference pages anew"
	@echo "make wheel  build a wheel that carries the web assets"
	@echo "make bench  print the benchmark tables"

demo: $(VENV)/.runtime
	$(BIN)/beijiang --home $(DEMO_HOME) demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder

coverage: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder --cov --cov-report=term:skip-covered

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev
	$(BIN)/python -m beijiang.reference docs/reference

wheel: $(VENV)/.runtime
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) dist build node_modules src/beijiang/web/static/dist

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; say make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(BIN)/python
	$(INSTALL) -r requirements/runtime.txt -r requirements/build.txt
	$(EDITABLE)
	touch $@

# The test environment holds everything that the product needs, so it also counts as the product's. uv fetches and unpacks
# several packages at a time, from the index that pip knows and by the same hashes; where it cannot, pip does it all. What
# pytest rewrites of its plugins is written down at the end: each of its workers would do it again.
$(VENV)/.dev: requirements/uv.txt requirements/dev.txt pyproject.toml | $(BIN)/python
	$(INSTALL) -r requirements/uv.txt
	$(INDEX) $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements/dev.txt || $(INSTALL) -r requirements/dev.txt
	$(EDITABLE)
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --markers >/dev/null
	touch $(VENV)/.runtime $@
