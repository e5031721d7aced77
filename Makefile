# Two commands matter: `make demo` shows Trocar at work, `make test` checks everything.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PAGE_FILES := trocar/web/static/vendor/made-from.txt

.PHONY: setup demo test check lint types floors unit bench prove format lock clean

setup: $(READY) $(PAGE_FILES)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Trocar needs Python 3.11 or later; set PYTHON=... to point make at it.")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m trocar warm
	@touch $(READY)

$(PAGE_FILES): $(READY) package.json package-lock.json .npmrc hatch_build.py
	$(BIN)/python hatch_build.py
	@touch $(PAGE_FILES)

demo: setup
	$(BIN)/trocar serve --demo --data var/demo

test: setup
	$(BIN)/python tests/run.py

check: setup lint types floors

lint: setup
	$(BIN)/ruff check trocar tests benchmarks
	$(BIN)/ruff format --check trocar tests benchmarks

types: setup
	$(BIN)/mypy

floors: setup
	$(BIN)/lint-imports

unit: setup
	$(BIN)/python -m pytest -q -n 2 tests/unit tests/spec tests/parity

format: setup
	$(BIN)/ruff check --fix trocar tests benchmarks
	$(BIN)/ruff format trocar tests benchmarks

bench: setup
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-bench.lock
	$(BIN)/python -m benchmarks

prove: setup
	$(BIN)/python -m pytest -m prove tests -q

# Only for maintainers: needs uv. The locks hold versions and hashes, no addresses.
lock:
	uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra bench -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements-bench.lock

clean:
	rm -rf $(VENV) node_modules trocar/web/static/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis var
