"""Where a task may go, read from its annotation or its decorator (engine 3)."""

import sys
from collections.abc import Coroutine
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal, NoReturn, Optional

import pytest

from cano.errors import TaskInvalid
from cano.tasks import TaskResult, task
from cano.tasks._spec import spec_of
from tests.unit.stages import Stage

NextState = Literal[Stage.B, Stage.C]


class Text(StrEnum):
    """States that are text."""

    A = "a"


class Number(IntEnum):
    """States that are numbers."""

    ONE = 1


async def one() -> Literal[Stage.B]: ...  # type: ignore[empty-body]
async def two() -> Literal[Stage.B, Stage.C]: ...  # type: ignore[empty-body]
async def alias() -> NextState: ...  # type: ignore[empty-body]
async def union() -> Literal[Stage.B] | Literal[Stage.C]: ...  # type: ignore[empty-body]
async def wrapped() -> TaskResult[Literal[Stage.B, Stage.C]]: ...  # type: ignore[empty-body]
async def mixed() -> TaskResult[Literal[Stage.B]] | Literal[Stage.C]: ...  # type: ignore[empty-body]
async def text() -> Literal["b", "c"]: ...  # type: ignore[empty-body]
async def text_alias() -> "NextState": ...  # type: ignore[empty-body]
async def later() -> "TaskResult[Literal[Stage.B]] | Literal[Stage.C]": ...  # type: ignore[empty-body]
async def annotated() -> Annotated[Literal[Stage.B, Stage.C], "why"]: ...  # type: ignore[empty-body]
async def twice() -> Literal[Stage.B, Stage.C] | Literal[Stage.B]: ...  # type: ignore[empty-body]
def coroutine() -> Coroutine[Any, Any, Literal[Stage.B, Stage.C]]: ...  # type: ignore[empty-body]
async def never() -> NoReturn:
    """Always raise."""
    raise LookupError


async def numbers() -> Literal[1, Number.ONE]: ...  # type: ignore[empty-body]


def fresh() -> Any:
    """Make a task that says nothing by itself."""

    async def step():  # type: ignore[no-untyped-def]
        raise AssertionError

    return step


@pytest.mark.parametrize(
    ("run", "targets"),
    [
        (one, (Stage.B,)),
        *(
            (each, (Stage.B, Stage.C))
            for each in (two, alias, union, wrapped, mixed, text_alias, later, annotated, twice, coroutine)
        ),
        (text, ("b", "c")),
        (never, ()),
        (numbers, (1,)),
    ],
)
def test_targets_are_read_from_the_annotation(run: Any, targets: Any) -> None:
    """Literals, unions of them and wrapped ones, text or not, declare the targets; equal ones are one."""
    assert spec_of(run).returns.targets == targets


async def unsaid(): ...  # type: ignore[no-untyped-def]
async def stage() -> Stage: ...  # type: ignore[empty-body]
async def result() -> TaskResult[Stage]: ...  # type: ignore[empty-body]
async def bare_result() -> TaskResult: ...  # type: ignore[empty-body,type-arg]
async def string() -> str: ...  # type: ignore[empty-body]
async def anything() -> Any: ...
async def an_object() -> object: ...  # type: ignore[empty-body]
async def half() -> Literal[Stage.B] | Stage: ...  # type: ignore[empty-body]


@pytest.mark.parametrize("run", [unsaid, stage, result, bare_result, string, anything, an_object, half])
def test_a_class_or_nothing_means_anywhere(run: Any) -> None:
    """An annotation that names no single state lets the task go anywhere."""
    assert spec_of(run).returns.targets is None


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is new in 3.12")
def test_a_type_statement_is_read() -> None:
    """``type Next = Literal[...]`` is what it names."""
    space: dict[str, Any] = {"Literal": Literal, "Stage": Stage}
    exec("type Next = Literal[Stage.B]\nasync def step() -> Next: ...\nasync def generic[T](x: T) -> 'Next': ...", space)
    assert spec_of(space["step"]).returns.targets == (Stage.B,)
    assert spec_of(space["generic"]).returns.targets == (Stage.B,)


async def nothing() -> None: ...
async def optional() -> Optional[Literal[Stage.B]]: ...
async def or_nothing() -> Stage | None: ...
async def literal_none() -> Literal[Stage.B, None]: ...
async def wrapped_none() -> TaskResult[None]: ...  # type: ignore[empty-body]


@pytest.mark.parametrize("run", [nothing, optional, or_nothing, literal_none, wrapped_none])
def test_none_is_refused(run: Any) -> None:
    """A task that may return None has forgotten a return; refused where it is defined and where it is registered."""
    with pytest.raises(TaskInvalid, match="returns None, and a task returns its next state"):
        task(run)
    with pytest.raises(TaskInvalid, match="returns None"):
        spec_of(run)


@pytest.mark.parametrize(
    ("to", "targets"),
    [
        (Stage.B, (Stage.B,)),
        ((Stage.B, Stage.C), (Stage.B, Stage.C)),
        ([Stage.B, Stage.B], (Stage.B,)),
        ({"b"}, ("b",)),
        ("bc", ("bc",)),
        (Text.A, (Text.A,)),
        (0, (0,)),
    ],
)
def test_targets_from_the_decorator(to: Any, targets: Any) -> None:
    """``to`` is one state, or a tuple, list or set of them; a text is one state."""
    assert spec_of(task(to=to)(fresh())).returns.targets == targets


@pytest.mark.parametrize("to", [(), None, (Stage.B, None), Stage, ({},)])
def test_a_wrong_to_is_refused(to: Any) -> None:
    """No state, None, a class and something unhashable are refused where they are written."""
    with pytest.raises(TaskInvalid, match="to="):
        task(to=to)(fresh())


def test_saying_it_twice_is_fine_and_differently_is_not() -> None:
    """Annotation and ``to`` may agree, ``to`` may narrow a class, and a contradiction is refused."""
    assert spec_of(task(to=[Stage.C, Stage.B])(two)).returns.targets == (Stage.C, Stage.B)
    with pytest.raises(TaskInvalid, match="name different states; say it once"):
        task(to=Stage.C)(one)
    with pytest.raises(TaskInvalid, match=r"to= names 'b', which is no .*Stage"):
        task(to="b")(stage)


def test_a_class_s_own_run_is_read() -> None:
    """The annotation is that of ``run``, and a decorator on ``run`` itself counts, too."""

    class Step:
        @task(to=Stage.B)
        async def run(self) -> Stage:
            raise AssertionError

    class Says:
        async def run_bare(self) -> Literal[Stage.C]:
            raise AssertionError

    assert spec_of(Step()).returns.targets == (Stage.B,)
    assert spec_of(Says()).returns.targets == (Stage.C,)


def test_states_need_no_enum() -> None:
    """A target may be anything hashable."""
    assert spec_of(task(to=[frozenset({1}), 3.5])(fresh())).returns.targets == (frozenset({1}), 3.5)
