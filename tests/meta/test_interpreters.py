"""A second interpreter of the process is refused the store, by an error that says so, and nothing crashes."""

import pytest

from tests.meta.tree import PACKAGE, fresh

# ``_interpreters`` is private, and another one in each version. "legacy" shares the GIL, "isolated" has its own from 3.12 on.
HEAD = f"""
import asyncio, datetime, sys  # 3.12 crashes by itself where an isolated interpreter is the first to import these, and ends
try:
    import _interpreters
except ImportError:
    import _xxsubinterpreters as _interpreters

def within(kind, code):
    if sys.version_info >= (3, 13):
        interpreter = _interpreters.create(kind)
        failure = _interpreters.exec(interpreter, code)
    else:
        interpreter = _interpreters.create(isolated=kind == "isolated")
        failure = _interpreters.run_string(interpreter, code)
    _interpreters.destroy(interpreter)
    assert failure is None, failure

IMPORT = '''
import sys
sys.path.insert(0, {str(PACKAGE.parent)!r})
for name in ("cano", "cano.store", "cano.store._core", "cano.store.direct", "cano"):
    try:
        __import__(name)
        print(name, "imported", flush=True)
    except ImportError as error:
        print(name, error, flush=True)
'''
"""
TRY = """
try:
    import cano
    print(cano.MemoryStore())
except ImportError as error:
    print(error)
"""
REFUSED = "cano's store works in one interpreter of a process, the first that imports it: use threads or processes"

each_kind = pytest.mark.parametrize("kind", ["legacy", "isolated"])


@each_kind
def test_a_second_interpreter_is_refused_and_the_first_goes_on(kind: str) -> None:
    """Each import there, and each further one, is the same ImportError; the store of the first interpreter works on."""
    run = fresh(
        f"{HEAD}\nimport cano\nstore = cano.MemoryStore({{'n': 1}})\nwithin({kind!r}, IMPORT)\nassert store.get('n', int) == 1"
    )
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert len(lines) == 5
    assert [line for line in lines if REFUSED not in line] == []


@each_kind
def test_a_subinterpreter_that_comes_first_leaves_no_crash_behind(kind: str) -> None:
    """It has the store, and the main interpreter is refused it by the same error; or it is refused, and the main one has it."""
    run = fresh(f"{HEAD}\nwithin({kind!r}, IMPORT)\n{TRY}")
    assert (run.returncode, run.stderr) == (0, "")
    *inside, last = run.stdout.splitlines()
    assert len(inside) == 5
    if all(line.endswith(" imported") for line in inside):
        assert last.startswith(REFUSED)
    else:
        assert [line for line in inside if REFUSED not in line] == []
        assert last == "<MemoryStore: 0 keys>"
