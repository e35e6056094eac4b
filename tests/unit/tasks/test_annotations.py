"""Annotations of parameters: read, resolved and asked (engine 2, F1)."""

import functools
import sys
import textwrap
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, NewType, Protocol, TypedDict, TypeVar

import pytest

from cano.errors import AnnotationUnresolved, ResourceNotFound, ResourceTypeMismatch, TaskInvalid
from cano.resources import Resources
from cano.store import MemoryStore
from cano.tasks import TaskResult, task
from cano.tasks._spec import spec_of
from cano.workflow import Workflow
from tests.unit.stages import Stage, going, single
from tests.unit.tasks import authors

T = TypeVar("T")


class Pool:
    """A class of a user."""


POOL, STORE = Pool(), MemoryStore()


class Reads(Protocol):
    """A protocol that is not runtime-checkable."""

    def read(self) -> str: ...


class File:
    """What the protocol asks for."""

    def read(self) -> str:
        return "x"


class Box(Generic[T]):
    """A generic class."""


UserId = NewType("UserId", int)


def res() -> Resources:
    """Make a container that most tests here use."""
    return Resources({"pool": POOL, "store": STORE, "n": 3, "file": File(), "box": Box()})


async def ran(run: Any, resources: Resources | None = None) -> Any:
    """Run the task as the only one."""
    return await single(run, resources if resources is not None else res()).orchestrate(Stage.A)


class Described(TypedDict):
    """A type that no value is an instance of."""

    name: str


class Refuses(type):
    """A metaclass that answers nothing."""

    def __instancecheck__(cls, instance: object) -> bool:
        raise LookupError("no answer")


class Hides(type):
    """A metaclass that shows nothing."""

    def __getattribute__(cls, name: str) -> Any:
        raise LookupError("no attribute")


class Sometimes(type):
    """A metaclass that does not answer about each value."""

    def __instancecheck__(cls, instance: object) -> bool:
        if instance == 3:
            raise LookupError("no answer")
        return False


LOOP = "LOOP"
HOSTILE: dict[str, Callable[[], Any]] = {
    "typed dict": lambda: Described,
    "typed dict in a union": lambda: Described | None,
    "never answers": lambda: Refuses("R", (), {}),
    "shows nothing": lambda: Hides("H", (), {}),
    "sometimes answers": lambda: Sometimes("S", (), {}),
    "names itself": lambda: "LOOP",
    "value": lambda: 3,
}


@pytest.mark.parametrize("form", HOSTILE)
def test_a_type_that_cannot_be_asked_is_refused(form: str) -> None:
    """A typed dict, a hostile metaclass or text that names itself is an error that names the task and the parameter (engine 2)."""

    async def step(n) -> Stage:  # type: ignore[no-untyped-def]
        raise AssertionError

    step.__annotations__["n"] = HOSTILE[form]()
    with pytest.raises(TaskInvalid, match=r"step cannot be a task: parameter 'n': ") as caught:
        single(step, res())
    if form != "sometimes answers":
        with pytest.raises(TaskInvalid, match=r"step cannot be a task: parameter 'n': "):
            task(step)
    assert not isinstance(caught.value, LookupError)


@pytest.mark.parametrize("form", ["shows nothing", "names itself"])
def test_a_return_annotation_that_cannot_be_read_is_refused(form: str) -> None:
    """The same for what a task returns; a class that merely cannot be asked says nothing."""

    async def step():  # type: ignore[no-untyped-def]
        raise AssertionError

    step.__annotations__["return"] = HOSTILE[form]()
    with pytest.raises(TaskInvalid, match="step cannot be a task: return: "):
        task(step)
    step.__annotations__["return"] = Described
    assert single(step).graph.edges == ((Stage.A, Stage.A), (Stage.A, Stage.DONE))


@pytest.mark.parametrize("form", [T, object, Any, "T | int"])
def test_what_takes_anything_fits_nothing_in_particular(form: Any) -> None:
    """A parameter, or a look-up, whose type takes anything gets no advice by type (engine 2)."""

    async def step(db) -> Stage:  # type: ignore[no-untyped-def]
        raise AssertionError

    step.__annotations__["db"] = form
    with pytest.raises(ResourceNotFound, match="no resource 'db'; there are 'pool'") as caught:
        single(step, Resources({"pool": POOL}))
    assert caught.value.fitting == ()
    with pytest.raises(ResourceNotFound, match=r"^no resource 'db'; there are 'pool'$"):
        Resources({"pool": POOL}).get("db", object)


async def test_a_protocol_is_asked_by_its_members() -> None:
    """A protocol parameter takes what has its members; what has not is refused at registration."""

    async def step(file: Reads) -> Stage:
        assert file.read() == "x"
        return Stage.DONE

    async def wrong(n: Reads) -> Stage:
        raise AssertionError

    await ran(step)
    with pytest.raises(ResourceTypeMismatch, match=r"wrong\(n\): resource 'n'.*Reads, found int"):
        single(wrong, res())


async def test_other_forms_are_asked_by_their_class() -> None:
    """Generics, new types and literals are checked by what they are at run time; ``Any`` and type variables take anything."""

    async def step(box: Box[int], n: UserId, pool: Any, store: T, file: object) -> Stage:  # type: ignore[valid-type]
        return Stage.DONE

    async def literal(n: Literal[3, 4]) -> Stage:
        return Stage.DONE

    async def wrong(n: Literal[True, "3"]) -> Stage:
        raise AssertionError

    await ran(step)
    await ran(literal)
    with pytest.raises(ResourceTypeMismatch):
        single(wrong, res())


def test_an_annotation_that_is_no_type_is_refused() -> None:
    """A value where a type should be is an error where the task is defined."""
    with pytest.raises(TaskInvalid, match=r"'pool': 3 is no type"):

        @task
        async def step(pool: 3) -> Stage:  # type: ignore[valid-type]
            raise AssertionError


@pytest.mark.parametrize("run", [authors.decorated, authors.decorated_twice, authors.decorated_plainly, authors.Decorated()])
async def test_annotations_are_resolved_where_they_were_written(run: Any) -> None:
    """Text annotations below ``wraps`` are resolved in the task's own module, however deep (F1)."""
    workflow = single(run, Resources({"pool": authors.Pool()}))
    assert workflow.graph.edges == ((Stage.A, Stage.DONE),)
    assert await workflow.orchestrate(Stage.A) is Stage.DONE


@pytest.mark.parametrize(
    ("run", "where"),
    [
        (authors.unknown, "parameter 'pool'"),
        (authors.unknown_inside, "parameter 'pool'"),
        (authors.unknown_return, "return"),
        (authors.good_one_among_bad, "parameter 'other'"),
    ],
)
def test_an_unknown_name_in_an_annotation_is_named(run: Any, where: str) -> None:
    """What cannot be resolved at registration is an error that names the annotation, the parameter and the module (F1)."""
    with pytest.raises(AnnotationUnresolved, match="Nowhere") as caught:
        single(run, Resources({"pool": authors.Pool(), "other": 1}))
    assert caught.value.where == where
    assert caught.value.module == authors.__name__
    assert isinstance(caught.value, NameError)
    assert isinstance(caught.value.__cause__, NameError)


async def test_names_of_the_function_around_are_known_to_the_decorator() -> None:
    """A class that is local to the function in which ``@task`` stands can be named in text annotations."""

    class Local:
        pass

    @task
    async def step(local: "Local", other: "Annotated[Local, 'local']") -> "Literal[Stage.DONE]":
        assert isinstance(local, Local)
        assert other is local
        return Stage.DONE

    @task
    class InClass:
        async def run(self, local: "Local | None") -> "Stage":
            assert isinstance(local, Local)
            return Stage.DONE

    class Nested:
        class Inner:
            pass

        @task
        async def run(self, local: "Local", inner: "Inner | Local") -> Stage:
            return Stage.DONE

    here = Resources({"local": Local(), "inner": Local()})
    for run in (step, InClass(), Nested()):
        assert await ran(run, here) is Stage.DONE


async def test_names_of_the_class_around_are_known() -> None:
    """Text in the annotations of a method may name what stands in the body of its class, below the names of the module (F1)."""
    here = Resources({"inner": authors.Body.Inner(), "many": [3], "pool": authors.Pool()})
    for run in (
        authors.Body(),
        authors.Below(),
        authors.Body().run,
        functools.partial(authors.Body.of_class),
        task(authors.Body)(),
    ):
        assert await ran(run, here) is Stage.DONE
    with pytest.raises(ResourceTypeMismatch, match=r"Body.Inner, found .*Below.Inner"):
        single(authors.Below(), Resources({"inner": authors.Below.Inner(), "many": [3], "pool": authors.Pool()}))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters and the type statement are new in 3.12")
async def test_type_parameters_and_aliases() -> None:
    """Type parameters of a class or function are known in text, and a generic alias is what it stands for (engine 2)."""
    space = written("""
        class Step[X]:
            async def run(self, n: X, box: Box[X], pool: "X | Pool") -> Stage: return Stage.DONE
            async def method[Y](self, n: X, pool: Y) -> Stage: return Stage.DONE
        class Below(Step[int]): ...
        type Maybe[Y] = Y | None
        type Same[Y] = Y
        type Keyed[Y] = Annotated[Y, "pool"]
        type Everything = Resources | None
        type Next[Y] = TaskResult[Y] | Literal[Stage.B]
        async def step(n: Maybe[int], pool: Same[Pool], key: Keyed[Pool], res: Everything) -> Next[Literal[Stage.DONE]]:
            assert key is pool and isinstance(res, Resources)
            return Stage.DONE
        async def wrong(n: Same[Pool]) -> Stage: ...
        """)
    for run in (space["Step"](), space["Below"](), space["Step"]().method):
        assert await ran(run) is Stage.DONE
    assert spec_of(space["step"]).returns.targets == (Stage.DONE, Stage.B)
    workflow = single(space["step"], res()).register(Stage.B, going(Stage.DONE))
    assert await workflow.orchestrate(Stage.A) is Stage.DONE
    with pytest.raises(ResourceTypeMismatch, match=r"wrong\(n\)"):
        single(space["wrong"], res())


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is new in 3.12")
def test_an_alias_that_means_nothing() -> None:
    """An alias of an unknown name is one when the task is registered, and one that names itself is refused (engine 2)."""
    space = written("""
        type Later = Unknown
        type Ever = Ever
        type Either = Either | int
        type Deeper[X] = Deeper[list[X]]
        @task
        async def later(n: Later) -> Stage: ...
        async def ever(n: Ever) -> Stage: ...
        async def either(n: Either) -> Stage: ...
        async def deeper(n: Deeper[int]) -> Stage: ...
        async def returns() -> Ever: ...
        """)
    with pytest.raises(AnnotationUnresolved, match=r"later: the annotation 'Later' of parameter 'n' .*'Unknown' is not defined"):
        single(space["later"], res())
    for name in ("ever", "either", "deeper", "returns"):
        with pytest.raises(TaskInvalid, match="names itself"):
            single(space[name], res())


def written(source: str) -> dict[str, Any]:
    """Run a module of its own, all of whose annotations are text."""
    space: dict[str, Any] = {**globals(), "TaskResult": TaskResult, "__name__": "written"}
    exec(compile("from __future__ import annotations\n" + textwrap.dedent(source), "written", "exec"), space)
    return space


def test_a_name_defined_after_the_decorator_is_found_at_registration() -> None:
    """A forward reference is no error at definition, and is resolved when the task is registered."""
    space: dict[str, Any] = {}
    source = "from cano.tasks import task\n@task\nasync def step(x: 'Later') -> 'Late': ...\nclass Later: ...\nclass Late: ..."
    exec(source, space)
    Workflow(Resources({"x": space["Later"]()})).register("a", space["step"])
    with pytest.raises(ResourceTypeMismatch):
        Workflow(Resources({"x": 3})).register("a", space["step"])


def test_a_compiled_class_as_an_annotation_is_only_a_class() -> None:
    """No signature of an annotation's class is read; a compiled one has none to tell."""

    async def step(store: MemoryStore, mapping: Annotated[dict[str, int], "absent"] | str) -> Stage:
        raise AssertionError

    with pytest.raises(ResourceNotFound, match=r"step\(mapping\): no resource 'absent'"):
        single(step, res())
