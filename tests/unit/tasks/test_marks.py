"""What decorators say about a task, and what that holds for (engine 2, 3)."""

import copy
import functools
import pickle
from enum import Enum
from typing import Any, Literal

import pytest

from cano.errors import TaskInvalid
from cano.resources import Resources
from cano.tasks import TaskResult, task
from cano.tasks._kinds import Kind
from cano.tasks._spec import spec_of
from tests.unit.stages import Stage, going, single
from tests.unit.tasks.decorators import traced


class Other(Enum):
    """States of another workflow."""

    LOST = 1


@task
async def module_task() -> Literal[Stage.DONE]:
    """Be found by pickle."""
    return Stage.DONE


@task(to=Stage.DONE)
class ModuleTask:
    """Be found by pickle."""

    async def run_bare(self) -> Stage:
        """Go on."""
        return Stage.DONE


async def ran(run: Any) -> Any:
    """Run the task as the only one."""
    return await single(run).orchestrate(Stage.A)


async def test_the_decorator_returns_the_very_thing() -> None:
    """A decorated task is the function or class itself: it can be called, copied and pickled."""

    async def step() -> Stage:
        return Stage.DONE

    class Step:
        async def run(self, res: Resources) -> Stage:
            return Stage.DONE

    assert task(step) is step
    assert task(to=Stage.DONE)(step) is step
    assert task(Step) is Step
    assert task(state=Stage)(Step) is Step
    assert await module_task() is Stage.DONE
    assert pickle.loads(pickle.dumps(module_task)) is module_task
    assert isinstance(pickle.loads(pickle.dumps(ModuleTask())), ModuleTask)
    assert copy.copy(module_task) is module_task


async def test_a_mark_is_not_inherited_by_another_run() -> None:
    """A subclass that writes its own ``run`` is not what the decorator of its base said; one that inherits it is (engine 2)."""

    @task(blocking=True, to=Stage.B)
    class Base:
        def run(self, res: Resources) -> Stage:
            return Stage.B

    class Async(Base):
        async def run(self, res: Resources) -> Literal[Stage.DONE]:  # type: ignore[override]
            return Stage.DONE

    class Same(Base):
        pass

    @task(state=Stage)
    class Again(Base):
        pass

    class Plain(Base):
        def run(self, res: Resources) -> Stage:
            raise AssertionError

    assert await ran(Async()) is await ran(task(Async)()) is Stage.DONE
    assert await ran(copy.copy(Async())) is Stage.DONE
    for run in (Same(), Again()):
        assert spec_of(run).kind is Kind.BLOCKING
        assert spec_of(run).returns.targets == (Stage.B,)
    with pytest.raises(TaskInvalid, match="plain def"):
        single(Plain())


async def test_a_mark_is_not_copied_by_wraps() -> None:
    """How a task is called holds for the function decorated, not for a wrapper; where it goes holds wherever annotations do."""

    class Local:
        pass

    @traced
    @task(to=Stage.DONE)
    async def step(local: "Local") -> Stage:
        return Stage.DONE

    @task(blocking=True, to=Stage.DONE)
    def blocks() -> Stage:
        return Stage.DONE

    @functools.wraps(blocks)
    async def awaits() -> Stage:
        return blocks()

    @functools.wraps(blocks)
    def plainly() -> Stage:
        return blocks()

    assert spec_of(step).returns.targets == (Stage.DONE,)
    assert spec_of(awaits).kind is spec_of(task(awaits)).kind is Kind.ASYNC
    assert await ran(awaits) is Stage.DONE
    for run in (blocks, functools.partial(blocks), copy.copy(task(to=Stage.DONE)(functools.partial(blocks)))):
        assert spec_of(run).kind is Kind.BLOCKING
    with pytest.raises(TaskInvalid, match="plain def"):
        single(plainly)


async def test_decorators_add_up() -> None:
    """A second decorator, on the function or on the class around it, takes back only what it says anew."""

    @task(to=Stage.DONE)
    @task(blocking=True)
    def step() -> Stage:
        return Stage.DONE

    @task(state=Stage)
    class Step:
        @task(blocking=True)
        def run(self, res: Resources) -> Stage:
            return Stage.DONE

    assert await ran(step) is await ran(Step()) is Stage.DONE
    assert spec_of(step).returns.targets == (Stage.DONE,)
    assert spec_of(task(to=Stage.B)(step)).returns.targets == (Stage.B,)
    assert spec_of(step).kind is Kind.BLOCKING


def test_what_cannot_be_marked_says_so() -> None:
    """A bound method cannot carry what the decorator says; without options, nothing has to be carried."""

    class Holder:
        async def method(self) -> Stage:
            return Stage.DONE

    method = Holder().method
    assert task(method) is method
    with pytest.raises(TaskInvalid, match="a method cannot be marked; decorate the function"):
        task(to=Stage.DONE)(method)


def test_the_states_of_a_decorated_task_are_checked() -> None:
    """``@task(state=Stage)`` refuses targets of another class, where the task is defined."""
    with pytest.raises(TaskInvalid, match=r"it goes to Other.LOST, which is no .*Stage"):

        @task(state=Stage)
        async def literal() -> Literal[Other.LOST]:
            raise AssertionError

    with pytest.raises(TaskInvalid, match="it returns Other, and the states are Stage"):

        @task(state=Stage)
        class Anywhere:
            async def run(self, res: Resources) -> TaskResult[Other]:
                raise AssertionError

    with pytest.raises(TaskInvalid, match=r"it goes to Other.LOST"):
        task(state=Stage, to=Other.LOST)(going(Other.LOST))
