# `make train` and `make test` need nothing but Python >= 3.11 and a network to
# install from; ARGS replaces the flags of the run.
ARGS = --model=dropout --mixed_precision
PYTHON = python3
BIN = .venv/bin

.PHONY: train test coverage torture lint bench tables clean

train: .venv/installed
	$(BIN)/python -m cifar10_tf.main $(ARGS)

# TEST_ARGS=tests/settings runs a part of it. Two processes: each takes a core and
# 2 GB of memory at most. Classes stay whole, since their tests share a run.
test: .venv/installed-test
	$(BIN)/python -m pytest -n 2 --dist loadscope $(TEST_ARGS)

# Torture kills processes and limits the size of their files, coverage's among them.
coverage: .venv/installed-test
	$(BIN)/python -m pytest -n 2 --dist loadscope --ignore=tests/torture \
	  --cov --cov-report=term-missing

# Kills and damages trainings and counts the consequences: half an hour, or with
# TORTURE_ARGS=--quick a few minutes.
torture: .venv/installed-test
	$(BIN)/python -m tests.torture $(TORTURE_ARGS)

lint: .venv/installed-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

# BENCH_ARGS=--quick takes seven minutes. `.venv/bin/pip install -e '.[bench]'` adds
# the peers: PyTorch, gigabytes unless its build for the CPU is installed first.
bench: .venv/installed
	$(BIN)/python benchmarks/run_all.py $(BENCH_ARGS)

# Writes the tables of settings, models and results in the documentation anew.
tables: .venv/installed
	$(BIN)/python docs/tables.py
	$(BIN)/python docs/scaling.py
	$(BIN)/python docs/results.py

clean:
	rm -rf .venv

.venv/installed: setup.py setup.cfg
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
	  f"error: {sys.executable} is Python {sys.version.split()[0]}; 3.11 or " \
	  "later is needed: make PYTHON=python3.12, or what yours is called.")'
	@echo "Installing TensorFlow and the rest into .venv: a minute or two."
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/installed-test: .venv/installed
	$(BIN)/pip install --quiet --editable '.[test]'
	touch $@
