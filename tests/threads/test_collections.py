"""The collector beside every operation: it stops threads wherever they are, and reads what the stores hold without their lock."""

import os
import sys

import pytest

from tests.threads.interposed import preloaded
from tests.unit.store.alone import alone

HEAD = """
import faulthandler, gc, sys, threading, weakref
from tests.threads.meeting import together
from tests.threads.operations import OPERATIONS, STEPS
from tests.threads.pausing import PAUSING
faulthandler.dump_traceback_later(90, exit=True)  # a hang shows where each thread is
sys.setswitchinterval(1e-6)
gc.freeze()                                       # the fewer there are to look at, the more collections
class Node: pass
"""


def test_collections_beside_every_operation() -> None:
    """Two threads repeat one operation while a third collects: all come to their end, and only garbage goes."""
    alone(
        HEAD
        + """
met = OPERATIONS | PAUSING | {name: lambda store, step=step: store.transact(step) for name, step in STEPS.items()}
for name, operation in met.items():
    store, kept = MemoryStore({"list": [1, 2, 3], "other": {"a": 1}}), Node()
    kept.data = MemoryStore({"node": kept, "rows": [kept]})  # in a cycle, and held from outside
    over = []
    def collect():
        try:
            for _ in range(4):
                lost = MemoryStore()
                lost.put("me", [lost, Node()])
                lost.append("log", lost)
                gone = weakref.ref(lost)
                del lost
                gc.collect()
                assert gone() is None, "garbage stays"
        finally:
            over.append(1)
    def repeat(handle):
        while not over:
            operation(handle)
            if name != "clear" and "store" not in name:
                store.put("kept", kept)
    try:
        together(collect, lambda: repeat(store), lambda: repeat(store.clone()))
    except BaseException as error:
        error.add_note(name)
        raise
    assert kept.data.get_shared("node") is kept and kept.data.get_shared("rows") == [kept], name
    store.put_many({"kept": kept, "after": 1})
    assert store.get_shared("kept") is kept and store.get("after") == 1, name
""",
        seconds=100,
        checkout=True,
    )


def test_appends_beside_collections_lose_nothing() -> None:
    """Lists that grow and are copied, tables that grow and shrink, while the collector goes through them: nothing is lost."""
    alone(
        HEAD
        + """
store, over = MemoryStore(), []
def write(me):
    try:
        for n in range(1500):
            store.append("log", (me, n))
            store.append(f"own {me}", n)
            store.put(f"key {me} {n}", [store])
            if n % 50 == 49:
                for old in range(n - 49, n + 1):
                    assert store.pop(f"key {me} {old}")[0] is store
                held = store.get_shared("log")
    finally:
        over.append(me)
def collect():
    while len(over) < 2:
        gc.collect()
together(collect, lambda: write(0), lambda: write(1))
log = store.get_shared("log")
for me in range(2):
    assert [n for who, n in log if who == me] == store.get(f"own {me}") == list(range(1500))
assert len(log) == 3000 and sorted(store.keys()) == ["log", "own 0", "own 1"]
""",
        seconds=100,
        checkout=True,
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD is Linux's")
@pytest.mark.skipif(os.confstr_names.get("CS_GNU_LIBC_VERSION") is None, reason="the writer that stays is glibc's")
def test_who_waits_for_the_lock_never_keeps_a_collection_waiting() -> None:
    """A collection in the middle of the wait of any operation comes to its end, and the operation does, too, afterwards."""
    said = preloaded(
        """
        import faulthandler, gc, os, threading
        sys.path.insert(0, os.getcwd())
        from tests.threads.operations import OPERATIONS, STEPS
        from tests.threads.pausing import PAUSING
        faulthandler.dump_traceback_later(90, exit=True)
        gc.freeze()
        gc.disable()                        # by itself it would wait for the writer that stays
        met = OPERATIONS | PAUSING
        for name, step in STEPS.items():
            met[name] = lambda store, step=step: store.transact(lambda tx: (step(tx), tx.put("list", 1)))
        without = []
        for name, operation in met.items():
            store = MemoryStore({"list": [1, 2, 3], "other": {"a": 1}, "a": 1, "b": 2, "c": 3})
            pthread.close_gate(1)
            if FREE:                        # there has to be a writer, and it has to stay
                pthread.stay_inside(1)
                writer = threading.Thread(target=store.put, args=("f", 1))
                writer.start()
                while not pthread.writers_inside():
                    pass
            else:
                pthread.be_busy(1)
            thread = threading.Thread(target=operation, args=(store,))
            thread.start()
            while not pthread.waiters() and thread.is_alive():
                pass
            if not pthread.waiters():
                without.append(name)
            if FREE:
                pthread.stay_inside(0)
                writer.join()
            gc.collect()
            pthread.be_busy(0)
            pthread.close_gate(0)
            thread.join()
            store.put("after", 1)
        print(without)
        """
    )
    assert said == "['clone']\n"
