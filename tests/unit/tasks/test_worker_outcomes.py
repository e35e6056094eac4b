"""What comes back from a worker: values, and whatever a task raises there (engine 2 and 6)."""

import functools
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cano.errors import ExecutorFailed, NotPicklable, WorkerError, context_of
from cano.resilience import Retry
from cano.resources import Resources
from cano.store import MemoryStore
from cano.tasks import task
from cano.tasks._sending import packed
from cano.workflow import Workflow
from tests.meta.tree import ROOT
from tests.unit.stages import Stage, single
from tests.unit.tasks import elsewhere
from tests.unit.tasks.elsewhere import Here, Scaled, sending


async def outcome(fn: Callable[..., Any], executor: object, **values: Any) -> Any:
    """Run a pure task, and return what it put into the store."""
    store = MemoryStore(values)
    await sending(fn, executor, store).orchestrate(Stage.A)
    return store.get_shared("out")


async def error_of(fn: Callable[..., Any], executor: object, **values: Any) -> BaseException:
    """Run a pure task that fails, and return its error; the worker then still works."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        await outcome(fn, executor, **values)
    assert await outcome(elsewhere.squares, executor, numbers=[2, 3]) == [4, 9]
    return caught.value


async def test_a_value_comes_back_from_another_process(pool: ProcessPoolExecutor) -> None:
    """A plain function runs in a process that is not this one, and what it returns is put into the store."""
    assert await outcome(elsewhere.where, pool) != os.getpid()
    assert await outcome(elsewhere.squares, pool, numbers=[1, 2], offset=1) == [2, 5]


async def test_methods_and_partials_are_sent(pool: ProcessPoolExecutor) -> None:
    """A class task goes with its object, and a partial with what it has bound."""
    assert await outcome(Scaled(3), pool, numbers=[1, 2]) == [3, 6]
    bound = functools.partial(elsewhere.squares, offset=10)
    assert await outcome(bound, pool, numbers=[1]) == [11]


@pytest.mark.parametrize(
    ("which", "kind", "arguments"),
    [
        ("value", ValueError, ("bad", 7)),
        ("key", KeyError, ("k",)),
        ("exit", SystemExit, (3,)),
        ("interrupt", KeyboardInterrupt, ()),
        ("generator exit", GeneratorExit, ()),
    ],
)
async def test_the_task_s_own_exception_reaches_the_caller(
    pool: ProcessPoolExecutor, which: str, kind: type[BaseException], arguments: tuple[object, ...]
) -> None:
    """It is of its own class, with its arguments, the context of the run, and the worker's traceback in a note."""
    error = await error_of(elsewhere.raises, pool, which=which)
    assert (type(error), error.args) == (kind, arguments)
    context = context_of(error)
    assert context is not None
    assert (context.task, context.state) == ("raises", "A")
    remote, ours = error.__notes__
    assert remote.startswith("in the worker:\nTraceback (most recent call last):\n")
    assert 'elsewhere.py", line' in remote
    assert "raise RAISED[which]()" in remote
    assert "_worker.py" not in remote
    assert ours.startswith("in state A, task raises")


async def test_an_exception_group_comes_back_whole(pool: ProcessPoolExecutor) -> None:
    """Its members are there."""
    error = await error_of(elsewhere.raises, pool, which="group")
    assert isinstance(error, ExceptionGroup)
    assert list(map(repr, error.exceptions)) == ["ValueError(1)", "KeyError(2)"]


async def test_a_stop_iteration_is_a_runtime_error(pool: ProcessPoolExecutor) -> None:
    """As out of any coroutine."""
    error = await error_of(elsewhere.raises, pool, which="stop")
    assert type(error) is RuntimeError
    assert isinstance(error.__cause__, StopIteration)


@pytest.mark.parametrize(
    ("which", "name", "message"),
    [
        ("awkward", "tests.unit.tasks.elsewhere.Awkward", "one and two"),
        ("sealed", "tests.unit.tasks.elsewhere.Sealed", "wax"),
        ("quits", "tests.unit.tasks.elsewhere.Quits", ""),
        ("disguised", "tests.unit.tasks.elsewhere.Disguised", ""),
        ("spoiled", "tests.unit.tasks.elsewhere.Spoiled", ""),
        ("local", "tests.unit.tasks.elsewhere.local.<locals>.Local", "here, 5"),
    ],
)
async def test_an_exception_that_cannot_cross_is_told(pool: ProcessPoolExecutor, which: str, name: str, message: str) -> None:
    """One that pickle cannot write, or not read, is a WorkerError with its name, message and traceback; the pool is not broken."""
    error = await error_of(elsewhere.raises, pool, which=which)
    assert isinstance(error, WorkerError)
    assert (error.task, error.error, error.message) == ("raises", name, message)
    assert "raise RAISED[which]()" in error.traceback
    assert error.__notes__[0] == f"in the worker:\n{error.traceback}"
    assert name in str(error)


async def test_the_causes_of_an_exception_are_in_the_note(pool: ProcessPoolExecutor) -> None:
    """What pickle loses, the text of the traceback keeps."""
    error = await error_of(elsewhere.raises_from, pool, word="outer")
    note = error.__notes__[0]
    assert "KeyError: k\n\nThe above exception was the direct cause of the following exception:\n\nTraceback" in note
    assert note.endswith("ValueError: outer")


@pytest.mark.parametrize(
    ("which", "why"),
    [
        ("unreadable", "it cannot be read here: LookupError: unreadable"),
        ("unwritable", "LookupError: unwritable"),
        ("generator", "TypeError: cannot pickle 'generator' object"),
        ("lambda", "<lambda>"),
    ],
)
async def test_a_result_that_cannot_cross_is_named(pool: ProcessPoolExecutor, which: str, why: str) -> None:
    """The error names the task, the result and why; nothing is put into the store."""
    store = MemoryStore({"which": which})
    with pytest.raises(NotPicklable, match=r"^returns: the result \(a ") as caught:
        await sending(elsewhere.returns, pool, store).orchestrate(Stage.A)
    assert (caught.value.task, caught.value.part) == ("returns", "the result")
    assert why in caught.value.reason
    assert "out" not in store


@pytest.mark.parametrize("value", [threading.Lock(), elsewhere.Unwritable(), lambda: 1], ids=["lock", "refuses", "lambda"])
@pytest.mark.parametrize("name", ["number", "word"])
async def test_an_argument_that_cannot_be_sent_is_named(value: Any, name: str) -> None:
    """The error names the task and the parameter, and nothing was sent."""
    here = Here()
    step = task(executor="cpu", to=(Stage.DONE, Stage.B))(functools.partial(elsewhere.next_stage))
    resources = Resources({"number": 7, "word": "seven"} | {name: value} | {"cpu": here})
    workflow = Workflow(resources, state=Stage).register(Stage.A, step).add_exit_state(Stage.DONE).add_exit_state(Stage.B)
    with pytest.raises(NotPicklable, match=rf"^next_stage: parameter '{name}' \(a ") as caught:
        await workflow.orchestrate(Stage.A)
    assert caught.value.__cause__ is not None
    assert here.payloads == []


async def test_an_argument_that_a_partial_has_bound_is_told_apart() -> None:
    """It is no parameter any more."""
    step = task(executor="cpu")(functools.partial(elsewhere.same, threading.Lock()))
    with pytest.raises(NotPicklable, match=r"^same: bound argument 0 \(a _thread\.lock\)"):
        await single(step, Resources({"other": 1, "cpu": Here()})).orchestrate(Stage.A)


async def test_an_argument_that_the_worker_cannot_read_is_named(pool: ProcessPoolExecutor) -> None:
    """Its unpickling is the user's code, too."""
    error = await error_of_step(elsewhere.echo, pool, value=elsewhere.Unreadable())
    assert isinstance(error, NotPicklable)
    assert (error.part, error.found) == ("parameter 'value'", "tests.unit.tasks.elsewhere.Unreadable")
    assert error.reason == "the worker cannot read it: LookupError: unreadable"


async def error_of_step(fn: Any, executor: object, **resources: Any) -> BaseException:
    """Run a task whose parameters are resources, and return its error."""
    step = task(executor="cpu")(functools.partial(fn))
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        await single(step, Resources({**resources, "cpu": executor})).orchestrate(Stage.A)
    return caught.value


async def test_a_function_without_a_name_is_refused(pool: ProcessPoolExecutor) -> None:
    """A function of a function's own, or a lambda, cannot be found by anybody else; the error says what to do."""

    def inner() -> Stage:
        return Stage.DONE

    for fn in (inner, lambda: Stage.DONE):
        error = await error_of_step(fn, pool)
        assert isinstance(error, NotPicklable)
        assert error.part == "the function"
        assert "at the top level of a module that the worker can import" in str(error)


def test_a_function_that_the_worker_does_not_find_is_told(tmp_path: Path) -> None:
    """What is defined in the main module of an interactive program is nowhere in the worker."""
    program = """
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
from cano import NotPicklable, Resources, Workflow, task
@task(executor="cpu", to="B")
def step(): return "B"
with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
    try: Workflow(Resources({"cpu": pool})).register("A", step).add_exit_state("B").orchestrate_sync("A")
    except NotPicklable as error: print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "step: the function (a function) cannot cross between processes: the worker cannot read it: AttributeError"
    )
    assert "it is in the main module, of which only workers that were spawned from this very program have a copy" in done.stdout
    assert "put it at the top level of a module that the worker can import" in done.stdout


async def test_what_arguments_share_is_shared_there(pool: ProcessPoolExecutor) -> None:
    """All parts of a call go through one pickler."""
    thing = [1]
    step = task(executor="cpu")(functools.partial(elsewhere.same))
    assert await single(step, Resources({"one": thing, "other": thing, "cpu": pool})).orchestrate(Stage.A) is Stage.DONE


def test_no_two_calls_are_the_same_bytes() -> None:
    """A cluster that takes equal calls for one cannot do so with these."""
    call = functools.partial(elsewhere.squares, numbers=[1])
    assert packed(call, (), "task")[0] != packed(call, (), "task")[0]


async def test_an_error_of_the_executor_is_no_error_of_the_task() -> None:
    """What a future fails with, or holds, that is no outcome of ours, is the executor's."""
    own = OSError("no route")
    for reply, cause, why in ((own, own, "OSError: no route"), (7, None, "it gave back a int")):
        error = await error_of_step(elsewhere.where, Here(reply))
        assert isinstance(error, ExecutorFailed)
        assert error.__cause__ is cause
        assert why in error.reason
        assert error.executor == "tests.unit.tasks.elsewhere.Here"


async def test_what_cannot_cross_is_not_tried_again(tmp_path: Path) -> None:
    """Another attempt could only repeat it; a WorkerError is a failure of the task, and may be tried again (engine 5)."""
    here = Here()
    for fn, which, attempts in ((elsewhere.returns, "unwritable", 1), (elsewhere.raises, "sealed", 3)):
        here.payloads.clear()
        with pytest.raises((NotPicklable, WorkerError)):
            await sending(fn, here, MemoryStore({"which": which}), retry=Retry(3, delay=0)).orchestrate(Stage.A)
        assert len(here.payloads) == attempts


@pytest.mark.parametrize(
    "error", [NotPicklable("t", "p", "f", "r"), ExecutorFailed("t", "e", "r"), WorkerError("t", "e", "m", "tb")]
)
def test_the_errors_cross_themselves(error: Exception) -> None:
    """A workflow may run in a worker."""
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
