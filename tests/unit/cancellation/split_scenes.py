"""The kinds of runs that are interrupted: splits, with each strategy."""

import asyncio
from typing import Any, Literal

from cano.errors import SplitFailed
from cano.resilience import Retry
from cano.resources import Resources, per_run
from cano.tasks import SplitResult, task
from cano.workflow import Branch, Join
from tests.unit.cancellation.held import Held, managed
from tests.unit.cancellation.play import TURN, VARIABLE, Play, Scene
from tests.unit.cancellation.scenes import Gate, Run, running, workflow
from tests.unit.stages import Stage


def branch(play: Play, name: str, turns: int, *, cleanup: int = 0, error: BaseException | None = None) -> Any:
    """Make a branch of so many turns."""

    async def work() -> str:
        VARIABLE.set(name)
        await play.piece(name, turns, cleanup=cleanup, error=error)
        return name

    return work


def splitting(play: Play, branches: list[Any], resources: Resources | None = None, **options: Any) -> Run:
    """Make a run of a split, and of a join state that takes one turn."""

    async def joined(result: SplitResult[Any]) -> Literal[Stage.DONE]:
        assert isinstance(result, SplitResult)
        await play.piece("joined", 1)
        return play.last(Stage.DONE)

    made = workflow(play, resources).register_split(Stage.A, branches, to=Stage.B, **options)
    return running(play, made.register(Stage.B, joined))


def three(play: Play, cleanup: int = 0) -> list[Any]:
    """Make branches of one, two and three turns."""
    return [branch(play, name, turns, cleanup=cleanup) for name, turns in (("one", 1), ("two", 2), ("three", 3))]


def four(play: Play) -> list[Any]:
    """Make branches the first of which fails; those that are interrupted take two turns to clean up."""
    turns = (("quick", 2), ("slow", 5), ("slower", 9))
    return [branch(play, "bad", 1, error=OSError("bad")), *(branch(play, name, count, cleanup=2) for name, count in turns)]


def needs_all(play: Play) -> Run:
    """All have to succeed, and do."""
    return splitting(play, three(play, 1), join=Join.all())


def all_fail(play: Play) -> Run:
    """All have to succeed, and one fails: the others clean up."""
    return splitting(play, four(play), join=Join.all())


def needs_any(play: Play) -> Run:
    """The first success is enough, and the losers clean up."""
    return splitting(play, four(play), join=Join.any())


def quorum(play: Play) -> Run:
    """Two of four."""
    return splitting(play, four(play), join=Join.quorum(2))


def percentage(play: Play) -> Run:
    """Half of four."""
    return splitting(play, four(play), join=Join.percentage(0.5))


def partial_results(play: Play) -> Run:
    """Two of four, with a timer."""
    return splitting(play, four(play), join=Join.partial_results(2), timeout=50 * TURN)


def partial_timeout(play: Play) -> Run:
    """What has ended after six turns, when the slower ones are cut off."""
    return splitting(play, four(play), join=Join.partial_timeout(), timeout=6 * TURN)


def out_of_time(play: Play) -> Run:
    """A split that fails because its time is up."""
    return splitting(play, four(play)[1:], join=Join.all(), timeout=6 * TURN)


def queue(play: Play) -> Run:
    """Five branches, two at a time."""
    more = [branch(play, "four", 2), branch(play, "five", 1)]
    return splitting(play, three(play, 1) + more, join=Join.all(), bulkhead=2)


def short_queue(play: Play) -> Run:
    """Two at a time until two have succeeded; those behind never begin."""
    return splitting(play, [*four(play), branch(play, "never", 1)], join=Join.quorum(2), bulkhead=2, timeout=50 * TURN)


def instant(play: Play) -> Run:
    """Branches that never suspend: where they begin at once, they run amid a step of the run."""
    return splitting(play, [branch(play, name, 0) for name in ("one", "two", "three")], join=Join.all())


def instant_failure(play: Play) -> Run:
    """One that never suspends fails at once, beside one that has to be interrupted."""
    return splitting(play, [branch(play, "slow", 9, cleanup=2), branch(play, "bad", 0, error=OSError("bad"))], join=Join.all())


def instant_success(play: Play) -> Run:
    """One that never suspends is enough, beside one that has to be interrupted."""
    return splitting(play, [branch(play, "slow", 9, cleanup=2), branch(play, "good", 0)], join=Join.any())


def conditions(play: Play) -> Run:
    """Branches with retries and timeouts of their own: one is out of time, and in time the second time."""
    seen: list[str] = []

    async def late() -> None:
        seen.append("late")
        await play.piece(f"late {len(seen)}", 20 if len(seen) == 1 else 1, cleanup=2)

    async def flaky() -> None:
        play.tries += 1
        await play.piece("flaky", 1, error=OSError() if play.tries < 2 else None)

    retry = Retry(2, delay=2 * TURN, jitter=0)
    branches = [
        Branch(late, retry=retry, timeout=4 * TURN),
        Branch(flaky, retry=retry, timeout=30 * TURN),
        branch(play, "plain", 3),
    ]
    return splitting(play, branches, join=Join.all())


def lost(play: Play) -> Run:
    """A branch ends by a CancelledError that nobody asked for."""
    return splitting(play, [branch(play, "slow", 9, cleanup=2), branch(play, "lost", 1, error=asyncio.CancelledError())])


def amid_resources(play: Play) -> Run:
    """A split over resources of both kinds."""
    made: dict[str, Any] = {"a": Held(play, "shared a"), "b": per_run(managed(play, "own b"))}
    return splitting(play, four(play), Resources(made), join=Join.any())


def threads(play: Play) -> Run:
    """The winner does not wait for its thread, and the split does; no one could stop it."""
    gate = Gate(play)

    @task(blocking=True)
    def blocking() -> Any:
        gate.pass_through()

    async def quick() -> None:
        gate.meet()
        await play.piece("quick", 2)

    return splitting(play, [blocking, quick], join=Join.any())


SCENES = {
    "all": Scene(needs_all, Stage.DONE),
    "all, failing": Scene(all_fail, SplitFailed),
    "any": Scene(needs_any, Stage.DONE),
    "quorum": Scene(quorum, Stage.DONE),
    "percentage": Scene(percentage, Stage.DONE),
    "partial results": Scene(partial_results, Stage.DONE),
    "partial timeout": Scene(partial_timeout, Stage.DONE),
    "out of time": Scene(out_of_time, SplitFailed),
    "queue": Scene(queue, Stage.DONE),
    "short queue": Scene(short_queue, Stage.DONE),
    "instant": Scene(instant, Stage.DONE),
    "instant failure": Scene(instant_failure, SplitFailed),
    "instant success": Scene(instant_success, Stage.DONE),
    "conditions": Scene(conditions, Stage.DONE),
    "lost": Scene(lost, SplitFailed),
    "amid resources": Scene(amid_resources, Stage.DONE),
    "threads": Scene(threads, Stage.DONE, threads=True),
}
