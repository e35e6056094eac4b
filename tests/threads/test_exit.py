"""The interpreter ends beside daemon threads that use a store, and what still runs then may use it, too (store 10)."""

import pytest

from tests.meta.tree import fresh

BODY = """
import atexit, os, threading
from cano.store import MemoryStore
store = MemoryStore({"n": 1})
begun = threading.Barrier(5)

def work(store, begun):
    first = True
    while True:
        store.put("n", 1)
        store.append("log", 1)
        store.pop("log", default=None)
        store.get("n", int)
        store.snapshot()
        if first:
            begun.wait()
            first = False

class Late:
    def __init__(self):
        self.store, self.write = store, os.write

    def __del__(self):
        self.store.put("late", 1)
        self.store.append("late log", 1)
        self.write(1, b"finalizer %d\\n" % self.store.get("late", int))

def at_exit():
    store.put_many({"a": 1, "b": 2})
    print("atexit", store.get("b", int), flush=True)

late = Late()
atexit.register(at_exit)
for _ in range(4):
    threading.Thread(target=work, args=(store.clone(), begun), daemon=True).start()
begun.wait()
"""


@pytest.mark.parametrize("time", range(3))
def test_the_interpreter_ends_beside_daemon_threads(time: int) -> None:
    """Threads that CPython stops amid their calls leave the store to exit handlers and finalizers, and the process ends."""
    run = fresh(BODY)
    assert (run.returncode, run.stderr) == (0, ""), time
    first, *rest = run.stdout.splitlines()
    assert first == "atexit 2"
    assert rest in ([], ["finalizer 1"])  # CPython does not finalize all globals while threads are left
