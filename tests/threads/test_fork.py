"""A forked child can use its stores, also when the lock was held by a thread that is not in the child (store 11)."""

import os
import subprocess
import sys
import textwrap
import threading
import warnings

import pytest

from cano.store import MemoryStore
from tests.threads.interposed import interposed

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")


def in_child(body: str, *arguments: str, library: str = "") -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    if library:  # behind what is preloaded already: a sanitizer has to come first
        environment["LD_PRELOAD"] = f"{environment.get('LD_PRELOAD', '')} {library}".strip()
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(body), *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        env=environment,
        check=False,
    )


def test_fork_out_of_threaded_writers() -> None:
    """Each of many children forked while threads write reads whole data and writes its own, which the parent never sees."""
    store = MemoryStore({"pair": (0, 0)})
    done = threading.Event()

    # The threads share nothing but the store with the child: a variable of this function that several of them read is an
    # object with a lock of CPython's own, which the child may find held for good.
    def write(worker: int, store: MemoryStore, done: threading.Event) -> None:
        n = 0
        while not done.is_set():
            n += 1
            store.put("pair", (n, n))
            store.append(f"log{worker}", n)
            if n % 500 == 0:
                store.remove(f"log{worker}")

    writers = [threading.Thread(target=write, args=(worker, store.clone(), done), daemon=True) for worker in range(3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(200):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # 3.12+ warns of threads at a fork: they are the test
                child = os.fork()
            if not child:
                code = 1
                try:
                    left, right = store.get("pair", tuple)
                    logs = [store.get(f"log{worker}", list, default=[]) for worker in range(3)]
                    store.put("child", 1)
                    store.append("log0", "child")
                    whole = left == right and all(log == list(range(log[0], log[0] + len(log))) for log in logs if log)
                    own = store.get("child", int) == 1 and store.get("log0", list) == [*logs[0], "child"]
                    code = 0 if whole and own else 2
                finally:
                    os._exit(code)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        done.set()
        for writer in writers:
            writer.join()
    assert "child" not in store


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD is Linux's")
def test_fork_while_the_lock_is_held_elsewhere() -> None:
    """The child makes the lock new: one that was held at the fork, by a thread that does not exist there, blocks nobody."""
    result = in_child(
        """
        import ctypes, os
        from cano.store import MemoryStore
        store, other = MemoryStore({"a": 1}), MemoryStore({"a": 2})
        control = ctypes.CDLL(None)
        control.keep_locked(1)      # the next unlock does nothing, as if its thread were gone
        store.put("a", 1)
        control.keep_locked(0)
        child = os.fork()
        if not child:
            store.put("a", 3)
            assert store.get("a", int) == 3 and other.get("a", int) == 2
            grandchild = os.fork()
            if not grandchild:
                store.put("a", 4)
                os._exit(0 if store.get("a") == 4 else 5)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(1, b"%d" % code)
        os._exit(0)                 # the parent's own lock stays held
        """,
        library=interposed(),
    )
    assert (result.returncode, result.stdout) == (0, "0"), result.stderr


def test_a_handler_of_fork_may_use_the_store() -> None:
    """The lock is whole before any handler of os.register_at_fork runs in the child."""
    result = in_child(
        """
        import os
        from cano.store import MemoryStore
        store = MemoryStore()
        os.register_at_fork(after_in_child=lambda: store.append("forks", "child"), before=lambda: store.append("forks", "before"))
        child = os.fork()
        if not child:
            os._exit(0 if store.get("forks") == ["before", "child"] else 3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert store.get("forks") == ["before"]
        """
    )
    assert result.returncode == 0, result.stderr


AMID = """
import faulthandler, os, signal, sys, threading, time
from cano.store import MemoryStore

sys.setswitchinterval(1e-6)
store = MemoryStore({"pair": (0, 0), "left": 0, "right": 0, "log": [], "count": 0})
done = threading.Event()
resting = threading.Event()
faulthandler.register(signal.SIGALRM, chain=True)  # a child that hangs says where

def forked(child):
    # Run in the child, which has to end by itself: its exit code, 0 if all is well.
    pid = os.fork()
    if pid:
        return code_of(pid)
    signal.alarm(30)
    code = 1
    try:
        child()
        code = 0
    finally:
        if code:
            faulthandler.dump_traceback()
            sys.excepthook(*sys.exc_info())
        os._exit(code)

def code_of(pid):
    # The others rest until the child has ended: what counts is what they were amid at the fork, and a machine with few
    # cores may let a new process wait for its first turn as long as others are busy.
    resting.set()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    before = dict(calls_made)
    resting.clear()
    while any(calls_made[call] == before[call] for call in before):
        time.sleep(0)  # until all are busy again
    return code

def check():
    # All is whole, and every operation works at once.
    seen = store.snapshot()
    assert seen["pair"][0] == seen["pair"][1] and seen["left"] == seen["right"] and seen["log"] == sorted(seen["log"])
    count = store.get("count", int)
    assert store.modify("count", lambda n: n + 1, int) == count + 1
    store.transact(lambda tx: (tx.put("left", tx.get("left") + 1), tx.put("right", tx.get("right") + 1), tx.append("log", 10**9)))
    assert store.get("left") == store.get("right") == seen["left"] + 1 and store.pop("log")[-1] == 10**9
    store.put_many({"a": 1, "b": 2})
    store.clear()
    assert store.setdefault("after", 1) == 1 and store.keys() == ["after"]

def raised(n):
    time.sleep(0)
    return n + 1

def both(tx):
    left = tx.get("left", int)
    time.sleep(0)
    tx.put("left", left + 1)
    tx.put("right", tx.get("right", int) + 1)
    tx.append("log", left)

def until_done(call):
    calls_made[call] = 0

    def work():
        while not done.is_set():
            while resting.is_set():
                time.sleep(0.0005)
            call()
            calls_made[call] += 1

    thread = threading.Thread(target=work)
    thread.start()
    return thread

n = 0
def put_pair():
    global n
    n += 1
    store.put("pair", (n, n))

def shorten():
    store.modify("log", lambda log: log[-5:], list)

calls_made = {}
calls_of_others = [put_pair, lambda: store.modify("count", raised, int), lambda: store.transact(both), shorten]
if not getattr(sys, "_is_gil_enabled", lambda: True)():
    # Each list has a lock of CPython's own there. One that two threads of the parent were waiting for stays locked for good in
    # the child, whoever uses it: sorted(log) alone hangs in one child of thirty. So only one thread uses the list.
    calls_of_others[2:] = [lambda: (store.transact(both), shorten())]
others = [until_done(call) for call in calls_of_others]
try:
    main()
finally:
    done.set()
    for other in others:
        other.join()
print("whole")
"""


def amid(main: str) -> subprocess.CompletedProcess[str]:
    """Run ``main`` while other threads are amid operations, modify and transact among them."""
    return in_child(textwrap.dedent(main) + AMID)


def test_fork_while_others_are_amid_modify_and_transact() -> None:
    """Each of 60 children finds whole data and can use every operation at once, whatever the others were amid."""
    result = amid(
        """
        def main():
            for _ in range(60):
                assert forked(check) == 0
        """
    )
    assert (result.returncode, result.stdout) == (0, "whole\n"), result.stderr


@pytest.mark.parametrize("call", ["modify", "transact", "both"])
def test_fork_inside_of_a_run(call: str) -> None:
    """A function that forks: parent and child each finish their own run, 50 times, and none sees what the other one wrote."""
    result = amid(
        """
        def own(tx):
            mine = tx.get("own", int)
            fork()
            tx.put("own", mine + 1)
            return mine + 1

        def fork():
            if not made:
                made.append(os.fork())
                if not made[0]:
                    signal.alarm(30)
                    store.put("child", 1)

        calls = {
            "modify": lambda: store.modify("own", lambda mine: (fork(), mine + 1)[1], int),
            "transact": lambda: store.transact(own),
            "both": lambda: store.modify("outer", lambda outer: store.transact(own), int),
        }

        def main():
            store.put_many({"own": 0, "outer": 0})
            for number in range(50):
                made.clear()
                code = 1
                try:
                    assert calls[CALL]() == number + 1 == store.get("own", int)
                    code = 0
                    if not made[0]:
                        assert "child" in store
                        check()
                except BaseException:
                    faulthandler.dump_traceback()
                    sys.excepthook(*sys.exc_info())
                    code = 2
                    raise
                finally:
                    if made == [0]:
                        os._exit(code)
                assert code_of(made[0]) == 0
                assert "child" not in store

        made = []
        CALL = """
        + repr(call)
        + "\n"
    )
    assert (result.returncode, result.stdout) == (0, "whole\n"), result.stderr


def test_fork_while_another_thread_has_asked_for_room() -> None:
    """The one who asked is not in the child: a writer there gets through, and so does a new run."""
    result = amid(
        """
        def main():
            store.put("hot", 0)
            runs = []

            def overtaken(n):
                runs.append(n)
                if len(runs) <= 8:
                    other = threading.Thread(target=store.put, args=("hot", 1000 + len(runs)))
                    other.start()
                    other.join()
                else:
                    other = threading.Thread(target=lambda: codes.append(forked(check)))
                    other.start()
                    other.join()
                return n

            for _ in range(10):
                runs.clear()
                codes = []
                store.modify("hot", overtaken, int)
                assert codes and not any(codes)
        """
    )
    assert (result.returncode, result.stdout) == (0, "whole\n"), result.stderr
