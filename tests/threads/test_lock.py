"""What the store does when pthread refuses its lock, or has it wait, tried with one that does so for real (store 10 and 12)."""

import errno
import os
import sys

import pytest

from tests.threads.interposed import preloaded

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD is Linux's")


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EDEADLK, errno.EINVAL], ids=errno.errorcode.get)
def test_a_refused_lock_is_a_lock_error_and_nothing_was_done(number: int) -> None:
    """Every operation raises LockError with pthread's error number, and the store is as it was, and usable afterwards.

    Without a GIL a read asks pthread for nothing while nobody writes, so there is nothing to refuse.
    """
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
            pop=lambda: store.pop("a"), pop_default=lambda: store.pop("b", default=1), pop_type=lambda: store.pop("a", int),
            setdefault=lambda: store.setdefault("b", 1), modify=lambda: store.modify("a", str),
            put_many=lambda: store.put_many({"a": 3}), transact=lambda: store.transact(lambda tx: tx.put("a", 3)),
            transact_read=lambda: store.transact(lambda tx: tx.get("a")),
            repr=lambda: repr(store), new_store=MemoryStore, clone=store.clone,
        )
        reading = {"get", "get_type", "default", "get_shared", "contains_key", "contains", "keys", "iter", "snapshot", "len",
                   "len_", "is_empty", "transact_read", "repr"}
        for name, call in calls.items():
            pthread.refuse(number)
            try:
                call()
                if not (FREE and name in reading):
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


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EDEADLK, errno.EINVAL], ids=errno.errorcode.get)
def test_a_lock_that_is_refused_at_any_step_leaves_nothing_done_and_nothing_behind(number: int) -> None:
    """Each attempt of an operation at the lock, the first as the last, may be refused: LockError, the store as before, no leak."""
    said = preloaded(
        """
        import gc
        number = int(sys.argv[1])
        class Value: pass
        class Meta(type):
            def __instancecheck__(cls, value): return True
        Any_ = Meta("Any_", (), {})
        value, other, items = Value(), Value(), {"a": 5, "new": 6, Key("n", int): 7}
        log = [1]
        known = {"a": value, "n": 1, "log": log}
        store = MemoryStore(known)
        def change(tx):
            tx.get_shared("a"); tx.get_many(["n", "none"]); tx.append("log", 2)
            tx.put("a", other); tx.remove("n"); tx.pop("log"); tx.put("new", other)
        calls = dict(
            pop=lambda: store.pop("a"), pop_type=lambda: store.pop("a", Value), pop_check=lambda: store.pop("a", Any_),
            pop_nothing=lambda: store.pop("none", default=1), pop_union=lambda: store.pop("a", Value | None),
            setdefault=lambda: store.setdefault("a", other), setdefault_new=lambda: store.setdefault("new", other, Any_),
            modify=lambda: store.modify("a", lambda _: other), modify_check=lambda: store.modify("a", lambda _: other, Any_),
            modify_new=lambda: store.modify("new", lambda _: other, default=[value]),
            put_many=lambda: store.put_many(items), transact=lambda: store.transact(change),
            reads=lambda: store.transact(lambda tx: (tx.get("a"), tx.get("n"), tx.contains_key("none"))),
            nested=lambda: store.transact(lambda tx: (tx.put("new", store.modify("n", lambda n: n)), tx.get("log"))),
            append=lambda: store.append("log", 2), missing=lambda: store.get("nan"),
        )
        def attempts(call):
            "How often it asks for the lock, and what it raised."
            began, raised = pthread.attempts(), None
            try:
                call()
            except Exception as error:
                raised = error.with_traceback(None)
            return pthread.attempts() - began, raised
        for name, call in calls.items():
            most, _ = attempts(call)
            store.clear()
            store.put_many(known)
            if not most and not (FREE and name in ("reads", "missing", "setdefault")):
                print(name, "asks for no lock")
            for step in range(most):
                for again in range(2):     # a lock that stays held would show in the second one
                    counts = [sys.getrefcount(each) for each in (value, other, log, items)]
                    pthread.refuse_after(step, number)
                    _, error = attempts(call)
                    pthread.refuse_after(-1, 0)
                    if type(error) is not LockError or error.errno != number:
                        print(name, step, "raised", repr(error))
                    seen = store.snapshot()
                    if seen != known or any(seen[key] is not known[key] for key in known):
                        print(name, step, "changed the store", seen)
                    del error, seen
                    gc.collect()
                    if [sys.getrefcount(each) for each in (value, other, log, items)] != counts:
                        print(name, step, "kept", [sys.getrefcount(each) for each in (value, other, log, items)], counts)
        """,
        str(number),
    )
    assert said == ""


def test_a_busy_lock_is_waited_for() -> None:
    """EBUSY from a try is no error: the operation waits its turn, and does what it was asked for."""
    said = preloaded(
        """
        store = MemoryStore({"a": 1})
        for call in (
            lambda: store.get("a"), lambda: store.append("log", 1), lambda: store.put("a", 1), lambda: len(store),
            lambda: store.setdefault("b", 1), lambda: store.pop("b", int), lambda: store.put_many({"a": 1}),
            lambda: store.modify("a", lambda n: n), lambda: store.transact(lambda tx: tx.put("a", tx.get("a"))),
        ):
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
        store = MemoryStore({key: 1 for key in "abcde"})
        gc.disable()                    # it would wait for the writer that stays
        pthread.close_gate(1)
        if FREE:                        # there has to be a writer, and it has to stay
            pthread.stay_inside(1)
            writer = threading.Thread(target=lambda: store.put("f", 1))
            writer.start()
            while not pthread.writers_inside():
                pass
        else:
            pthread.be_busy(1)
        thread = threading.Thread(target=lambda: eval(sys.argv[1]))
        thread.start()
        while not pthread.waiters():    # a ctypes call lets go of the GIL, too
            pass
        if FREE:
            pthread.stay_inside(0)
            writer.join()
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
    """Each operation takes the lock once, for reading if it only reads, for writing if it changes something.

    Without a GIL a reader does not ask for it while nobody writes, and waits for the one who does.
    """
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
            clear=store.clear, put_many=lambda: store.put_many({"a": 3, "b": 4, "c": 5}), pop=lambda: store.pop("b"),
            transact=lambda: store.transact(lambda tx: (tx.put("a", 1), tx.put("b", 1), tx.remove("c"))),
        )
        for calls, expected in ((reading, (0 if FREE else 1, 0)), (writing, (0, 1))):
            for name, call in calls.items():
                before = pthread.reads_begun(), pthread.writes_begun()
                call()
                after = pthread.reads_begun() - before[0], pthread.writes_begun() - before[1]
                if after != expected:
                    print(name, after)
        import gc, threading
        gc.disable()                    # a collection would wait for the writer that stays
        pthread.close_gate(1)
        for name, call in reading.items() if FREE else ():
            store.clear()
            store.put_many({key: 1 for key in "abcde"})
            pthread.stay_inside(1)
            writer = threading.Thread(target=lambda: store.put("f", 1))
            writer.start()
            while not pthread.writers_inside():
                pass
            reader = threading.Thread(target=call)
            reader.start()
            while not pthread.waiters():
                if not reader.is_alive():
                    print(name, "has not waited")
                    break
            pthread.stay_inside(0)
            writer.join()
            pthread.close_gate(0)
            reader.join()
            pthread.close_gate(1)
        pthread.close_gate(0)           # others have such locks, too
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
