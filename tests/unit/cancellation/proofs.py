"""What must hold wherever a run is interrupted, said once: what reaches the caller, and that nothing is left behind."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from cano._trace import CURRENT
from cano.errors import RunCancelled, RunTimeout
from cano.resilience import CancellationToken
from cano.resources._tenancy import INSIDE
from tests.unit.cancellation.play import (
    CANCEL,
    DEADLINE,
    THROW_AWAY,
    TIMEOUT,
    TOKEN,
    VARIABLE,
    Exit,
    Play,
    Point,
    Scene,
    numbered,
)


async def call(play: Play, run: Callable[[], Awaitable[Any]]) -> None:
    """Be the caller: run, and see that nothing of the run is left in this task."""
    me = asyncio.current_task()
    assert me is not None
    play.task = me
    VARIABLE.set("caller")
    around = asyncio.all_tasks()

    async def steps() -> Any:
        return await run()

    play.live = True
    try:
        if DEADLINE in play.ways:
            async with asyncio.timeout(None) as play.deadline:
                play.outcome = await numbered(steps(), play)
        else:
            play.outcome = await numbered(steps(), play)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at
        play.outcome = error
    play.live, play.over = False, True
    left = asyncio.all_tasks() - around
    requested = sum(request.way == CANCEL for request in play.requests)
    undelivered = requested and not delivered(play)
    assert me.cancelling() == requested, "each cancel of the run's own is taken back, and no other"
    late = 0
    for _ in range(3):
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            late += 1
    assert late == bool(undelivered), "the next awaits of the caller are interrupted by nothing stale"
    while me.cancelling():
        me.uncancel()
    assert VARIABLE.get() == "caller"
    assert CURRENT.get() is None, "no run is under way any more"
    assert INSIDE.get() == ()
    assert play.scene.beside or play.thrown_away or not left, f"all children have ended when the run has: {left}"


def delivered(play: Play) -> bool:
    """Tell whether the caller's cancellation could come out inside the run: its task waited for something then, or later."""
    return any(each.way == CANCEL and (each.waited or play.counts["run"] > each.seen) for each in play.requests)


def expected(play: Play) -> Any:
    """Say what the run has to end with: caller before token before timeout before what it is amid."""
    if play.thrown_away:
        return THROW_AWAY
    ways = {request.way: request for request in reversed(play.requests)}
    swallowed = "swallowed" in play.log
    # In the last step of a clean-up it comes out later, and is asyncio's to deliver: the cancellation before it ends the run.
    if (delivered(play) and not swallowed) or (CANCEL in ways and ways[CANCEL].amid):
        return asyncio.CancelledError
    if play.deadline is not None and play.deadline.expired() and not swallowed:
        return TimeoutError
    if swallowed and (CANCEL in ways or DEADLINE in ways):
        # One CancelledError was made of two requests; where the run is to end all the same, it is the caller's.
        ended = any(way in ways and not ways[way].returned for way in (TOKEN, TIMEOUT))
        return (asyncio.CancelledError if CANCEL in ways else TimeoutError) if ended else play.scene.swallowed
    for way, error in ((TOKEN, RunCancelled), (TIMEOUT, RunTimeout)):
        if way in ways and not ways[way].returned:
            return error
    if DEADLINE in ways and play.at is not None:
        # It is a callback of the loop, and nothing but the last step of the run can have been before it.
        assert play.at.sort != "run" or play.at.soon
        assert play.counts["run"] == ways[DEADLINE].seen
    return play.scene.ends


def is_what(outcome: Any, what: Any) -> bool:
    """Tell whether a run ended so: with this very state, or with an exception of exactly this class."""
    return type(outcome) is what if isinstance(what, type) and issubclass(what, BaseException) else outcome is what


async def play(scene: Scene, ways: tuple[str, ...] = (), at: Point | None = None) -> Play:
    """Play a scene once, interrupted at a point, and see that it leaves nothing behind; then the next run works."""
    loop = asyncio.get_running_loop()
    loop.set_debug(False)  # in which all of it takes nine times as long; the other tests of the engine have it
    this = Play(scene, ways, at)
    if TOKEN in ways:
        this.token = CancellationToken()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: this.unhandled.append(context))
    before = asyncio.all_tasks()
    this.clock.start()
    try:
        run = scene.make(this)
        if scene.before is not None:
            await scene.before(this)
        await asyncio.create_task(call(this, run))
        if scene.after is not None:
            await scene.after(this)
        if this.thrown_away:
            await settle(before)
        judge(this)
        assert asyncio.all_tasks() == before
        timers = this.clock.waiting
        assert timers == 0, f"{timers} timers are left"
        await again(this, run)
        assert asyncio.all_tasks() == before
        assert [each for each in this.unhandled if not this.thrown_away or not asyncio_s_own(each)] == []
    except BaseException as error:
        error.add_note(f"interrupted by {', '.join(ways)} at {at}")
        raise
    finally:
        this.clock.stop()
        loop.set_exception_handler(handler)
        if scene.close is not None:
            scene.close(this)
        this.task = None
    return this


def asyncio_s_own(context: dict[str, Any]) -> bool:
    """Tell whether it is what Python 3.11 says of an async generator that was amid a step when its coroutine was closed."""
    return "asynchronous generator is already running" in str(context.get("exception"))


async def settle(before: "set[asyncio.Task[Any]]") -> None:
    """Let those end who are left when nobody can wait for them any more."""
    for _ in range(40):
        if asyncio.all_tasks() == before:
            return
        await asyncio.sleep(0)


def judge(this: Play) -> None:
    """See that the outcome is the right one, and that what was begun and set up has ended and is down."""
    what = expected(this)
    assert is_what(this.outcome, what), f"{this.outcome!r} is not {what!r}"
    assert this.begun == this.ended
    assert this.faults == []
    assert max(this.hits.values(), default=0) <= 1, f"{this.hits}: a child is cancelled once"
    balanced(this.log, in_order=not this.thrown_away)
    for seen in this.exits:
        assert seen_rightly(this, seen), f"the exit of {seen.name} has seen {seen.error!r}, and the run ended with {this.outcome!r}"


def seen_rightly(this: Play, seen: Exit) -> bool:
    """Tell whether an exit may have seen this: what ended the run, or nothing, if it was torn down after it had gone well."""
    if this.thrown_away:
        return seen.error is None or type(seen.error) in (GeneratorExit, this.scene.fails, asyncio.CancelledError)
    own = this.scene.fails if this.scene.fails is not None else type(None)
    if type(seen.error) is own:
        vain = all(each.returned and each.way in (TOKEN, TIMEOUT) for each in this.requests)
        # The shared ones are left in the midst of a teardown: what comes after that is not theirs to see.
        left = seen.name.startswith("shared") and all(each.returned for each in this.requests)
        return not (seen.requested and seen.arrived) or vain or left or this.scene.fails is not None
    if not seen.requested:
        return False
    if type(seen.error) is asyncio.CancelledError:
        alone = this.ways in ((TOKEN,), (TIMEOUT,))
        return not alone or seen.name.startswith("shared") or this.scene.nested
    return type(seen.error) in [{TOKEN: RunCancelled, TIMEOUT: RunTimeout}.get(way) for way in this.ways]


def balanced(log: list[str], *, in_order: bool = True) -> None:
    """See that each that was up was torn down once, in reverse order; a shared one in full."""
    up: list[str] = []
    for line in log:
        word, _, name = line.partition(" ")
        if word == "up":
            up.append(name)
        elif word == "teardown":
            assert name in up, log
            assert up[-1] == name or not in_order, log
            up.remove(name)
    assert up == [], log
    for line in log:
        if line.startswith("teardown shared"):
            assert log.count(line) == log.count(line.removeprefix("tear")), log


async def again(this: Play, run: Callable[[], Awaitable[Any]]) -> None:
    """Run once more, undisturbed: nothing is wedged, and all is set up anew."""
    ups, this.tries = {line for line in this.log if line.startswith("up")}, 0
    this.log.clear()
    this.exits.clear()
    if this.token is not None:
        this.token = CancellationToken()
    outcome: Any
    try:
        outcome = await run()
    except Exception as error:  # noqa: BLE001 - that of a scene which always fails
        outcome = error
    first, this.outcome = this.outcome, outcome
    if this.scene.after is not None:
        await this.scene.after(this)
    this.outcome = first
    assert is_what(outcome, this.scene.ends), f"the next run ended with {outcome!r}"
    assert ups - this.kept.get("not its own", set()) <= set(this.log), "the next run sets up what this one has"
    balanced(this.log)
    assert all(type(seen.error) is (this.scene.fails or type(None)) for seen in this.exits)
    assert this.begun == this.ended
