import errno
import os
import subprocess
import sys

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


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("way", ["module", "script"])
def test_an_example_prints_what_it_promises(name: str, way: str) -> None:
    """Each example runs as a module and as a script, warns of nothing, and prints exactly this."""
    what = ["-m", f"examples.{name}"] if way == "module" else [f"examples/{name}.py"]
    done = subprocess.run(
        [sys.executable, "-W", "error", *what],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},  # a script finds cano beside it, too, where it is not installed
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
