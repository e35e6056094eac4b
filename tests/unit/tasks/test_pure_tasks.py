"""A function that needs no store: its parameters are read from one, and its value is put there (engine 2, 3, 5 and 14)."""

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest

from cano.errors import (
    CopyError,
    KeyNotFound,
    ResourceNotFound,
    ResourceTypeMismatch,
    TaskInvalid,
    TypeMismatch,
    context_of,
)
from cano.resilience import CancellationToken, Retry
from cano.resources import Resources, per_run
from cano.store import Key, MemoryStore
from cano.tasks import SplitResult, task
from cano.workflow import Workflow
from tests.unit.stages import Stage, single
from tests.unit.tasks.elsewhere import Here

OUT = Key("out", list[int])


class Row(TypedDict):
    """A form that only a store can check."""

    name: str
    size: NotRequired[int]


class Word(StrEnum):
    """Keys of a store."""

    NUMBERS = "numbers"


def squares(numbers: list[int], offset: int = 0) -> list[int]:
    """Be pure."""
    return [number * number + offset for number in numbers]


async def squares_async(numbers: list[int], offset: int = 0) -> list[int]:
    """Be pure, in the event loop."""
    return squares(numbers, offset)


class Squares:
    """Be pure, as a class."""

    def run(self, numbers: list[int], offset: int = 0) -> list[int]:
        """Square."""
        return squares(numbers, offset)


def pure(fn: Any, **options: Any) -> Any:
    """Mark a function, or a partial of it, which other tests mark in other ways."""
    subject = fn if isinstance(fn, Squares) else functools.partial(fn)
    return task(**{"inputs": "store", "output": "out", "to": Stage.DONE} | options)(subject)


WAYS: dict[str, Any] = {
    "thread": pure(squares, blocking=True),
    "executor": pure(squares, executor="cpu"),
    "async": pure(squares_async),
    "class": pure(Squares(), blocking=True),
    "wrapper": task(inputs="store", output="out", to=Stage.DONE)(
        functools.wraps(squares_async)(lambda **options: squares_async(**options))
    ),
}


@pytest.mark.parametrize("way", WAYS)
async def test_parameters_are_read_from_the_store_and_the_value_is_put_there(way: str) -> None:
    """Wherever it runs; a default counts where the store has none, and the run goes to the one state of ``to``."""
    store = MemoryStore({"numbers": [1, 2]})
    for executor in (Here(), ThreadPoolExecutor(1)):
        workflow = single(WAYS[way], Resources({"store": store, "cpu": executor}))
        assert await workflow.orchestrate(Stage.A) is Stage.DONE
        assert store.pop("out") == [1, 4]
        store.put("offset", 1)
        await workflow.orchestrate(Stage.A)
        assert store.pop("out") == [2, 5]
        store.remove("offset")
        executor.shutdown()


def test_the_function_is_called_directly_as_ever() -> None:
    """The decorator returns the very function."""

    def double(n: int) -> int:
        return 2 * n

    assert task(blocking=True, inputs="store", output="out", to=Stage.DONE)(double) is double
    assert double(4) == 8


async def test_the_function_gets_a_copy_of_its_own() -> None:
    """At each attempt, so what one has spoilt is no matter to the next, nor to the store."""
    seen: list[list[int]] = []

    @task(blocking=True, inputs="store", output="out", to=Stage.DONE, retry=Retry(3, delay=0))
    def spoil(numbers: list[int], others: list[int] | None = None) -> int:
        assert others is not None
        seen.append(numbers + others)
        numbers.clear()
        others.clear()
        if len(seen) < 3:
            raise ValueError
        return len(seen)

    store = MemoryStore({"numbers": [1, 2], "others": [3]})
    await single(spoil, Resources({"store": store})).orchestrate(Stage.A)
    assert seen == [[1, 2, 3]] * 3
    assert (store.get("numbers"), store.get("others"), store.get("out")) == ([1, 2], [3], 3)


async def test_reading_is_done_in_the_thread() -> None:
    """A copy of what is large does not hold the event loop up."""
    seen: list[int] = []

    class Large:
        def __deepcopy__(self, memo: object) -> "Large":
            seen.append(threading.get_ident())
            return self

    @task(blocking=True, inputs="store")
    def step(large: Any) -> Stage:
        return Stage.DONE

    await single(step, Resources({"store": MemoryStore({"large": Large()})})).orchestrate(Stage.A)
    assert seen != []
    assert threading.get_ident() not in seen


async def test_keys_types_and_names() -> None:
    """``Annotated`` names another key, by text, enum or typed key; no annotation takes anything; what a partial has bound stays."""

    @task(blocking=True, inputs=Word.NUMBERS, output=OUT, to=Stage.DONE)
    def step(  # type: ignore[no-untyped-def]
        a: Annotated[int, "first"],
        b: Annotated[list[int], Word.NUMBERS],
        c: Annotated[Row, Key("row", Row)],
        d,
        /,
        *,
        e: int,
        **_: int,
    ) -> list[int]:
        return [a, *b, c["size"], d, e]

    store = MemoryStore({"first": 1, "numbers": [2, 3], "row": {"name": "x", "size": 4}, "d": 5, "e": 0})
    workflow = single(functools.partial(step, e=6), Resources({Word.NUMBERS: store}))
    await workflow.orchestrate(Stage.A)
    assert store.get(OUT) == [1, 2, 3, 4, 5, 6]


async def test_without_an_output_it_returns_its_next_state() -> None:
    """As any task does."""

    @task(state=Stage, inputs="store", blocking=True)
    def step(number: int) -> Literal[Stage.DONE, Stage.B]:
        return Stage.DONE if number > 3 else Stage.B

    workflow = Workflow(Resources({"store": MemoryStore({"number": 4})}), state=Stage).register(Stage.A, step)
    workflow.add_exit_state(Stage.DONE).add_exit_state(Stage.B)
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    assert workflow.graph.edges == ((Stage.A, Stage.DONE), (Stage.A, Stage.B))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no state": ({"to": None}, "to= names"),
    "several states": ({"to": (Stage.DONE, Stage.B)}, r"write to=Stage\.NEXT, the one state"),
    "no inputs": ({"inputs": None}, r'write inputs="store", too'),
    "inputs that are no key": ({"inputs": MemoryStore()}, "inputs= is .*; it is the key of a resource"),
    "output that is no key": ({"output": 3}, "output= is 3; it is a key of the store"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_go_together_is_refused(case: str) -> None:
    """At the definition, with what to write."""
    options, why = REFUSED[case]
    with pytest.raises(TaskInvalid, match=why):
        pure(squares, blocking=True, **options)


def test_an_output_needs_the_state_that_comes_next() -> None:
    """The value says nothing about it."""
    with pytest.raises(TaskInvalid, match=r"with output= it returns a value and no state; write to="):
        task(blocking=True, inputs="store", output="out")(functools.partial(squares))


async def test_one_state_in_a_list_is_one_state() -> None:
    """``to=[Stage.DONE]`` says no more than ``to=Stage.DONE``."""
    store = MemoryStore({"numbers": []})
    assert (
        await single(pure(squares, blocking=True, to=[Stage.DONE]), Resources({"store": store})).orchestrate(Stage.A) is Stage.DONE
    )


def test_parameters_that_no_store_can_fill_are_refused() -> None:
    """At the definition: a container, and a type that the store cannot check; what is wrong is said there and then."""

    def container(res: Resources) -> int:
        return 0

    def store(store: MemoryStore) -> int:
        return 0

    def unaskable(call: "Callable[[int], int]") -> int:  # type: ignore[name-defined]  # noqa: F821
        return 0

    def keys(n: Annotated[int, "one"] | Annotated[str, "two"]) -> int:
        return 0

    def enum(n: Annotated[int, Stage.A]) -> int:
        return 0

    def typed(n: Annotated[int, Key("n", str)]) -> int:
        return 0

    for fn, why in (
        (container, "ask for the values"),
        (store, "ask for the values"),
        (keys, "more than one key of the store"),
        (enum, "a key of the store is a str or a Key"),
        (typed, "annotated int, and its key 'n' holds str"),
    ):
        with pytest.raises(TaskInvalid, match=why):
            pure(fn, blocking=True)
    with pytest.raises(Exception, match="Callable"):
        single(pure(unaskable, blocking=True), Resources({"store": MemoryStore()}))


def test_the_store_is_checked_at_registration() -> None:
    """By key and type, and the error names the option."""
    with pytest.raises(ResourceNotFound, match=r"squares\(inputs=\): no resource 'store'; .*write inputs='shop'"):
        single(pure(squares, blocking=True), Resources({"shop": MemoryStore()}))
    with pytest.raises(ResourceTypeMismatch, match=r"squares\(inputs=\): resource 'store': expected .*MemoryStore, found dict"):
        single(pure(squares, blocking=True), Resources({"store": {}}))


class Uncopied:
    """Refuses to be copied."""

    def __deepcopy__(self, memo: object) -> Any:
        raise TypeError("no copies")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, KeyNotFound),
        ({"numbers": "text"}, TypeMismatch),
        ({"numbers": [1], "offset": "x"}, TypeMismatch),
        ({"numbers": [Uncopied()]}, CopyError),
    ],
)
@pytest.mark.parametrize("way", ["thread", "async", "executor"])
async def test_an_error_of_the_reading_names_the_parameter(values: dict[str, Any], kind: type[Exception], way: str) -> None:
    """The store's own error, with a note that stays beside the run's; the function is not called."""
    executor = Here()
    with pytest.raises(kind) as caught:
        await single(WAYS[way], Resources({"store": MemoryStore(values), "cpu": executor})).orchestrate(Stage.A)
    name = "offset" if "offset" in values else "numbers"
    task_name = "squares_async" if way == "async" else "squares"
    first, second = [note for note in caught.value.__notes__ if not note.startswith("key ")]
    assert first == f"while parameter {name!r} of {task_name} was read from the store"
    assert second.startswith("in state A")
    assert context_of(caught.value) is not None
    assert executor.payloads == []


async def test_what_cannot_be_copied_names_the_parameter() -> None:
    """As any error of the reading."""

    @task(blocking=True, inputs="store")
    def step(thing: object) -> Stage:
        return Stage.DONE

    with pytest.raises(CopyError) as caught:
        await single(step, Resources({"store": MemoryStore({"thing": Uncopied()})})).orchestrate(Stage.A)
    assert "while parameter 'thing' of step was read from the store" in caught.value.__notes__


async def test_a_value_that_the_typed_key_refuses_is_not_tried_again() -> None:
    """The function has done its work, and would do it again (engine 5)."""
    calls: list[int] = []

    @task(blocking=True, inputs="store", output=OUT, to=Stage.DONE, retry=Retry(3, delay=0))
    def step() -> Any:
        calls.append(1)
        return ["no number"]

    with pytest.raises(TypeMismatch):
        await single(step, Resources({"store": MemoryStore()})).orchestrate(Stage.A)
    assert calls == [1]


@pytest.mark.parametrize("way", ["thread", "async", "executor"])
async def test_a_store_of_the_run_s_own(way: str) -> None:
    """Each run reads from its own and puts into its own: one that it brings, or one that a recipe makes (engine 14)."""
    workflow = single(WAYS[way], Resources({"store": per_run(of=MemoryStore), "cpu": Here()}))
    stores = [MemoryStore({"numbers": [number]}) for number in range(3)]
    for each in stores:
        await workflow.orchestrate(Stage.A, resources={"store": each})
    assert [each.get("out") for each in stores] == [[0], [1], [4]]
    made: list[MemoryStore] = []

    def make() -> MemoryStore:
        made.append(MemoryStore({"numbers": [5]}))
        return made[-1]

    workflow = single(WAYS[way], Resources({"store": per_run(make), "cpu": Here()}))
    for _ in "12":
        await workflow.orchestrate(Stage.A)
    assert [each.get("out") for each in made] == [[25], [25]]


async def test_a_branch_puts_its_value_and_returns_it() -> None:
    """So the join state has it by either way; where a branch would go, its ``to`` does not count (engine 9)."""
    seen: list[Any] = []

    @task
    async def join(split: SplitResult[list[int]]) -> Stage:
        seen.append(split.values)
        return Stage.DONE

    store = MemoryStore({"numbers": [2]})
    branches = [
        WAYS["executor"],
        pure(squares_async, output="other", to=Stage.C),
        task(blocking=True, inputs="store")(functools.partial(squares)),
    ]
    workflow = Workflow(Resources({"store": store, "cpu": Here()}), state=Stage).register_split(Stage.A, branches, to=Stage.B)
    assert await workflow.register(Stage.B, join).add_exit_state(Stage.DONE).orchestrate(Stage.A) is Stage.DONE
    assert seen == [([4], [4], [4])]
    assert (store.get("out"), store.get("other")) == ([4], [4])


async def test_what_a_run_gives_is_given_all_the_same() -> None:
    """A token, and the result of a split, are no values of a store."""

    @task(blocking=True, inputs="store", output="out", to=Stage.DONE)
    def join(split: SplitResult[list[int]], token: CancellationToken, numbers: list[int]) -> Any:
        return [*split.values, token.is_cancelled, numbers]

    store = MemoryStore({"numbers": [2]})
    workflow = Workflow(Resources({"store": store}), state=Stage)
    workflow.register_split(Stage.A, [task(inputs="store")(squares_async)], to=Stage.B)
    await workflow.register(Stage.B, join).add_exit_state(Stage.DONE).orchestrate(Stage.A)
    assert store.get("out") == [[4], False, [2]]


async def test_a_failed_attempt_puts_nothing() -> None:
    """Only a value that counts is put there."""
    store = MemoryStore({"numbers": ["x"], "out": "as it was"})

    @task(blocking=True, inputs="store", output="out", to=Stage.DONE)
    def step() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await single(step, Resources({"store": store})).orchestrate(Stage.A)
    assert store.get("out") == "as it was"


@pytest.mark.parametrize("way", ["the store", "the resources"])
async def test_the_first_note_that_can_be_a_key_is_the_key(way: str) -> None:
    """What comes after it is for others, for parameters of either kind."""
    pure = way == "the store"

    def step(number: Annotated[int, 5, "n", "how many"]) -> Any:
        return number if pure else Stage.DONE if number == 3 else None

    mark: Any = task
    options: dict[str, Any] = {"inputs": "store", "output": "out", "to": Stage.DONE} if pure else {}
    store = MemoryStore({"n": 3})
    workflow = single(mark(blocking=True, **options)(step), Resources({"store": store, "n": 3}))
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    assert store.get("out", int, default=3) == 3
