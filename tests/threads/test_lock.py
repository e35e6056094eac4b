"""What the store does when pthread refuses its lock, or has it wait, tried with one that does so for real (store 10 and 12)."""

import errno
import os
import sys

import pytest

from tests.threads.interposed import preloaded

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD is Linux's")


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EDEADLK, errno.EINVAL], ids=errno.errorcode.get)
def test_a_refused_lock_is_a_lock_error_and_nothing_was_done(number: int) -> None:
    """Every operation raises LockError with pthread's error number, and the store is as it was, and usable afterwards."""
    said = preloaded(
        """
        number = int(sys.argv[1])
        store = MemoryStore({"a": 1, "list": [1]})
        held = store.get_shared("list")
        calls = dict(
            get=lambda: store.get("a"), get_type=lambda: store.get("a", int), default=lambda: store.get("b", default=1),
            get_shared=lambda: store.get_shared("a"), put=lambda: store.put("a", 2), new=lambda: store.put("b", 2),
            append=lambda: store.append("list", 2), append_new=lambda: store.append("log", 2), remove=lambda: store.remove("a"),
            contains_key=lambda: store.contains_key("a"), contains=lambda: "a" in store, keys=store.keys, iter=lambda: iter(store),
            snapshot=store.snapshot, len=lambda: len(store), len_=store.len, is_empty=store.is_empty, clear=store.clear,
            repr=lambda: repr(store), new_store=MemoryStore, clone=store.clone,
        )
        for name, call in calls.items():
            pthread.refuse(number)
            try:
                call()
                print(name, "was not refused")
            except LockError as error:
                if error.errno != number or not isinstance(error, RuntimeError) or str(number) not in str(error):
                    print(name, repr(error))
            finally:
                pthread.refuse(0)
            if store.snapshot() != {"a": 1, "list": [1]} or store.get_shared("list") is not held:
                print(name, "changed the store", store.snapshot())
        """,
        str(number),
    )
    assert said == ""


def test_a_busy_lock_is_waited_for() -> None:
    """EBUSY from a try is no error: the operation waits its turn, and does what it was asked for."""
    said = preloaded(
        """
        store = MemoryStore({"a": 1})
        for call in (lambda: store.get("a"), lambda: store.append("log", 1), lambda: store.put("a", 1), lambda: len(store)):
            pthread.be_busy(1)
            call()
        print(sorted(store.snapshot().items()))
        """
    )
    assert said == "[('a', 1), ('log', [1])]\n"


@pytest.mark.parametrize("call", ["store.get('a')", "store.put('a', 2)", "len(store)", "store.append('log', 1)", "store.clear()"])
def test_nobody_waits_with_the_interpreter_in_hand(call: str) -> None:
    """A thread that waits for the lock has let go of the GIL: another one goes on, and is what ends the wait."""
    said = preloaded(
        """
        import gc, threading
        store = MemoryStore({"a": 1})
        pthread.close_gate(1)
        pthread.be_busy(1)
        thread = threading.Thread(target=lambda: eval(sys.argv[1]))
        thread.start()
        while not pthread.waiters():    # a ctypes call lets go of the GIL, too
            pass
        gc.collect()                    # a collection reads the store's data, and needs no lock for it
        print(sum(range(1000)))
        pthread.close_gate(0)
        thread.join()
        """,
        call,
    )
    assert said == "499500\n"


def test_a_store_cannot_be_made_when_there_is_no_lock_to_be_had() -> None:
    """ENOMEM from pthread_rwlock_init is a LockError of the constructor, and the half-made store dies quietly."""
    said = preloaded(
        """
        import gc, errno
        pthread.refuse(errno.ENOMEM)
        for _ in range(3):
            try:
                MemoryStore({"a": 1})
            except LockError as error:
                print(error.errno == errno.ENOMEM)
        gc.collect()
        pthread.refuse(0)
        """
    )
    assert said == "True\n" * 3


def test_reads_share_the_lock_and_writes_exclude() -> None:
    """Each operation takes the lock once, for reading if it only reads, for writing if it changes something."""
    said = preloaded(
        """
        store = MemoryStore({"a": 1, "list": [1]})
        reading = dict(
            get=lambda: store.get("a"), shared=lambda: store.get_shared("a"), has=lambda: store.contains_key("a"),
            contains=lambda: "a" in store, keys=store.keys, iter=lambda: iter(store), snapshot=store.snapshot, len=store.len,
            size=lambda: len(store), empty=store.is_empty, text=lambda: repr(store),
        )
        writing = dict(
            put=lambda: store.put("a", 2), append=lambda: store.append("list", 2), remove=lambda: store.remove("a"),
            clear=store.clear,
        )
        for calls, expected in ((reading, (1, 0)), (writing, (0, 1))):
            for name, call in calls.items():
                before = pthread.reads_begun(), pthread.writes_begun()
                call()
                after = pthread.reads_begun() - before[0], pthread.writes_begun() - before[1]
                if after != expected:
                    print(name, after)
        """
    )
    assert said == ""


@pytest.mark.skipif(os.confstr_names.get("CS_GNU_LIBC_VERSION") is None, reason="only glibc can be told whom to prefer")
def test_a_lock_prefers_its_writers_and_is_destroyed_with_its_store() -> None:
    """B5: a waiting writer goes before the readers that come after it; handles share one lock, which dies with the last."""
    said = preloaded(
        """
        import gc
        store = MemoryStore()
        print(pthread.kind_of_last())   # 2: PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP
        gc.collect()
        before = pthread.locks_destroyed()
        for _ in range(5):
            handle = MemoryStore()
            del handle
        print(pthread.locks_destroyed() - before)
        """
    )
    assert said == "2\n5\n"
