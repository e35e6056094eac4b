import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.examples.weather_files import ROOT

EXPECTED = {  # what each prints, to the letter
    "basic_usage": """\
count: 42
labels: ['a', 'b']
labels in the store: ['a', 'b']
log: ['step 1 complete', 'step 2 complete']
result or default: none yet
count through the first handle: 43
keys: ['count', 'labels'], len: 2
empty: True
""",
    "zero_copy_reads": """\
get_shared twice, one object: True
and it is the one that was put: True
get makes a copy: True
get of bytes makes none: True
held: [1, 2, 3], stored: [1, 2, 3, 4]
""",
    "changing_together": """\
booked 5, waiting 15, visits 20
free 0, in the queue 15
""",
    "store_in_workflow": """\
Processed 256 records
first: [0, 2, 4, 6], last: 510, state: COMPLETE
""",
    "workflow_stack_store": """\
stages: sample -> measure -> alert -> respond
response: 2 of 6 failed, mean 401.7 ms, severity high
keys: ['metrics', 'response', 'samples', 'severity', 'stages']
""",
    "store_custom_backend": """\
status: finished, log: ['started', 'checked']
get_shared twice, one object: True
keys: ['log', 'one_object', 'status', 'weights'], len: 4
raw keys: ['pipeline_v1::status', 'pipeline_v2::log', 'pipeline_v2::one_object', 'pipeline_v2::status', 'pipeline_v2::weights']
after clear: 0 here, 1 in the neighbour, status archived
""",
    "split_all": """\
Ada, since 2019 | 3 orders | ['umbrella', 'boots']
no page: the profile service is closed (broken[0])
""",
    "split_any": """\
from kobe; refused: ['lima']; cancelled: (0, 3)
closed before this state began: ['bonn', 'oslo']
""",
    "split_quorum": """\
written to a, c, d; 1 refused, 1 not needed
not written: b is down, c is down, e is down
replicas that have it all the same: a, d
""",
    "split_percentage": """\
Join.percentage(0.28) of 25 needs 7
kept: 7 machines are up, which is enough
Join.percentage(0.28) of 25 needs 7
taken back: split ROLL_OUT: Join.percentage(0.28) of 25 branches: 6 succeeded, 19 failed, 0 cancelled (19 sub-exceptions)
""",
    "split_partial_results": """\
best of 3: south for 11.90
no quote of east: east quoted -1.00
not waited for: centre
""",
    "split_partial_timeout": """\
titles: 4 hits
authors: 2 hits
failed: ['the index of scans is damaged']
not in time: ['full text']
DONE after 2 s
""",
    "split_bulkhead": """\
8 pages, from page 1 to page 8; at most 8 at once
8 pages, from page 1 to page 8; at most 2 at once
""",
    "observers": """\
run 0: outside of runs
run 1: fetched at attempt 1
run 1: parsed, in a thread
run 2: fetched at attempt 3
run 2: parsed, in a thread
run 0: given up: no route
fetch: 3 calls, 4 retries, 1 failures
parse: 2 calls, 0 retries, 0 failures
""",
    "stream_events": """\
Build
- CHECK
  Check
  - LINT
  - TYPES
  - CLEAN
  = CLEAN
- COMPILE
(the compiler is down)
- BUILT
= BUILT
(the compiler is down)
left; the run is cancelled and has ended
""",
    "sub_workflow": """\
SHIPPED: reserve 60, ship
SHIPPED: reserve 60, reserve 60, ship
CANCELLED: reserve 600
the bank does not answer: PAY, attempt 2, in RESERVE → CAPTURE of Payment
""",
    "executor_pool": """\
25 primes and 10 squares below 100; in this process: False
168 primes and 32 squares below 1000; in this process: False
ValueError: -1 is below zero; raised in a worker: True
""",
    "executor_dask": """\
threads: 2.25, in this process: True
cluster: 2.25, in this process: False
""",
    "error_handling": f"""\
KeyNotFound: key 'recrods' is not in the store; did you mean 'records'?
  key='recrods', is a KeyError: True
  with a default: []
TypeMismatch: key 'records': expected str, found list
  expected=<class 'str'>, found=<class 'list'>, is a TypeError: True
AppendTypeMismatch: key 'status': append needs an exact list, found str, which is no list; the value is unchanged
  the value is as it was: 'running'
CopyError: key='guard', found=lock
  shared: True
LockError: the store's lock was refused: too many readers (errno {errno.EAGAIN}); nothing was read or written
One root:
  KeyNotFound: store error True, category store
  TypeMismatch: store error True, category store
  AppendTypeMismatch: store error True, category store
""",
}


NEEDS = {"executor_dask": "distributed"}  # which is no part of cano
QUIET = {"DASK_LOGGING__DISTRIBUTED": "error"}  # it logs a warning of a worker that a busy machine delays


@pytest.fixture(scope="module")
def another_cluster() -> Iterator[None]:
    """Somebody has the port at which Dask puts a dashboard if it is told no other; so the examples may run side by side."""
    with socket.socket() as taken:
        with suppress(OSError):  # somebody has it anyway
            taken.bind(("", 8787))
            taken.listen()
        yield


@pytest.mark.usefixtures("another_cluster")
@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("way", ["module", "script"])
def test_an_example_prints_what_it_promises(name: str, way: str) -> None:
    """Each example runs as a module and as a script, warns of nothing, and prints exactly this."""
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason="it comes with the extra gil: there is none without a GIL")
    what = ["-m", f"examples.{name}"] if way == "module" else [f"examples/{name}.py"]
    done = subprocess.run(
        [sys.executable, "-W", "error", *what],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **QUIET},  # a script finds cano beside it, too, where it is not installed
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr, done.returncode) == (EXPECTED[name], "", 0)


def test_every_example_is_run_and_listed() -> None:
    """No example lies there without a test, or without its line in the table."""
    there = {path.stem for path in (ROOT / "examples").glob("*.py")} - {"__init__"}
    assert there == set(EXPECTED)
    table = (ROOT / "examples" / "README.md").read_text()
    assert all(f"[{name}.py]({name}.py)" in table for name in there)
