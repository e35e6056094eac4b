"""What a run gives its tasks and refuses to be given: tokens, branches, clocks, bodies in several event loops (engine 2, 9, 13)."""

import asyncio
import copy
import pickle
import sys
import threading
from typing import Any

import pytest

from cano.errors import RunCancelled, SplitFailed, TaskInvalid, context_of
from cano.resilience import CancellationToken
from cano.tasks import task
from cano.workflow import Branch, Join, Workflow
from tests.unit.stages import Stage, going, single, turns


async def fails() -> None:
    """Fail."""
    raise OSError("no")


async def test_a_task_cancels_its_own_run() -> None:
    """The token that it gets is the run's, also where the caller has given none."""

    @task(to=Stage.DONE)
    async def gives_up(token: CancellationToken) -> Stage:
        token.cancel()
        await asyncio.Event().wait()
        return Stage.DONE

    with pytest.raises(RunCancelled):
        await single(gives_up).orchestrate(Stage.A)
    given = CancellationToken()
    with pytest.raises(RunCancelled):
        await single(gives_up).orchestrate(Stage.A, token=given)
    assert given.is_cancelled


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_token_is_not_copied(copied: Any) -> None:
    """A copy would cancel nothing."""
    with pytest.raises(TypeError, match="pass the token itself"):
        copied(CancellationToken())


async def test_a_split_of_no_branches_is_joined_at_once() -> None:
    """All of none have succeeded (SJ-5)."""
    workflow = Workflow(state=Stage).register_split(Stage.A, [], to=Stage.DONE).add_exit_state(Stage.DONE)
    assert await workflow.orchestrate(Stage.A) is Stage.DONE


async def test_a_branch_tells_of_a_long_path_what_was_left_out() -> None:
    """The context of a branch is bounded as that of the run is, and counts the same states."""
    left = iter(range(2_000))

    async def round_and_round() -> Stage:
        return Stage.A if next(left, None) is not None else Stage.B

    workflow = Workflow(state=Stage).register(Stage.A, task(to=[Stage.A, Stage.B])(round_and_round))
    workflow.register_split(Stage.B, [fails], to=Stage.DONE).add_exit_state(Stage.DONE)
    with pytest.raises(SplitFailed) as caught:
        await workflow.orchestrate(Stage.A)
    whole, (branch,) = context_of(caught.value), caught.value.contexts
    assert whole is not None
    assert branch is not None
    assert (
        (len(branch.path), branch.omitted, branch.run_id)
        == (len(whole.path), whole.omitted, whole.run_id)
        == (256, 1746, whole.run_id)
    )


@pytest.mark.parametrize("branches", [[fails], (fails,), Branch(fails)])
def test_branches_are_no_task_of_one_state(branches: Any) -> None:
    """The refusal names ``register_split``."""
    with pytest.raises(TaskInvalid, match="register_split"):
        Workflow(state=Stage).register(Stage.A, branches)


def test_what_stands_in_the_wrong_place_is_refused() -> None:
    """Each refusal says what to write."""
    workflow: Any = Workflow(state=Stage)
    with pytest.raises(TypeError, match="the state comes first"):
        workflow.register_split([fails], Stage.A, to=Stage.DONE)
    with pytest.raises(TypeError, match=r"Join\.all\(\)"):
        workflow.register_split(Stage.A, [fails], to=Stage.DONE, join=Join.all)
    with pytest.raises(ValueError, match="timeout is -1"):
        Branch(fails, timeout=-1)
    for clock in (3, asyncio, type("Clock", (), {"now": None})()):
        with pytest.raises(TypeError, match="FakeClock"):
            Workflow(clock=clock)


def test_bodies_open_in_many_threads_at_once() -> None:
    """Each leaves what it entered (engine 4)."""
    interval = sys.getswitchinterval()
    workflow = single(going(Stage.DONE))
    barrier, errors = threading.Barrier(8), []

    async def nested() -> None:
        for _ in range(200):
            async with workflow:
                await turns()
                async with workflow:
                    await turns()

    def run() -> None:
        barrier.wait()
        try:
            asyncio.run(nested())
        except RuntimeError as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == []
