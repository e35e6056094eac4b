"""Nobody starves: after 8 failed runs others leave room, which is a courtesy with a deadline and no lock (store 16)."""

import sys
import threading
import time
from collections.abc import Callable

import pytest

from cano.store import MemoryStore, Transaction
from tests.threads.interposed import preloaded
from tests.threads.meeting import together

ROOM_AFTER = 8
Inside = Callable[[], None]


def by_modify(store: MemoryStore, inside: Inside) -> None:
    store.modify("hot", lambda n: (inside(), n)[1])


def by_transact(store: MemoryStore, inside: Inside) -> None:
    def change(tx: Transaction) -> None:
        seen = tx.get("hot", int)
        inside()
        tx.put("hot", seen)

    store.transact(change)


def by_a_late_read(store: MemoryStore, inside: Inside) -> None:
    """Only reads: it is the second look that finds the first one outdated."""
    store.transact(lambda tx: (tx.get("hot"), inside(), tx.get("other", default=None)))


ACTS = pytest.mark.parametrize("act", [by_modify, by_transact, by_a_late_read])


@ACTS
@pytest.mark.usefixtures("hasty")
def test_a_slow_function_beside_busy_writers_ends_in_a_bounded_number_of_runs(act: Callable[[MemoryStore, Inside], None]) -> None:
    """Each run lasts until somebody has written, or 200 looks: it would never end if nobody left room."""
    store = MemoryStore({"hot": 0})
    runs: list[int] = []
    over: list[bool] = []

    def write(worker: int) -> None:
        n = 0
        while not over:
            n += 1
            store.put("hot", 1_000 + 2 * n + worker)

    def work() -> None:
        try:
            for _ in range(20):
                runs.append(0)
                act(store, wait_for_a_write)
        finally:
            over.append(True)

    def wait_for_a_write() -> None:
        runs[-1] += 1
        before = store.get_shared("hot")
        for _ in range(200):
            time.sleep(0)
            if store.get_shared("hot") is not before:
                return

    together(work, lambda: write(0), lambda: write(1))
    assert max(runs) > ROOM_AFTER, "no run was overtaken often enough to show anything"
    assert max(runs) < 200


@ACTS
def test_a_writer_gets_through_while_the_one_who_asked_for_room_waits_for_it(act: Callable[[MemoryStore, Inside], None]) -> None:
    """The function's run in its own room blocks until the writer has written: with a lock both would hang."""
    store = MemoryStore({"hot": 0})
    amid, written = threading.Event(), threading.Event()
    runs: list[None] = []

    def inside() -> None:
        runs.append(None)
        if len(runs) <= ROOM_AFTER:
            other = threading.Thread(target=store.put, args=("hot", 1_000 + len(runs)))
            other.start()
            other.join()
        elif not written.is_set():
            amid.set()
            assert written.wait(60)

    def write() -> None:
        assert amid.wait(60)
        store.put("hot", 5_000)
        written.set()

    together(lambda: act(store, inside), write)
    assert len(runs) == ROOM_AFTER + 2  # the run that waited was overtaken, too
    assert store.get("hot") == 5_000


PRELUDE = """
import threading, time
from concurrent.futures import ThreadPoolExecutor
store = MemoryStore({"hot": 0})
runs = []
writer = ThreadPoolExecutor(1)
writer.submit(int).result()  # lives from now on: a thread that begins when another one has ended may get its number

def elsewhere(call, *arguments):
    thread = threading.Thread(target=call, args=arguments)
    thread.start()
    thread.join()

def overtaken(inside):
    # The function's first 8 runs are overtaken by another thread; from then on it does what is asked.
    runs.append(1)
    if len(runs) <= 8:
        time.sleep(0.005)  # so that the room has some length
        elsewhere(store.put, "hot", 1000 + len(runs))
    else:
        inside()

def modify(inside):
    store.modify("hot", lambda n: (overtaken(inside), n)[1])

def transact(inside):
    store.transact(lambda tx: (tx.get("hot"), overtaken(inside), tx.put("hot", -1)))

def naps_of(write):
    before = pthread.naps()
    writer.submit(write).result()
    return pthread.naps() - before

def fail():
    raise ZeroDivisionError

def tried(act, inside):
    try:
        act(inside)
    except BaseException as error:
        return type(error).__name__
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD is Linux's")
@pytest.mark.parametrize("act", ["modify", "transact"])
def test_every_writer_leaves_room_but_no_reader_and_not_the_one_who_asked(act: str) -> None:
    """Whatever another thread calls to write naps; what it calls to read does not, nor does a write of the one who asked."""
    said = preloaded(
        PRELUDE
        + f"act = {act}"
        + """
reads = {
    "get": lambda: store.get("hot"), "keys": store.keys, "snapshot": store.snapshot, "len": store.len, "in": lambda: "hot" in store,
    "transact": lambda: store.transact(lambda tx: tx.get("hot")),
}
writes = {
    "put": lambda: store.put("other", 1), "append": lambda: store.append("log", 1), "remove": lambda: store.remove("other"),
    "pop": lambda: store.pop("other", default=1), "setdefault": lambda: store.setdefault("new" + str(len(store)), 1),
    "put_many": lambda: store.put_many({"a": 1}), "modify": lambda: store.modify("other", lambda n: n, default=1),
    "transact": lambda: store.transact(lambda tx: tx.put("b", 1)), "clear": store.clear,
}

def inside():
    for name, read in reads.items():
        if naps_of(read):
            print("a reader naps:", name)
    before = pthread.naps()
    store.put("own", 1)
    if pthread.naps() != before:
        print("the guest naps")

for name, write in writes.items():
    found = []
    for _ in range(20):  # a machine that is slow enough lets the deadline go by
        del runs[:]
        store.put("hot", 0)
        tried(act, lambda: (found.append(naps_of(write)), inside()))  # after clear() there is nothing to go on with
        if any(found):
            break
    else:
        print("a writer leaves no room:", name)
""",
    )
    assert said == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD is Linux's")
@pytest.mark.parametrize("act", ["modify", "transact"])
def test_the_room_is_given_back_when_the_run_is_over(act: str) -> None:
    """When it has committed, raised, been interrupted, or ended its thread, the next writer does not nap once."""
    said = preloaded(
        PRELUDE
        + f"act = {act}"
        + """
def ended(inside):
    del runs[:]
    store.put("hot", 0)
    result = []
    elsewhere(lambda: result.append(tried(act, inside)))
    return result[0], len(runs), naps_of(lambda: store.put("other", 1))

def interrupt():
    raise KeyboardInterrupt

def end_thread():
    raise SystemExit

print(ended(lambda: None), ended(fail), ended(interrupt), ended(end_thread))
""",
    )
    assert said == "(None, 9, 0) ('ZeroDivisionError', 9, 0) ('KeyboardInterrupt', 9, 0) ('SystemExit', 9, 0)\n"
