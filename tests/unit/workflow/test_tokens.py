"""Whoever holds its token may cancel a run, from anywhere (engine 7, WF-25, WF-26, WF-28, WF-29, G3)."""

import asyncio
import gc
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from cano.errors import RunCancelled, RunTimeout, context_of
from cano.resilience import CancellationToken
from cano.resources import Resources, per_run
from cano.testing import FakeClock
from cano.workflow import Workflow
from tests.unit.callers import Caller, forever, myself
from tests.unit.stages import Plain, Recorder, Stage, going, single, turns


def in_threads(count: int, do: Callable[[], object]) -> list[threading.Thread]:
    """Do this in so many threads at once."""
    gate = threading.Barrier(count)

    def run() -> None:
        gate.wait(30)
        do()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


async def entered(count: int = 1) -> tuple[Workflow[Any], asyncio.Event, list[str]]:
    """Make a workflow that waits for ever, an event for the moment when so many runs of it do, and the log of its resource."""
    everybody, log, inside = asyncio.Event(), [], []

    async def run() -> Stage:
        inside.append(1)
        if len(inside) == count:
            everybody.set()
        return await forever()  # type: ignore[no-any-return]

    return single(run, Resources({"a": Recorder("a", log)})), everybody, log


@pytest.mark.parametrize("threads", [1, 8])
async def test_a_thread_cancels_while_the_loop_idles(threads: int) -> None:
    """The run ends at once, also if several cancel at the same moment, and is cancelled once."""
    workflow, inside, log = await entered()
    token = CancellationToken()
    caller = Caller(workflow.orchestrate(Stage.A, token=token))
    await inside.wait()
    workers = in_threads(threads, token.cancel)
    await caller.over()  # nothing else wakes the loop
    error = await caller.ended()
    found = context_of(error)
    assert (type(error), error.category) == (RunCancelled, "cancelled")
    assert found is not None
    assert (found.state, found.attempt, found.path) == ("A", 1, ("A",))
    assert log == ["setup a", "up a", "teardown a", "down a"]
    assert token.is_cancelled
    for each in workers:
        each.join()


async def test_one_token_ends_all_of_its_runs() -> None:
    """However many there are, and in several workflows (WF-25)."""
    workflow, inside, log = await entered(50)
    token = CancellationToken()
    callers = [Caller(workflow.orchestrate(Stage.A, token=token)) for _ in range(50)]
    await inside.wait()
    threads = in_threads(1, token.cancel)
    await asyncio.wait([caller.task for caller in callers])
    errors = [await caller.ended() for caller in callers]
    assert {type(each) for each in errors} == {RunCancelled}
    assert len({id(each) for each in errors}) == 50
    assert log[-2:] == ["teardown a", "down a"]
    threads[0].join()


def watchers(token: CancellationToken) -> int:
    """Count what a token would call."""
    return sum(len(each) for each in gc.get_referents(token) if isinstance(each, list | set | dict))


async def test_the_other_runs_of_one_parent_go_on() -> None:
    """A token that a thread cancels ends its own run, in the very task that awaits it (G3)."""
    first, others = CancellationToken(), CancellationToken()
    workflow, inside, _ = await entered(2)
    ended = []

    async def parent() -> None:
        async with asyncio.TaskGroup() as group:
            one = group.create_task(self_catching(workflow.orchestrate(Stage.A, token=first), ended))
            two = group.create_task(self_catching(workflow.orchestrate(Stage.A, token=others), ended))
            await inside.wait()
            in_threads(1, first.cancel)[0].join()
            await one
            await turns(5)
            assert not two.done()
            assert myself().cancelling() == two.cancelling() == 0
            others.cancel()

    await parent()
    assert [type(each) for each in ended] == [RunCancelled, RunCancelled]


async def self_catching(run: Any, ended: list[BaseException]) -> None:
    """Await a run, and note how it ends."""
    with pytest.raises(RunCancelled) as caught:
        await run
    ended.append(caught.value)
    assert myself().cancelling() == 0
    await turns()


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signal")
async def test_a_signal_handler_may_cancel() -> None:
    """While the loop idles, and without a word of asyncio in the handler.

    A signal that comes just before the loop begins to wait is heard when something ends that, so it is sent until it is heard.
    """
    workflow, inside, _ = await entered()
    token, over, threads = CancellationToken(), threading.Event(), list[threading.Thread]()

    def send() -> None:
        while not over.wait(0.001):
            os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: token.cancel())
    try:
        caller = Caller(workflow.orchestrate(Stage.A, token=token))
        await inside.wait()
        threads += in_threads(1, send)
        await caller.over()
        assert type(await caller.ended()) is RunCancelled
    finally:
        over.set()
        for each in threads:
            each.join()
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signal")
async def test_a_signal_handler_of_the_loop_may_cancel() -> None:
    """One signal is enough, whenever it comes: such a handler wakes the loop."""
    workflow, inside, _ = await entered()
    token, loop = CancellationToken(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, token.cancel)
    try:
        caller = Caller(workflow.orchestrate(Stage.A, token=token))
        await inside.wait()
        in_threads(1, lambda: os.kill(os.getpid(), signal.SIGUSR1))[0].join()
        await caller.over()
        assert type(await caller.ended()) is RunCancelled
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)


@pytest.mark.parametrize("then", ["waits", "returns", "fails", "goes on"])
async def test_a_task_may_cancel_its_own_run(then: str) -> None:
    """It is cut where it waits, or ends the run when it is over; its error is the cause, and no teardown is cut (WF-28)."""
    token, mine, ran, log = CancellationToken(), ValueError("mine"), [], []

    async def run() -> Stage:
        ran.append(1)
        token.cancel()
        if then == "waits":
            await forever()
        if then == "fails":
            raise mine
        return Stage.DONE if then == "returns" else Stage.A

    res = Resources({"a": per_run(lambda: Recorder("a", log))})
    caller = Caller(single(run, res).orchestrate(Stage.A, token=token))
    await turns(6)
    error = await caller.ended()
    assert type(error) is RunCancelled
    assert ran == [1]
    assert log == ["setup a", "up a", "teardown a", "down a"]
    assert error.__cause__ is mine if then == "fails" else not isinstance(error.__cause__, Exception)


async def test_a_chain_that_never_waits_is_cancelled_from_a_thread() -> None:
    """At a state boundary; the loop need not turn for it (engine 11)."""
    token = CancellationToken()
    workers: list[threading.Thread] = []

    async def run() -> Stage:
        if not workers:
            workers.extend(in_threads(1, token.cancel))
        return Stage.A

    assert type(await Caller(single(run).orchestrate(Stage.A, token=token)).ended()) is RunCancelled
    workers[0].join()


async def test_a_token_beats_the_timeout_and_stays_cancelled() -> None:
    """Given to a run of which the time is up, too; a second cancel changes nothing (WF-25, WF-26)."""
    token, clock = CancellationToken(), FakeClock()
    token.cancel()
    token.cancel()
    assert repr(token) == "<CancellationToken cancelled>"
    for timeout, kind in ((0, RunCancelled), (None, RunCancelled)):
        with pytest.raises(kind):
            await single(going(Stage.DONE), clock=clock).orchestrate(Stage.A, timeout=timeout, token=token)
    with pytest.raises(RunTimeout):
        await single(going(Stage.DONE), clock=clock).orchestrate(Stage.A, timeout=0, token=CancellationToken())


@pytest.mark.parametrize("own", [False, True])
async def test_a_token_after_the_run_reaches_nobody(own: bool) -> None:
    """Not the caller's next line, not the next run on another token, and not a teardown."""
    token, log = CancellationToken(), []

    class Cancels:
        async def teardown(self) -> None:
            token.cancel()
            await turns(3)
            log.append("down")

    res = Resources({"a": per_run(Cancels) if own else Cancels()})
    caller = Caller(single(going(Stage.DONE), res).orchestrate(Stage.A, token=token))
    await turns(12)
    assert await caller.ended() is Stage.DONE
    assert log == ["down"]


@pytest.mark.usefixtures("mortal_classes")
@pytest.mark.parametrize("way", ["goes", "fails", "cancelled", "caller", "thrown away", "set-up"])
async def test_a_token_keeps_nothing_of_a_run_that_is_over(way: str) -> None:
    """However it ended: thousands of runs may have one token."""

    class Input:
        async def setup(self) -> None:
            if way == "set-up":
                raise ValueError

    token, seen = CancellationToken(), []

    async def run(mine: Input) -> Stage:
        seen.append(weakref.ref(mine))
        if way == "fails":
            raise ValueError(mine)
        if way != "goes":
            await forever()
        return Stage.DONE

    run_token = token
    coroutine = single(run, Resources({"mine": per_run(Input)})).orchestrate(Stage.A, token=run_token)
    alive = weakref.ref(Input)
    del run, Input
    task = asyncio.ensure_future(coroutine)
    await turns(5)
    if way == "thrown away":
        coroutine.close()
    if way in ("thrown away", "caller"):
        task.cancel()
    if way == "cancelled":
        token.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()
    del task, coroutine
    await turns(3)
    gc.collect()
    assert [each() for each in seen if each() is not None] == []
    assert alive() is None
    assert watchers(token) == 0
    token.cancel()
    await turns(3)


def test_a_token_outlives_event_loops() -> None:
    """Runs in a loop that is closed by now, and one that was left in it, do not stand in the way of others."""
    token = CancellationToken()
    assert single(going(Stage.DONE)).orchestrate_sync(Stage.A, token=token) is Stage.DONE
    loop = asyncio.new_event_loop()
    left = loop.create_task(single(forever).orchestrate(Stage.A, token=token))
    waits = loop.create_task(token.wait())
    loop.run_until_complete(turns(3))
    # What asyncio.run would not do: the loop is closed over tasks that wait.
    loop.close()
    token.cancel()
    with pytest.raises(RunCancelled):
        single(going(Stage.DONE)).orchestrate_sync(Stage.A, token=token)
    abandoned: list[Any] = [left, waits]
    for each in abandoned:
        each._log_destroy_pending = False
        each.get_coro().close()


async def test_a_run_inside_a_run_on_one_token() -> None:
    """Each sends its own cancel and takes it back; the outer one tells, and the count is what it was."""
    token, log = CancellationToken(), []
    inside = asyncio.Event()

    async def innermost(a: Plain) -> Stage:
        inside.set()
        return await forever()  # type: ignore[no-any-return]

    inner = single(innermost, Resources({"a": Plain("inner", log)}))

    async def run(a: Plain) -> Stage:
        return await inner.orchestrate(Stage.A, token=token)  # type: ignore[no-any-return]

    workflow = single(run, Resources({"a": per_run(lambda: Plain("outer", log))}))
    caller = Caller(workflow.orchestrate(Stage.A, token=token))
    await inside.wait()
    threads = in_threads(1, token.cancel)
    await caller.over()
    error = await caller.ended()
    found = context_of(error)
    assert type(error) is RunCancelled
    assert found is not None
    assert found.inner is None
    assert log == ["up outer", "up inner", "down inner", "down outer"]
    threads[0].join()


async def test_who_waits_for_a_token_is_woken_from_any_thread() -> None:
    """All of them, at once if it was cancelled before; who is cancelled oneself is not kept."""
    token = CancellationToken()
    waits = [asyncio.ensure_future(token.wait()) for _ in range(5)]
    await turns(2)
    waits[0].cancel()
    await turns(2)
    assert watchers(token) == 4
    threads = in_threads(4, token.cancel)
    await asyncio.wait(waits)
    assert watchers(token) == 0
    assert [each.cancelled() for each in waits] == [True] + [False] * 4
    await token.wait()
    for each in threads:
        each.join()


def test_who_blocks_on_a_token_is_woken() -> None:
    """By another thread, at once if it was cancelled before, and at the end of the time in any case."""
    token, ended = CancellationToken(), []
    assert token.wait_sync(0) is False
    assert token.wait_sync(0.001) is False
    assert watchers(token) == 0
    threads = in_threads(8, lambda: ended.append(token.wait_sync(None if threading.get_ident() % 2 else 60)))
    in_threads(1, token.cancel)[0].join()
    for each in threads:
        each.join()
    assert ended == [True] * 8
    assert token.wait_sync() is token.wait_sync(0) is True


@pytest.mark.parametrize("timeout", [-1, True, "1", float("nan")])
def test_a_time_to_block_is_a_duration(timeout: Any) -> None:
    """As everywhere."""
    with pytest.raises((TypeError, ValueError), match="timeout"):
        CancellationToken().wait_sync(timeout)


def test_a_signal_handler_may_cancel_what_the_interrupted_code_waits_for() -> None:
    """At whatever line of the library or of ``threading`` it interrupts the thread, nothing waits for that thread's own lock."""
    for number in range(1, 200):
        token = CancellationToken()
        left = iter(range(number))

        def trace(frame: FrameType, event: str, _: object, token: CancellationToken = token, left: Any = left) -> Any:
            if os.path.basename(frame.f_code.co_filename) in ("_token.py", "threading.py"):
                if event == "line" and next(left, None) is None and not token.is_cancelled:
                    sys.settrace(None)
                    token.cancel()
                return trace
            return None

        def waits(token: CancellationToken = token, trace: Any = trace) -> None:
            sys.settrace(trace)
            token.wait_sync(0)
            token.wait_sync(0 if not token.is_cancelled else None)
            sys.settrace(None)

        thread = threading.Thread(target=waits, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
        if not token.is_cancelled:
            assert number > 10
            return


@pytest.mark.parametrize("token", [True, "token", object(), asyncio.Event()])
async def test_what_is_no_token_is_refused(token: Any) -> None:
    """Before anything runs."""
    with pytest.raises(TypeError, match="token"):
        await single(going(Stage.DONE)).orchestrate(Stage.A, token=token)
