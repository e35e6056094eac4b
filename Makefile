# The verbs of this project; `make` alone lists them. Nothing but Python >= 3.11, make and a C compiler has to be there.
#   PYTHON  another interpreter than python3            make test PYTHON=python3.13
#   VENV    where its environment lies                  make test VENV=.venvs/mine
#   INPUT   a weather file of your own                  make run INPUT=mine.csv
#   ARGS    more words for pytest or the benchmarks     make test ARGS="-k append -x"
#   CANO_BUILD   release, debug, sanitize or gate        make test CANO_BUILD=debug

# An interpreter that is asked for by name gets an environment of its own; so no verb ever runs on another one than was named.
ifeq ($(origin PYTHON),undefined)
  PYTHON := python3
  VENV ?= .venv
else
  VENV ?= .venvs/$(shell $(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null)
endif
INPUT ?=
ARGS ?=
CANO_BUILD ?= release
export INPUT CANO_BUILD

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# An environment is made anew in part when one of these is younger than its stamp. The extension is compiled in place.
BUILD_INPUTS := setup.py pyproject.toml build/kind $(wildcard cano/*/*.pyx cano/*/*.pxd cano/*/*.h)
# The extension lies in the tree, so it is of one kind for all environments; asking for another kind makes all of them old.
$(shell mkdir -p build && { [ "$$(cat build/kind 2>/dev/null)" = "$(CANO_BUILD)" ] || echo "$(CANO_BUILD)" >build/kind; })
# A sanitizer has to be in the process before Python is, and sees no object of Python's own allocator. CPython itself is not
# free of what it would call leaks.
ifeq ($(CANO_BUILD),sanitize)
  SANITIZED := LD_PRELOAD="$(shell $(or $(CC),cc) -print-file-name=libasan.so)" ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test sanitize mutants lint format types bench bench-groups bench-smoke build check clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

run: $(VENV)/.run ## set up, then run the weather pipeline (on INPUT, or on the data set that lies here)
	@$(BIN)/python -m examples.weather $${INPUT:+"$$INPUT"}

test: $(VENV)/.test ## set up, then run the tests
	@$(SANITIZED) $(BIN)/python -m pytest $(ARGS)

# The tests whose faults would be faults of memory: code that runs amid operations, refused locks, values that die. One of them
# is left out because it takes longer than all others together, its collector being at every allocation.
HOSTILE := $(wildcard tests/threads/test_reentry.py tests/threads/test_reentry_transactions.py tests/threads/test_lock.py \
  $(patsubst %,tests/unit/store/test_%.py,append lifetime modify one_step table transactions transaction_runs transactions_kept))
sanitize: ## run the hostile tests of the store under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory test CANO_BUILD=sanitize ARGS="$(HOSTILE) -k 'not in_the_middle_of_an_append' $(ARGS)"

mutants: $(VENV)/.test ## break the store on purpose, patch by patch, and see that the named tests turn red
	@$(BIN)/python tests/mutants/check.py $(ARGS)

# cython-lint calls pycodestyle by name, hence the path.
lint: $(VENV)/.dev ## style of Python and Cython, and imports that go down only
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/cython-lint cano || failed=1; \
	$(BIN)/lint-imports || failed=1; \
	exit $$failed

format: $(VENV)/.dev ## let ruff lay out the Python files and put right what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.dev ## mypy strict, basedpyright, and the stubs held to the compiled modules
	@failed=0; \
	$(BIN)/mypy || failed=1; \
	$(BIN)/basedpyright --pythonpath $(BIN)/python || failed=1; \
	$(BIN)/python -m mypy.stubtest cano.store --mypy-config-file pyproject.toml --allowlist tests/typing/stubtest.allow || failed=1; \
	exit $$failed

bench: $(VENV)/.dev ## measure all (8 minutes on a quiet machine), write benchmarks/results/ and docs/performance.md
	@$(BIN)/python -m benchmarks $(ARGS)

bench-groups: $(VENV)/.dev ## the same operations as groups of pytest-benchmark, with its comparisons and histograms
	@$(BIN)/python -m pytest benchmarks --benchmark-group-by=group --benchmark-disable-gc $(ARGS)

bench-smoke: $(VENV)/.dev ## run every benchmark once, to see that it still runs
	@$(BIN)/python -m pytest benchmarks --benchmark-disable -q $(ARGS)
	@$(BIN)/python -m benchmarks --smoke

build: $(VENV)/.dev ## build sdist and wheel from a clean clone into dist/, test the installed wheel outside the checkout
	@.ci/build $(BIN)/python

check: ## all that CI runs
	@.ci/run

clean: ## remove environments, builds and caches
	rm -rf .venv .venvs build dist *.egg-info cano/store/*.so cano/store/*.c
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Environments: .run holds the package alone, .test what the tests need, .dev everything. A richer one satisfies the poorer.

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "cano needs Python 3.11 or newer, and there is no '$(PYTHON)' here. Name another one: make run PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "cano needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another one: make run PYTHON=python3.13" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.run: $(BIN)/python $(BUILD_INPUTS)
	@echo "building cano in $(VENV)"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.test: $(BIN)/python $(BUILD_INPUTS)
	@echo "building cano in $(VENV), with what the tests need"
	@$(PIP) install --editable '.[test]'
	@touch $(VENV)/.run $@

$(VENV)/.dev: $(BIN)/python $(BUILD_INPUTS)
	@echo "building cano in $(VENV), with all that development needs"
	@$(PIP) install --editable '.[test,bench,dev]'
	@touch $(VENV)/.run $(VENV)/.test $@
