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

    def write(worker: int) -> None:
        n = 0
        while not done.is_set():
            n += 1
            store.put("pair", (n, n))
            store.append(f"log{worker}", n)
            if n % 500 == 0:
                store.remove(f"log{worker}")

    writers = [threading.Thread(target=write, args=(worker,), daemon=True) for worker in range(3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(50):
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
