"""A parameter that is a dataclass is filled field by field (engine 2, RS-14)."""

import re
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, InitVar, dataclass, field, make_dataclass
from enum import Enum, auto
from typing import Annotated, Any, Generic, Optional, TypeVar

import pytest

from cano.errors import (
    AnnotationUnresolved,
    ResourceNotFound,
    ResourceTypeMismatch,
    TaskInvalid,
)
from cano.resources import Resources, per_run, shared
from cano.tasks import task
from tests.unit.stages import Stage, going, single
from tests.unit.tasks import authors, bundles

T = TypeVar("T")


class Key(Enum):
    """Keys of resources."""

    CACHE = auto()


class Pool:
    """A class of a user."""


class Cache:
    """Another one."""


POOL, CACHE = Pool(), Cache()


@dataclass
class Deps:
    """What most tests here ask for."""

    pool: Pool
    cache: Annotated[Cache, "redis"]
    limit: int = 5


def res(**more: Any) -> Resources:
    """Make a container that most tests here use."""
    return Resources({"pool": POOL, "redis": CACHE, Key.CACHE: CACHE, "n": 3, **more})


async def got(annotation: Any, container: Resources | None = None, **own: Any) -> Any:
    """Run a task with one parameter ``deps`` and return what it got."""
    seen: list[Any] = []

    async def step(deps) -> Stage:  # type: ignore[no-untyped-def]
        seen.append(deps)
        return Stage.DONE

    step.__annotations__["deps"] = annotation
    await single(step, container if container is not None else res()).orchestrate(Stage.A, **own)
    return seen[0]


def refused(annotation: Any, container: Resources | None = None) -> Exception:
    """Return why a task with one parameter ``deps`` cannot be registered."""

    async def step(deps) -> Stage:  # type: ignore[no-untyped-def]
        raise AssertionError

    step.__annotations__["deps"] = annotation
    with pytest.raises((ResourceNotFound, ResourceTypeMismatch, TaskInvalid, AnnotationUnresolved)) as caught:
        single(step, container if container is not None else res())
    return caught.value


@dataclass
class Loop:
    """A dataclass that cannot be made without one of its kind."""

    pool: Pool
    loop: "Loop"


@dataclass
class There:
    """The same by way of another one."""

    back: "Back"


@dataclass
class Back:
    """The other one."""

    there: There


async def test_a_dataclass_inside_itself_is_refused() -> None:
    """One that needs one of its own kind is an error with its place, and no endless search."""
    error = refused(Loop)
    assert isinstance(error, TaskInvalid)
    assert str(error) == (
        "step cannot be a task: parameter 'deps.loop': a Loop is filled with a Loop, and so on without end; "
        "give the field a default"
    )
    assert "'deps.back.there': a There is filled with a There" in str(refused(There))
    end: Any = object.__new__(Loop)
    assert await got(Annotated[Loop, "deps"], res(deps=end)) is end
    assert "'loop' is a `Loop`" in str(refused(Loop, res(loop=end)))


async def test_a_dataclass_that_may_contain_itself_is_filled() -> None:
    """A field of its own kind with a default keeps that."""

    @dataclass
    class Node:
        pool: Pool
        next: Optional["Node"] = None

    Node.__init__.__annotations__["next"] = Optional[Node]
    node = await got(Node)
    assert (node.pool, node.next) == (POOL, None)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            make_dataclass("D", [("pol", bytes)]),
            r"step\(deps\.pol\): no resource 'pol'; did you mean 'pool'\?; or insert a D as 'deps'",
        ),
        (make_dataclass("D", [("db", Pool)]), r"step\(deps\.db\): no resource 'db'; 'pool' is a `Pool`: rename the field or write"),
        (make_dataclass("D", [("n", str)]), r"step\(deps\.n\): resource 'n': expected str, found int"),
        (make_dataclass("D", [("n", "nowhere.X")]), r"step"),
        (make_dataclass("D", [("n", 3)]), r"step cannot be a task: parameter 'deps\.n': 3 is no type"),
        (make_dataclass("D", [("n", Resources | Pool)]), r"parameter 'deps\.n' may be the container or a resource"),
        (make_dataclass("D", [("n", Annotated[int, "n"] | Annotated[str, "m"])]), r"'deps\.n' names more than one resource"),
        (
            make_dataclass("D", [("inner", make_dataclass("I", [("q", bytes)]))]),
            r"step\(deps\.inner\.q\): .* insert a I as 'inner'",
        ),
        (make_dataclass("D", [("inner", Annotated[Deps, "nowhere"])]), r"step\(deps\.inner\): no resource 'nowhere'"),
    ],
)
def test_what_cannot_be_filled_is_an_error_at_registration(made: Any, message: str) -> None:
    """The error names the task, the parameter and the field, and the nearest right answer."""
    assert re.search(message, str(refused(made)))


async def test_by_name_and_annotation() -> None:
    """Each field is filled as a parameter of a task: by name, by ``Annotated`` key, with its default if nothing is there."""
    deps = await got(Deps)
    assert type(deps) is Deps
    assert (deps.pool, deps.cache, deps.limit) == (POOL, CACHE, 5)
    assert (await got(Deps, res(limit=7))).limit == 7

    @dataclass(frozen=True, slots=True)
    class Other:
        everything: Resources
        by_enum: Annotated[Cache, Key.CACHE]
        deps: Deps
        anything: Any = None
        _: KW_ONLY
        n: int
        made: list[int] = field(default_factory=lambda: [1])
        given: InitVar[int | None] = None
        never: int = field(init=False, default=9)

        def __post_init__(self, given: int | None) -> None:
            assert given == 4

    container = res(given=4, never=10)
    other = await got(Other, container)
    assert other.everything is container
    assert (other.by_enum, other.deps, other.n, other.made, other.never) == (CACHE, Deps(POOL, CACHE), 3, [1], 9)


async def test_annotations_of_another_module() -> None:
    """Text is resolved in the module that wrote the field, that of a base class, too, or of a handwritten ``__init__`` (F1)."""
    pool = authors.Pool()
    container = Resources({"pool": pool, "used": None, "n": 3})
    deps = await got(bundles.Everything, container)
    assert (deps.pool, deps.cups, deps.never, deps.inner) == (pool, pool, pool, bundles.Base(pool))
    assert (deps.made, deps.limit, deps.own) == ([], 5, None)

    @dataclass
    class Below(bundles.Base):
        n: int

    assert await got(Below, container) == Below(pool, 3)
    assert (await got(bundles.Handwritten, container)).total == 3

    @dataclass(init=False)
    class Borrows:
        total: int
        __init__ = bundles.Handwritten.__init__  # type: ignore[assignment]

    assert (await got(Borrows, container)).total == 3
    assert (await got(bundles.Typeless, container)).pool is pool
    error = refused(bundles.Unknown, container)
    assert isinstance(error, AnnotationUnresolved)
    assert "parameter 'deps.pool'" in str(error)
    assert "tests.unit.tasks.bundles" in str(error)


async def test_a_resource_wins_over_filling() -> None:
    """What is under the key is taken, object or recipe, and checked; a dataclass that it would take to fill is not even read."""
    deps = Deps(POOL, CACHE)
    assert await got(Deps, Resources({"deps": deps})) is deps
    assert await got(Deps, Resources({"deps": per_run(lambda: deps)})) is deps
    assert await got(Deps, Resources({"deps": per_run(of=Deps)}), resources={"deps": deps}) is deps
    unknown: Any = bundles.Unknown(3)
    assert await got(bundles.Unknown, Resources({"deps": unknown})) is unknown
    assert isinstance(refused(Deps, res(deps=3)), ResourceTypeMismatch)


async def test_a_default_wins_over_filling() -> None:
    """A parameter or field with a default keeps it when no resource is under its key, though it could be filled."""
    default = Deps(POOL, CACHE, 9)

    async def step(deps: Deps = default, other: Deps | None = None) -> Stage:
        assert deps is default
        assert other is None
        return Stage.DONE

    @dataclass
    class Outer:
        inner: Deps | None = None

    assert await single(step, res()).orchestrate(Stage.A) is Stage.DONE
    assert (await got(Outer)).inner is None


async def test_none_beside_it_and_generic_ones() -> None:
    """``Deps | None`` is filled, as it is required; a generic dataclass is made of its class; of two nobody can tell which."""

    @dataclass
    class Box(Generic[T]):
        n: T

    assert await got(Deps | None, res(nothing=None)) == Deps(POOL, CACHE)
    assert await got(Box[int]) == Box(3)
    assert isinstance(refused(Deps | Box[int]), ResourceNotFound)


@pytest.mark.parametrize("entry", [Deps(POOL, CACHE), per_run(Deps), shared(Deps), per_run(of=Deps)])
def test_one_that_is_there_under_another_key_was_meant(entry: Any) -> None:
    """The right type under a wrong name is an error as ever, not another object of the kind; so is a key that is named."""
    assert "no resource 'deps'; 'dpes' is a `Deps`: rename the parameter or" in str(refused(Deps, res(dpes=entry)))
    assert "no resource 'nowhere'" in str(refused(Annotated[Deps, "nowhere"]))


def test_what_is_no_dataclass_of_dependencies() -> None:
    """One that is abstract or has nothing to fill, an ordinary class and an instance are no dataclasses to fill (RS-14)."""

    @dataclass
    class Abstract(ABC):
        pool: Pool

        @abstractmethod
        def method(self) -> None: ...

    @dataclass
    class Empty:
        never: int = field(init=False, default=3)

    class Ordinary:
        def __init__(self, pool: Pool) -> None:
            raise AssertionError

    for each in (Abstract, Empty, Ordinary):
        assert "no resource 'deps'" in str(refused(each))
    assert isinstance(refused(Deps(POOL, CACHE)), TaskInvalid)


class Hides(type):
    """A metaclass that fails when it is asked for a dataclass."""

    def __getattr__(cls, name: str) -> Any:
        raise LookupError(name) if "dataclass" in name else AttributeError(name)


async def test_a_class_that_hides_is_no_dataclass() -> None:
    """A class whose metaclass fails when it is looked at is a type like another, and is not filled."""
    kind = Hides("Kind", (), {})
    deps = kind()
    assert await got(kind, Resources({"deps": deps})) is deps
    assert isinstance(refused(kind), ResourceNotFound)


def test_the_decorator_leaves_it_to_the_registration() -> None:
    """What the container has is known at registration only, so a dataclass is no error where a task is defined."""

    @task(to=Stage.DONE)
    async def step(deps: Loop) -> Stage:
        raise AssertionError

    with pytest.raises(TaskInvalid, match="without end"):
        single(step, res())
    assert single(going(Stage.DONE), res())
