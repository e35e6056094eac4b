"""Readers and writers without a GIL, where a reader does not touch the lock: each keeps the other out, also over a fork."""

import os
import sys

import pytest

from cano.store import MemoryStore
from tests.threads.interposed import FREE, preloaded
from tests.threads.meeting import together

here = pytest.mark.skipif(not FREE, reason="with a GIL, a writer that stays inside keeps everybody else from running")
glibc = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.confstr_names.get("CS_GNU_LIBC_VERSION") is None,
    reason="LD_PRELOAD and glibc's malloc",
)


def test_no_reader_sees_half_of_what_a_writer_does() -> None:
    """All values of a put_many or none, for a snapshot, a transaction and keys, however they meet."""
    names = list("abcd")  # the shorter the calls, the more often they meet
    store = MemoryStore(dict.fromkeys(names, 0))
    over: list[int] = []

    def write() -> None:
        try:
            for n in range(1, 40_000):
                store.put_many(dict.fromkeys(names, n))
        finally:
            over.append(1)

    def look() -> None:
        while not over:
            assert len(set(store.snapshot().values())) == 1

    together(write, look)


def test_no_reader_finds_the_table_of_a_writer_half_made() -> None:
    """A table that grows and shrinks beside a reader: every key that stays is found, and its value is alive."""
    store = MemoryStore({"stays": (0, 0)})
    more = {f"key {n}": (n, n) for n in range(60)}
    over: list[int] = []

    def write() -> None:
        try:
            for n in range(1_500):
                store.put("stays", (n, n))
                store.put_many(more)
                store.transact(lambda tx: [tx.remove(name) for name in more])
        finally:
            over.append(1)

    def look() -> None:
        while not over:
            left, right = store.get_shared("stays", tuple)
            assert left == right
            assert "stays" in store

    together(write, look)


@here
@glibc
@pytest.mark.parametrize("write", ["store.put('key 1', 1)", "store.put_many(ones)", "store.clear()", "store.append('log', 1)"])
def test_a_writer_waits_until_the_readers_inside_have_left(write: str) -> None:
    """While somebody is amid a snapshot no write is made, and the snapshot is what was there when it began."""
    said = preloaded(
        """
        import gc, threading, time
        gc.disable()                        # it would wait for the reader that stays
        names = [f"key {n}" for n in range(1000)]
        ones = dict.fromkeys(names, 1)
        store = MemoryStore(dict.fromkeys(names, 0))
        seen, wrote = [], []
        pthread.stay_reading_inside((2 * 1000 + 1) * 8)
        reader = threading.Thread(target=lambda: seen.append(store.snapshot()))
        reader.start()
        while not pthread.readers_inside():
            pass
        before = pthread.writes_begun()
        writer = threading.Thread(target=lambda: (eval(sys.argv[1]), wrote.append(1)))
        writer.start()
        while pthread.writes_begun() == before:
            pass
        for _ in range(2000):
            time.sleep(0)
        print(wrote)
        pthread.stay_reading_inside(0)
        reader.join()
        writer.join()
        print(seen[0] == dict.fromkeys(names, 0), wrote, store.snapshot() != seen[0])
        """,
        write,
    )
    assert said == "[]\nTrue [1] True\n"


@here
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD is Linux's")
def test_a_writer_sleeps_only_for_a_lock_that_stays_taken() -> None:
    """Who sleeps has to be woken: for a lock that comes free soon a writer looks again, and gives its core away, instead."""
    said = preloaded(
        """
        store = MemoryStore({"a": 1})
        for times in (1, 60, 80, 200):
            before = pthread.waits()
            pthread.be_busy(times)
            store.put("a", times)
            print(times, pthread.waits() > before, store.get("a"))
        """
    )
    assert said == "1 False 1\n60 False 60\n80 False 80\n200 True 200\n"


FORK = """
        import ctypes, gc, os, signal, threading
        gc.disable()                        # it would wait for the one who stays
        def in_child(call):
            child = ctypes.PyDLL(None).fork()   # os.fork would first stop all threads, which takes them out of the store
            if not child:
                signal.alarm(50)
                pthread.stay_inside(0)
                pthread.stay_reading_inside(0)
                try:
                    call()
                    code = 0
                finally:
                    os._exit(code)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        code = 1
"""


@here
@glibc
@pytest.mark.parametrize("first", ["get('a')", "len()", "keys()", "snapshot()", "put('a', 3)", "append('log', 1)", "clear()"])
def test_a_child_is_not_kept_out_by_a_writer_of_its_parent(first: str) -> None:
    """The flag of a writer that was inside at the fork is down in the child, whatever is called there first (store 11)."""
    said = preloaded(
        FORK
        + """
        store = MemoryStore({key: 1 for key in "abcde"})
        pthread.stay_inside(1)
        writer = threading.Thread(target=lambda: store.put("f", 1))
        writer.start()
        while not pthread.writers_inside():
            pass
        def child():
            eval(f"store.{sys.argv[1]}")
            store.put("a", 2)
            assert store.get("a", int) == 2
        print(in_child(child))
        pthread.stay_inside(0)
        writer.join()
        print(len(store))
        """,
        first,
    )
    assert said == "0\n6\n"


@here
@glibc
@pytest.mark.parametrize("first", ["get('key 1')", "put('key 1', 1)", "clear()", "pop('key 1')"])
def test_a_child_does_not_wait_for_a_reader_of_its_parent(first: str) -> None:
    """Who was counted in at the fork is not in the child, so a writer there has nobody to wait for (store 11)."""
    said = preloaded(
        FORK
        + """
        store = MemoryStore({f"key {n}": 0 for n in range(1000)})
        pthread.stay_reading_inside((2 * 1000 + 1) * 8)
        reader = threading.Thread(target=store.snapshot)
        reader.start()
        while not pthread.readers_inside():
            pass
        def child():
            eval(f"store.{sys.argv[1]}")
            store.put("a", 2)
            assert store.get("a", int) == 2
        print(in_child(child))
        pthread.stay_reading_inside(0)
        reader.join()
        print(len(store))
        """,
        first,
    )
    assert said == "0\n1000\n"
