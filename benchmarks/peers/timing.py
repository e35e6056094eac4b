"""Time of a step: the whole job over and over, a third of its time, each form of an engine in turn with the hand-written loop.

All in one process, one after the other on one event loop, so that no run waits for another. The garbage collector is on, as users
have it, and what lay about before is collected before each timing. The clock is the processor's time of this process.
"""

import asyncio
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.peers.job import NUMBER, STEPS, Run, SyncRun, result
from benchmarks.peers.subjects import SUBJECTS, Subject
from benchmarks.ratios import Result, Timed, in_turn
from benchmarks.workflow_cases import event_loop

WANTED = result(NUMBER)


def wrong(outcome: int) -> ValueError:
    """Make the error of a run that ended as none should."""
    return ValueError(f"a run ended with {outcome}, and not with {WANTED}")


async def again(run: Run, times: int) -> None:
    """Await so many runs, and what they have left behind in the event loop.

    Raises: ValueError if one ends with another result than it should.
    """
    for _ in range(times):
        outcome = await run(NUMBER)
        if outcome != WANTED:
            raise wrong(outcome)
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    if rest:
        await asyncio.wait(rest)


def again_sync(run: SyncRun, times: int) -> None:
    """Make so many runs.

    Raises: ValueError if one ends with another result than it should.
    """
    for _ in range(times):
        outcome = run(NUMBER)
        if outcome != WANTED:
            raise wrong(outcome)


@dataclass(frozen=True, slots=True)
class Steps:
    """What :mod:`benchmarks.ratios` times: so many jobs."""

    go: Callable[[int], None]

    def timeit(self, number: int, /) -> float:
        """Do the job so many times; seconds of the processor."""
        gc.collect()
        began = time.process_time()
        self.go(number)
        return time.process_time() - began


def steps(subject: Subject) -> Timed:
    """Make what is timed of an engine, once it has run and is warm."""
    if subject.sync:
        plain = subject.run_sync()
        made = Steps(lambda times: again_sync(plain, times))
    else:
        run = subject.run(None)
        made = Steps(lambda times: event_loop().run_until_complete(again(run, times)))
    made.timeit(10)
    return made


def measure(subject: Subject, *, rounds: int, seconds: float) -> tuple[Result, tuple[float, float]]:
    """Time an engine in turn with the loop: the medians for a step, and the best of each."""
    loop = SUBJECTS[0]
    taken = in_turn(steps(subject), steps(loop), rounds=rounds, seconds=seconds)
    pairs = [(ours / STEPS, other / STEPS) for ours, other in taken]
    medians = Result(
        subject.label,
        loop.label,
        None,
        ours=median(ours for ours, _ in pairs),
        other=median(other for _, other in pairs),
        ratio=median(ours / other for ours, other in pairs),
        over=median(ours - other for ours, other in pairs),
    )
    return medians, (min(ours for ours, _ in pairs), min(other for _, other in pairs))
