# `make train` and `make test` need nothing but Python >= 3.11 and a network to
# install from; ARGS replaces the flags of the run.
ARGS = --model=dropout --mixed_precision
PYTHON = python3
BIN = .venv/bin

.PHONY: train test torture lint bench clean

train: .venv/installed
	$(BIN)/python -m cifar10_tf.main $(ARGS)

test: .venv/installed-test
	$(BIN)/python -m pytest

# Kills and damages trainings and counts the consequences: half an hour, or with
# TORTURE_ARGS=--quick a few minutes.
torture: .venv/installed-test
	$(BIN)/python -m tests.torture $(TORTURE_ARGS)

lint: .venv/installed-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check

# BENCH_ARGS=--quick takes four minutes. `.venv/bin/pip install -e '.[bench]'` adds
# the peers: PyTorch, gigabytes unless its build for the CPU is installed first.
bench: .venv/installed
	$(BIN)/python benchmarks/run_all.py $(BENCH_ARGS)

clean:
	rm -rf .venv

.venv/installed: setup.py setup.cfg
	@echo "Installing TensorFlow and the rest into .venv: a minute or two."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/installed-test: .venv/installed
	$(BIN)/pip install --quiet --editable '.[test]'
	touch $@
