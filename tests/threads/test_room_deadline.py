"""How long other writers leave room to one who is always overtaken, by a clock that stands until it is moved (store 16)."""

import sys

import pytest

from tests.threads.interposed import preloaded

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="LD_PRELOAD is Linux's")

# Another thread that writes once whenever it is asked to, and a function that it overtakes in each of its first eight runs.
SCENE = """
import threading
store = MemoryStore({"n": 0})
ask, done = threading.Semaphore(0), threading.Semaphore(0)
def write():
    while True:
        ask.acquire()
        store.put("n", object())
        done.release()
threading.Thread(target=write, daemon=True).start()
def overtake():
    ask.release()
    done.acquire()
def wait_for_a_nap():
    before = pthread.naps()
    while pthread.naps() == before:     # a ctypes call lets go of the GIL, too
        pass
runs = 0
def change(last, long=20_000_000):
    def fn(*_):
        global runs
        runs += 1
        if runs < 8:
            overtake()
        elif runs == 8:
            pthread.move_clock(long)    # so long the last run took
            overtake()
        else:
            return last()
    return fn
def naps_of_a_writer():
    before = pthread.naps()
    overtake()
    return pthread.naps() - before
def transact(fn):
    return store.transact(lambda tx: (tx.get_shared("n"), tx.put("seen", 1), fn())[2])
def modify(fn):
    return store.modify("n", fn, default=0)
pthread.stop_clock(0)
"""
CALLS = pytest.mark.parametrize("call", ["transact", "modify"])


def scene(call: str, body: str) -> str:
    return preloaded(SCENE + f"call = {call}\n" + body)


@CALLS
def test_before_the_eighth_failure_nobody_waits(call: str) -> None:
    """A function that is overtaken seven times, and lands then, has made no other writer wait."""
    said = scene(
        call,
        """
runs = -1
def last():
    return "landed"
def seven(*_):
    global runs
    runs += 1
    if runs < 7:
        overtake()
    return "landed"
result = call(seven)
print(runs, result, pthread.naps(), naps_of_a_writer())
""",
    )
    assert said == "7 landed 0 0\n"


@CALLS
@pytest.mark.parametrize(("length", "room"), [(1_000_000, 4_000_000), (10_000_000, 40_000_000), (1_000_000_000, 50_000_000)])
def test_the_room_ends_with_its_time(call: str, length: int, room: int) -> None:
    """A writer waits for four times the last run and 50 ms at most; then it writes, whether the function has landed or not."""
    said = scene(
        call,
        f"""
def last():
    if runs > 9:
        return "landed"
    ask.release()
    wait_for_a_nap()
    pthread.move_clock({room} - 1)
    wait_for_a_nap()
    print("waits", done.acquire(blocking=False))
    pthread.move_clock(1)
    done.acquire()
    print("wrote")
result = call(change(last, {length}))
print(runs, result)
""",
    )
    assert said == "waits False\nwrote\n10 landed\n"


@CALLS
def test_ten_thousand_failed_runs_are_a_conflict(call: str) -> None:
    """A function that somebody overtakes in spite of all room is given up, with the key and the number of runs."""
    said = scene(
        call,
        """
pthread.stop_clock(60_000_000)          # a nap is longer than any room
def always(*_):
    global runs
    runs += 1
    pthread.move_clock(1_000_000)
    overtake()
try:
    call(always)
except CommitConflict as error:
    print(error.key, error.runs, error.own, runs, "another writer came first in all of 10,000 runs" in str(error))
""",
    )
    assert said == "n 10000 False 10000 True\n"


@CALLS
def test_a_writer_waits_no_longer_for_room_that_is_asked_for_anew(call: str) -> None:
    """The 50 ms of one wait are counted from its beginning, however often the room is prolonged meanwhile."""
    said = scene(
        call,
        """
def last():
    if runs == 9:
        ask.release()
        wait_for_a_nap()
        pthread.move_clock(40_000_000)
        store.put("n", object())        # so that this run fails as well, and the room is prolonged
    elif runs == 10:
        pthread.move_clock(40_000_000)
        done.acquire()                  # the writer has waited for 80 ms, and the room has 10 more
call(change(last))
print(runs)
""",
    )
    assert said == "11\n"
