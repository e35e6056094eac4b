# The verbs of this project; `make` alone lists them. Nothing but Python >= 3.11, make and a C compiler has to be there.
#   PYTHON  another interpreter than python3            make test PYTHON=python3.13
#   VENV    where its environment lies                  make test VENV=.venvs/mine
#   INPUT   a weather file of your own                  make run INPUT=mine.csv
#   ARGS    more words for pytest or the benchmarks     make test ARGS="-k append -x"
#   CANO_BUILD   release, debug, sanitize, tsan or gate  make test CANO_BUILD=debug

# An interpreter that is asked for by name gets an environment of its own; so no verb ever runs on another one than was named.
ifeq ($(origin PYTHON),undefined)
  PYTHON := python3
  VENV ?= .venv
  PEERS ?= .venvs/peers
else
  VENV ?= .venvs/$(shell $(PYTHON) -c 'import platform, sys; print(platform.python_version() + sys.abiflags)' 2>/dev/null)
  PEERS ?= $(VENV)-peers
endif
INPUT ?=
ARGS ?=
# What a verb asks for that is called alone, lest it find each time what the time before has built for another.
KIND_race := tsan
KIND_sanitize := sanitize
CANO_BUILD ?= $(or $(KIND_$(MAKECMDGOALS)),release)
export INPUT CANO_BUILD

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# The newest hypothesis that has a wheel for this Python, as from its source it wants a compiler of another language.
INSTALL := $(PIP) install --only-binary hypothesis --editable
# No marker of a requirement tells a free-threaded build, so what does not build there has an extra of its own.
TEST = $$($(BIN)/python -c 'import sysconfig; print("test" if sysconfig.get_config_var("Py_GIL_DISABLED") else "test,gil")')
# An environment is made anew in part when one of these is younger than its stamp. The extension is compiled in place.
BUILD_INPUTS := setup.py pyproject.toml build/kind $(wildcard cano/*/*.pyx cano/*/*.pxd cano/*/*.h)
# The extension lies in the tree, so it is of one kind for all environments; asking for another kind makes all of them old.
$(shell mkdir -p build && { [ "$$(cat build/kind 2>/dev/null)" = "$(CANO_BUILD)" ] || echo "$(CANO_BUILD)" >build/kind; })
# AddressSanitizer has to be in the process before Python is, and sees no object of Python's own allocator. CPython itself is not
# free of what it would call leaks.
ifeq ($(CANO_BUILD),sanitize)
  SANITIZED := LD_PRELOAD="$(shell $(or $(CC),cc) -print-file-name=libasan.so)" ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-loops test-observed test-stalled freethreaded race sanitize mutants fuzz lint format types bench bench-freethreaded bench-groups bench-smoke peers build check clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 26

run: $(VENV)/.run ## set up, then run the weather pipeline (on INPUT, or on the data set that lies here)
	@$(BIN)/python -m examples.weather $${INPUT:+"$$INPUT"}

test: $(VENV)/.test ## set up, then run the tests
	@$(SANITIZED) $(BIN)/python -m pytest $(ARGS)

# What runs on an event loop. CANO_LOOP=uvloop make test ARGS=... runs any test on one of those in tests/loops.py.
ENGINE := $(addprefix tests/unit/,cancellation resources tasks workflow resilience)
test-loops: $(VENV)/.test ## run the tests of the engine on uvloop, with eager tasks, in asyncio's debug mode and without it
	@settings=$$($(BIN)/python -m tests.loops) || exit 1; failed=0; \
	for setting in $$settings; do $(SANITIZED) CANO_LOOP=$$setting $(BIN)/python -m pytest $(ENGINE) $(ARGS) || failed=1; done; \
	exit $$failed

# CANO_OBSERVED=1 make test ARGS=... runs any test so.
test-observed: $(VENV)/.test ## run the tests of the engine with an observer in each workflow, which sees that each start has its end
	@$(SANITIZED) CANO_OBSERVED=1 $(BIN)/python -m pytest $(ENGINE) $(ARGS)

# CANO_STALLED=8 make test ARGS=... runs any test so, with other stalls.
test-stalled: $(VENV)/.test ## run the tests of the engine as on a busy machine, on which loops and threads are late now and then
	@$(SANITIZED) CANO_STALLED=$${CANO_STALLED:-7} $(BIN)/python -m pytest $(ENGINE) $(ARGS)

freethreaded: ## run the tests on a CPython without a GIL, which is built first if the cache holds none
	@python=$$(.ci/build-python 3.13t) && $(MAKE) --no-print-directory test PYTHON="$$python"

race: ## hold tests/races (or run the tests of ARGS) under ThreadSanitizer, on a CPython built for it if the cache holds none
	@.ci/race $(ARGS)

# The tests whose faults would be faults of memory: code that runs amid operations, refused locks, values that die. One of them
# is left out because it takes longer than all others together, its collector being at every allocation.
HOSTILE := $(wildcard tests/threads/test_reentry.py tests/threads/test_reentry_transactions.py tests/threads/test_lock.py \
  $(patsubst %,tests/unit/store/test_%.py,append lifetime modify one_step table transactions transaction_runs transactions_kept))
sanitize: ## run the hostile tests of the store under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory test CANO_BUILD=sanitize ARGS="$(HOSTILE) -k 'not in_the_middle_of_an_append' $(ARGS)"

mutants: $(VENV)/.test ## break the store on purpose, patch by patch, and see that the named tests turn red
	@$(BIN)/python tests/mutants/check.py $(ARGS)

fuzz: $(VENV)/.fuzz ## look for faults of the store for ARGS seconds (60), guided by which of its C code an input reaches
	@$(BIN)/python tests/fuzz/run.py $(ARGS)

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

bench: $(VENV)/.bench ## measure all (10 minutes on a quiet machine), write benchmarks/results/ and docs/performance.md
	@$(BIN)/python -m benchmarks $(ARGS)

# Both environments are there before the first is measured, since to build one would disturb the other.
bench-freethreaded: ## measure a CPython without a GIL beside one with it, both made alike and built first if the cache holds none
	@free=$$(.ci/build-python 3.13t) && gil=$$(.ci/build-python 3.13) && \
	for python in "$$free" "$$gil"; do $(MAKE) --no-print-directory bench-environment PYTHON="$$python" || exit 1; done && \
	for python in "$$free" "$$gil"; do $(MAKE) --no-print-directory bench PYTHON="$$python" ARGS="--builds $(ARGS)" || exit 1; done

.PHONY: bench-environment
bench-environment: $(VENV)/.bench

bench-groups: $(VENV)/.bench ## the same operations as groups of pytest-benchmark, with its comparisons and histograms
	@$(BIN)/python -m pytest benchmarks --benchmark-group-by=group --benchmark-disable-gc $(ARGS)

bench-smoke: $(VENV)/.bench ## run every benchmark once, to see that it still runs
	@$(BIN)/python -m pytest benchmarks --benchmark-disable -q $(ARGS)
	@$(BIN)/python -m benchmarks --smoke

# An environment of its own: what the others bring along has plugins for pytest, and is nothing that a test should find.
peers: ## measure the engines of other projects beside ours (8 minutes on a quiet machine), write docs/peers.md; not part of CI
	@$(MAKE) --no-print-directory peers-here VENV=$(PEERS)

.PHONY: peers-here
peers-here: $(VENV)/.peers
	@$(BIN)/python -m benchmarks.peers $(ARGS)

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
	@$(INSTALL) .
	@touch $@

$(VENV)/.test: $(BIN)/python $(BUILD_INPUTS)
	@echo "building cano in $(VENV), with what the tests need"
	@$(INSTALL) ".[$(TEST)]"
	@touch $(VENV)/.run $@

# No tool of development is needed to measure, nor is there each of them for a CPython without GIL.
$(VENV)/.bench: $(BIN)/python $(BUILD_INPUTS)
	@echo "building cano in $(VENV), with what the benchmarks need"
	@$(INSTALL) ".[bench]"
	@touch $(VENV)/.run $@

$(VENV)/.peers: $(BIN)/python $(BUILD_INPUTS)
	@echo "building cano in $(VENV), with the engines that it is measured beside"
	@$(INSTALL) ".[peers]"
	@touch $(VENV)/.run $@

# Only what the extra names, lest the extension be built once more.
$(VENV)/.fuzz: $(VENV)/.test
	@$(BIN)/python -c 'import sys, sysconfig; \
	  sys.exit("there is no atheris for a CPython without GIL" if sysconfig.get_config_var("Py_GIL_DISABLED") else 0)'
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["fuzz"], sep="\n")' \
	  | $(PIP) install -r /dev/stdin
	@touch $@

$(VENV)/.dev: $(BIN)/python $(BUILD_INPUTS)
	@echo "building cano in $(VENV), with all that development needs"
	@$(INSTALL) ".[$(TEST),bench,dev]"
	@touch $(VENV)/.run $(VENV)/.test $(VENV)/.bench $@
