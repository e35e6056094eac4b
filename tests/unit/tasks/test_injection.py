"""Parameters are filled with the resources of their names (engine 2, F1, F3)."""

import functools
from collections.abc import Callable
from enum import Enum, auto
from typing import Annotated, Any, NewType, Optional

import pytest

from cano.errors import ResourceNotFound, ResourceTypeMismatch, TaskInvalid
from cano.resources import Resources, per_run
from cano.store import MemoryStore
from cano.tasks import task
from tests.unit.stages import Stage, single


class Key(Enum):
    """Keys of resources."""

    POOL = auto()


class Pool:
    """A class of a user."""


POOL, STORE = Pool(), MemoryStore()


def res() -> Resources:
    """Make a container that most tests here use."""
    return Resources({"pool": POOL, "store": STORE, Key.POOL: POOL, "n": 3, "nothing": None})


async def ran(run: Any, resources: Resources | None = None) -> Any:
    """Run the task as the only one."""
    return await single(run, resources if resources is not None else res()).orchestrate(Stage.A)


def record(seen: list[Any]) -> Callable[..., Stage]:
    """Make something to call with what a task got."""

    def note(*values: Any) -> Stage:
        seen.append(values)
        return Stage.DONE

    return note


async def test_by_name_and_type() -> None:
    """A parameter gets the resource of its name; without an annotation, whatever its type."""
    seen: list[Any] = []
    note = record(seen)

    async def step(pool: Pool, store: MemoryStore, n) -> Stage:  # type: ignore[no-untyped-def]
        return note(pool, store, n)

    await ran(step)
    assert seen == [(POOL, STORE, 3)]


async def test_annotated_names_another_key() -> None:
    """``Annotated[T, key]`` names the key, text or an enum member; other metadata is not a key."""
    seen: list[Any] = []
    note = record(seen)

    async def step(a: Annotated[Pool, "pool"], b: Annotated[Pool, 3, Key.POOL], n: Annotated[int, 3.5]) -> Stage:
        return note(a, b, n)

    await ran(step)
    assert seen == [(POOL, POOL, 3)]


async def test_the_container_by_its_annotation() -> None:
    """A parameter annotated ``Resources`` gets the container, beside others."""
    seen: list[Any] = []
    note = record(seen)
    container = res()

    async def step(everything: Resources, pool: Pool) -> Stage:
        return note(everything, pool)

    await ran(step, container)
    assert seen == [(container, POOL)]


async def test_the_only_parameter_of_run_is_the_container() -> None:
    """``run(self, res)`` without an annotation gets the container; a function's parameter goes by its name."""
    seen: list[Any] = []
    note = record(seen)
    container = res()

    class Step:
        async def run(self, whatever):  # type: ignore[no-untyped-def]
            return note(whatever)

    async def function(res) -> Stage:  # type: ignore[no-untyped-def]
        raise AssertionError

    await ran(Step(), container)
    assert seen == [(container,)]
    with pytest.raises(ResourceNotFound, match=r"function\(res\): no resource 'res'"):
        single(function, res())


class Own(Resources):
    """A container of a user."""


Everything = NewType("Everything", Resources)


async def test_the_container_however_it_is_spelt() -> None:
    """None beside it, ``Annotated`` around it, text or a new type do not hide the container (engine 2)."""
    container = Own({"pool": POOL})

    async def step(
        a: Resources | None,
        b: Optional[Resources] = None,
        c: Annotated["Resources | None", "pool"] = None,
        d: "Annotated[Resources, 3] | None" = None,
        e: Own | None = None,
        f: Everything | None = None,
        g: Resources | Own | None = None,
    ) -> Stage:
        assert all(each is container for each in (a, b, c, d, e, f, g))
        return Stage.DONE

    assert await ran(step, container) is Stage.DONE


def test_the_container_or_a_resource_is_refused() -> None:
    """A parameter cannot ask for either."""

    async def step(pool: Resources | Pool) -> Stage:
        raise AssertionError

    with pytest.raises(TaskInvalid, match="'pool' may be the container or a resource"):
        single(step, res())
    with pytest.raises(TaskInvalid, match="may be the container"):
        task(step)


async def test_a_container_of_another_class_is_refused() -> None:
    """A class of containers is asked for like any type; runs with resources of their own see one of that class, too."""

    async def step(mine: Own) -> Stage:
        assert type(mine) is Own
        return Stage.DONE

    with pytest.raises(ResourceTypeMismatch, match=r"step\(mine\): resource 'mine': expected .*Own, found .*Resources"):
        single(step, res())
    assert await ran(step, Own()) is Stage.DONE
    assert await ran(step, Own({"n": per_run(lambda: 3)})) is Stage.DONE


async def test_a_key_inside_a_union() -> None:
    """``Annotated[T, key] | None`` names the key, as ``Annotated[T | None, key]`` does; two keys are refused."""

    async def step(a: Annotated[Pool, "pool"] | None, b: Optional[Annotated[Pool, Key.POOL]] = None) -> Stage:
        assert a is b is POOL
        return Stage.DONE

    async def two(p: Annotated[Pool, "pool"] | Annotated[int, "n"]) -> Stage:
        raise AssertionError

    assert await ran(step) is Stage.DONE
    with pytest.raises(TaskInvalid, match="'p' names more than one resource: 'pool', 'n'"):
        single(two, res())


def test_a_parameter_that_was_meant_to_be_the_container() -> None:
    """Where ``run(self, res, *, n)`` goes by names, the error says how to ask for the container (engine 2)."""

    class Step:
        async def run(self, res, *, n: int):  # type: ignore[no-untyped-def]
            raise AssertionError

    class Single:
        async def run(self, res):  # type: ignore[no-untyped-def]
            raise AssertionError

    for run in (Step(), Single().run, task(Single().run)):
        with pytest.raises(ResourceNotFound, match=r"run|Step\(res\): no resource 'res'.*; annotate it with Resources to get"):
            single(run, res())


def test_the_only_parameter_of_run_that_is_a_key_is_ambiguous() -> None:
    """``run(self, store)`` without an annotation may mean either, so it is refused with both ways to say it."""

    class Step:
        async def run(self, store):  # type: ignore[no-untyped-def]
            raise AssertionError

    with pytest.raises(TaskInvalid, match=r"'store'.*annotate"):
        single(Step(), res())


async def test_defaults_are_for_absent_resources_only() -> None:
    """A parameter with a default gets the resource if there is one, and keeps the default if not; a wrong type stays an error."""
    seen: list[Any] = []
    note = record(seen)

    async def step(absent: int = 7, n: int = 8, /, *, also: str = "x", pool: Pool | None = None) -> Stage:
        return note(absent, n, also, pool)

    async def wrong(n: str = "x") -> Stage:
        raise AssertionError

    await ran(step)
    assert seen == [(7, 3, "x", POOL)]
    with pytest.raises(ResourceTypeMismatch):
        single(wrong, res())


def test_optional_without_a_default_is_required() -> None:
    """``T | None`` says what the value may be, not that it may be absent."""

    async def step(absent: Pool | None) -> Stage:
        raise AssertionError

    with pytest.raises(ResourceNotFound, match="no resource 'absent'"):
        single(step, res())


async def test_optional_takes_either() -> None:
    """``T | None`` and ``Optional[T]`` take a T, and None."""

    async def step(pool: Pool | None, nothing: Optional[Pool]) -> Stage:
        assert pool is POOL
        assert nothing is None
        return Stage.DONE

    await ran(step)


async def test_positional_only_and_keyword_only() -> None:
    """Both kinds of parameters are passed as they can be (F3)."""
    seen: list[Any] = []
    note = record(seen)

    async def step(pool: Pool, /, store: MemoryStore, *, n: int) -> Stage:
        return note(pool, store, n)

    await ran(step)
    assert seen == [(POOL, STORE, 3)]


async def test_variadic_parameters_get_nothing() -> None:
    """``*args`` and ``**kwargs`` stay empty (F3)."""
    seen: list[Any] = []
    note = record(seen)

    async def step(pool: Pool, *args: Any, **kwargs: Any) -> Stage:
        return note(pool, args, kwargs)

    await ran(step)
    assert seen == [(POOL, (), {})]


async def test_what_a_partial_has_bound_stays() -> None:
    """Bound arguments, positional or by keyword, are not injected, though a resource has the name (F3)."""
    seen: list[Any] = []
    note = record(seen)

    async def step(first: str, pool: Pool, n: int, store: MemoryStore) -> Stage:
        return note(first, pool, n, store)

    await ran(functools.partial(functools.partial(step, "bound"), n=10))
    assert seen == [("bound", POOL, 10, STORE)]


class Methods:
    """Every way to be a method."""

    def __init__(self, seen: list[Any]) -> None:
        self.note = record(seen)

    async def bound(self, pool: Pool) -> Stage:
        return self.note("bound", pool)

    @staticmethod
    async def static(pool: Pool) -> Stage:
        assert pool is POOL
        return Stage.DONE

    @classmethod
    async def of_class(cls, pool: Pool) -> Stage:
        assert pool is POOL
        assert cls is Methods
        return Stage.DONE

    async def __call__(self, pool: Pool, n: int) -> Stage:
        return self.note("called", pool, n)


async def test_methods_and_callable_objects() -> None:
    """Bound, static and class methods, callable objects and partials of them are tasks (F3)."""
    seen: list[Any] = []
    each = Methods(seen)
    for run in (each.bound, each.static, Methods.static, Methods.of_class, each, functools.partial(each, n=5)):
        assert await ran(run) is Stage.DONE
    assert seen == [("bound", POOL), ("called", POOL, 3), ("called", POOL, 5)]


def test_the_right_type_under_a_wrong_name() -> None:
    """The error says what to do: rename the parameter, or name the key."""

    async def step(db: Pool) -> Stage:
        raise AssertionError

    only = Resources({"pool": POOL, "n": 3})
    with pytest.raises(ResourceNotFound) as caught:
        single(step, only)
    assert str(caught.value) == (
        "step(db): no resource 'db'; 'pool' is a `Pool`: rename the parameter or write `Annotated[Pool, \"pool\"]`"
    )
    assert caught.value.fitting == ("pool",)


def test_the_right_type_under_an_enum_key() -> None:
    """No name of a parameter is an enum key, so the error says how to name it."""

    async def step(db: Pool) -> Stage:
        raise AssertionError

    with pytest.raises(ResourceNotFound, match=r"Key.POOL is a `Pool`: write `Annotated\[Pool, Key.POOL\]`$"):
        single(step, Resources({Key.POOL: POOL}))


def test_a_missing_resource_names_near_misses() -> None:
    """A misspelt name is met with the nearest key."""

    async def step(stoer: int) -> Stage:
        raise AssertionError

    with pytest.raises(ResourceNotFound, match="no resource 'stoer'; did you mean 'store'"):
        single(step, Resources({"store": STORE}))


def test_keys_with_one_label_are_told_apart() -> None:
    """A text and an enum member of that name are two keys, and the error does not offer what was asked for."""

    async def step(POOL: Pool) -> Stage:  # noqa: N803
        raise AssertionError

    with pytest.raises(ResourceNotFound, match=r"no resource 'POOL'; there are Key.POOL$"):
        single(step, Resources({Key.POOL: 3}))
    with pytest.raises(ResourceNotFound, match=r"no resource 'POOL'; there are Key.POOL$"):
        Resources({Key.POOL: 3}).get("POOL")


def test_a_wrong_type_is_an_error_at_registration() -> None:
    """The resource of the name is of another class: both are named, before anything runs."""

    async def step(n: Pool) -> Stage:
        raise AssertionError

    with pytest.raises(ResourceTypeMismatch, match=r"step\(n\): resource 'n': expected .*Pool, found int"):
        single(step, res())


async def test_a_recipe_s_type_is_checked_when_it_is_known() -> None:
    """What a recipe brings is checked before the first task; a type that can never fit is refused at registration."""

    async def step(own: Pool) -> Stage:
        return Stage.DONE

    with pytest.raises(ResourceTypeMismatch):
        single(step, Resources({"own": per_run(of=int)}))
    with pytest.raises(ResourceTypeMismatch):
        single(step, Resources({"own": per_run(MemoryStore)}))
    later = single(step, Resources({"own": per_run(lambda: 3)}))
    with pytest.raises(ResourceTypeMismatch, match=r"step\(own\): resource 'own'"):
        await later.orchestrate(Stage.A)


def test_run_bare_takes_nothing() -> None:
    """``run_bare`` has no parameters to fill."""

    class Step:
        async def run_bare(self, store: MemoryStore) -> Stage:
            raise AssertionError

    with pytest.raises(TaskInvalid, match="run_bare takes no resources; name the method run"):
        single(Step(), res())
