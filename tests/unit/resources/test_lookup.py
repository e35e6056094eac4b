"""Looking resources up by key and type (RS-5 to RS-9, engine 8)."""

import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import Enum, StrEnum, auto
from inspect import Parameter, Signature
from typing import Any, ForwardRef, Generic, Protocol, TypeVar

import pytest

from cano.errors import (
    ResourceDuplicateKey,
    ResourceInUse,
    ResourceInvalid,
    ResourceNotFound,
    ResourceNotMade,
    ResourceTypeMismatch,
    TaskInvalid,
)
from cano.resources import Resources, per_run, shared
from cano.store import MemoryStore
from tests.unit.stages import Plain, Stage, going, single

T = TypeVar("T")


class Key(Enum):
    """Keys that cannot be mistyped."""

    STORE = auto()
    POOL = auto()


class Name(StrEnum):
    """Keys that are text, too."""

    STORE = "store"


class Pool:
    """A class of a user."""


class Big(Pool):
    """A subclass of it."""


class Reads(Protocol):
    """A protocol that is not runtime-checkable, with a method and a data member."""

    size: int

    def read(self) -> str: ...


class File:
    """What the protocol asks for, the data member on the instance only."""

    def __init__(self) -> None:
        self.size = 3

    def read(self) -> str:
        return "x"


class Box(Generic[T]):
    """A generic class."""


def test_the_same_object_comes_out_every_time() -> None:
    """A look-up returns the very object that was put in, typed or not (RS-8)."""
    pool = Pool()
    res = Resources({"pool": pool})
    assert res.get("pool") is res["pool"] is res.get("pool", Pool) is pool


@pytest.mark.parametrize("key", ["pool", Key.POOL, Name.STORE])
def test_a_key_is_text_or_an_enum_member(key: Any) -> None:
    """Strings and enum members are keys (RS-5)."""
    assert Resources({key: 3}).get(key, int) == 3


def test_a_str_enum_member_and_its_text_are_one_key() -> None:
    """Equal keys are one key, as in a dict."""
    res = Resources({Name.STORE: 3})
    assert res.get("store", int) == 3
    with pytest.raises(ResourceDuplicateKey):
        res.insert("store", 4)


@pytest.mark.parametrize("key", [3, None, ("a",), b"store", object(), []])
def test_any_other_key_is_refused(key: Any) -> None:
    """A key that is neither text nor an enum member is an error at insert, also if it cannot be hashed."""
    with pytest.raises(ResourceInvalid, match="a key is a str or an Enum member"):
        Resources().insert(key, 3)


def test_insert_returns_the_container() -> None:
    """The container is its own builder (RS-7)."""
    res = Resources()
    assert res.insert("a", 1).insert("b", 2) is res
    assert list(res) == ["a", "b"]
    assert len(res) == 2
    assert "a" in res
    assert 3 not in res
    assert [] not in res


def test_a_duplicate_key_names_what_is_there() -> None:
    """A key twice is an error that holds the key and the class found, and the first resource stays (RS-7)."""
    res = Resources({"pool": Pool()})
    with pytest.raises(ResourceDuplicateKey, match=r"'pool' exists already, a .*Pool") as caught:
        res.insert("pool", 3)
    assert (caught.value.key, caught.value.found) == ("pool", Pool)
    assert isinstance(caught.value, ValueError)
    assert res.get("pool", Pool)


def test_a_missing_key_names_the_nearest() -> None:
    """The error names the key, and near misses; it is a KeyError as well."""
    with pytest.raises(ResourceNotFound, match="no resource 'stor'; did you mean 'store'") as caught:
        Resources({"store": 1, "pool": 2}).get("stor", int)
    assert caught.value.key == "stor"
    assert caught.value.known == ("store", "pool")
    assert isinstance(caught.value, KeyError)


def test_a_missing_key_names_what_would_fit() -> None:
    """If the type asked for is there under another key, the error says so."""
    with pytest.raises(ResourceNotFound, match="no resource 'db'; 'pool' is a `Pool`"):
        Resources({"store": 1, "pool": Pool()}).get("db", Pool)


def test_a_missing_enum_key_is_written_as_code() -> None:
    """Enum keys are shown as one writes them."""
    with pytest.raises(ResourceNotFound, match=r"no resource Key.STORE; there are Key.POOL"):
        Resources({Key.POOL: 1})[Key.STORE]


@pytest.mark.parametrize("key", [[], {}])
def test_an_unhashable_key_is_not_found(key: Any) -> None:
    """A look-up with something unhashable is the ordinary error."""
    with pytest.raises(ResourceNotFound):
        Resources({"a": 1}).get(key)


def test_another_type_is_a_mismatch() -> None:
    """The error holds the key, the type asked for and the class found; it is a TypeError as well."""
    with pytest.raises(ResourceTypeMismatch, match=r"resource 'n': expected .*Pool, found int") as caught:
        Resources({"n": 3}).get("n", Pool)
    assert (caught.value.key, caught.value.expected, caught.value.found) == ("n", Pool, int)
    assert isinstance(caught.value, TypeError)


def test_the_type_is_asked_by_isinstance() -> None:
    """A subclass is of the type; a superclass is not; an abstract base class and its registered classes count."""

    class Reader(ABC):
        @abstractmethod
        def read(self) -> str: ...

    Reader.register(Pool)
    res = Resources({"big": Big(), "pool": Pool()})
    assert res.get("big", Pool)
    assert res.get("pool", Reader)  # type: ignore[type-abstract]
    with pytest.raises(ResourceTypeMismatch):
        res.get("pool", Big)


def test_a_generic_is_asked_by_its_origin() -> None:
    """Of a parameterised form only the class is asked."""
    res = Resources({"box": Box[int](), "items": [1]})
    assert res.get("box", Box[int])
    assert res.get("items", list[str]) == [1]
    with pytest.raises(ResourceTypeMismatch):
        res.get("items", dict[str, int])


def test_a_union_asks_for_one_of_its_members() -> None:
    """A union is a type to ask for, None included."""
    res = Resources({"n": 3, "nothing": None})
    assert res.get("n", int | str) == 3
    assert res.get("nothing", int | None) is None
    with pytest.raises(ResourceTypeMismatch):
        res.get("n", str | None)


def test_a_protocol_asks_for_its_members() -> None:
    """A protocol, runtime-checkable or not, is asked by the presence of its members."""
    res = Resources({"file": File(), "n": 3})
    assert res.get("file", Reads)  # type: ignore[type-abstract]
    with pytest.raises(ResourceTypeMismatch):
        res.get("n", Reads)  # type: ignore[type-abstract]


def test_a_class_that_implements_a_protocol_is_a_class() -> None:
    """A class that inherits from a protocol is asked by isinstance, not by members."""

    class Real(Reads):
        size = 1

        def read(self) -> str:
            return "y"

    res = Resources({"file": File(), "real": Real()})
    assert res.get("real", Real)
    with pytest.raises(ResourceTypeMismatch):
        res.get("file", Real)


def test_a_text_is_no_type() -> None:
    """Text instead of a type is a TypeError that says so, and never a yes."""
    with pytest.raises(TypeError, match="text and no type"):
        Resources({"n": 3}).get("n", "int")


def test_a_compiled_class_is_a_type() -> None:
    """The compiled store is found by its class, whose signature cannot be read."""
    store = MemoryStore()
    assert Resources({"store": store}).get("store", MemoryStore) is store


@pytest.mark.parametrize("recipe", [shared(Pool), per_run(Pool), per_run(of=Pool)])
def test_a_recipe_is_no_resource_yet(recipe: Any) -> None:
    """Outside a run, what a recipe will make cannot be looked up, though its key is taken."""
    res = Resources({"pool": recipe})
    assert "pool" in res
    with pytest.raises(ResourceNotFound):
        res.get("pool", Pool)


@pytest.mark.parametrize(
    "wrong",
    [lambda: per_run(), lambda: per_run(Pool, of=Pool), lambda: shared(3), lambda: per_run("x"), lambda: per_run(of="Pool")],
)
def test_a_wrong_recipe_is_a_type_error(wrong: Any) -> None:
    """A recipe is a callable, or a type to bring, and exactly one of them."""
    with pytest.raises(TypeError, match=r"takes|is text and no type"):
        wrong()


def test_filling_ends_with_the_first_run() -> None:
    """After a workflow has run on the container, insert is an error that says why."""
    res = Resources({"a": 1})
    assert single(going(Stage.DONE), res).orchestrate_sync(Stage.A) is Stage.DONE
    with pytest.raises(ResourceInUse, match=r"insert 'b'.*has run"):
        res.insert("b", 2)


def test_it_shows_its_keys_only() -> None:
    """The text of the container holds no values, which may be secrets or huge (RS-9)."""
    assert repr(Resources({"a": "secret", Key.POOL: 1})) == "<Resources 'a', Key.POOL>"
    assert repr(Resources()) == "<Resources empty>"


def test_threads_may_look_up_at_once() -> None:
    """Look-ups from many threads see the same objects."""
    pool = Pool()
    res = Resources({"pool": pool})
    gate = threading.Barrier(8)
    seen: list[Any] = []

    def look() -> None:
        gate.wait()
        seen.extend(res.get("pool", Pool) for _ in range(200))

    workers = [threading.Thread(target=look) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(seen) == 1600
    assert all(each is pool for each in seen)


@pytest.mark.parametrize("name", ["setup", "teardown", "health"])
def test_a_life_cycle_method_that_takes_arguments_is_refused(name: str) -> None:
    """A class whose method has the name by chance, and another job, is refused at insert with what to do."""
    odd = type("Odd", (), {name: lambda self, config: None})()
    with pytest.raises(ResourceInvalid, match=rf"Odd\.{name} takes arguments"):
        Resources({"odd": odd})


@pytest.mark.parametrize("wrong", ["MemoryStore", "int | None", 3, [1], ForwardRef("MemoryStore")])
def test_what_a_run_must_bring_is_a_type(wrong: object) -> None:
    """Text, a value or a list in the place of a type is refused where it is written, not in a run (engine 14)."""
    with pytest.raises(TypeError, match="no type"):
        per_run(of=wrong)


LOOP = "LOOP"
THERE, BACK = "BACK", "THERE"


@pytest.mark.parametrize("name", ["LOOP", "THERE", "'LOOP'"])
def test_a_name_that_is_written_in_terms_of_itself_ends(name: str) -> None:
    """An annotation whose text leads back to itself is an error that says so, and no endless search (engine 2)."""

    async def step(value: Any) -> Stage:
        return Stage.DONE

    step.__annotations__["value"] = name
    with pytest.raises(TaskInvalid, match="names itself"):
        single(step, Resources({"value": 1}))


@pytest.mark.parametrize("recipe", [per_run(dict), shared(dict), per_run(of=dict)])
def test_a_recipe_outside_of_a_run_says_so(recipe: Any) -> None:
    """The look-up of what only a run will make is an error that tells this, and does not offer the very key."""
    res = Resources({"store": recipe})
    attempts: list[Callable[[], Any]] = [lambda: res.get("store"), lambda: res["store"], lambda: res.get("store", dict)]
    for attempt in attempts:
        with pytest.raises(ResourceNotFound, match=r"'store' is a recipe .* exists only during a run") as caught:
            attempt()
        assert isinstance(caught.value, ResourceNotMade)


@pytest.mark.parametrize("wrong", [[("a", 1)], {1, 2}, 3, "ab", []])
def test_only_a_mapping_fills_a_container(wrong: Any) -> None:
    """What is no mapping is refused with the form to write."""
    with pytest.raises(TypeError, match=r"write Resources\(\{"):
        Resources(wrong)


def test_one_object_with_a_life_cycle_has_one_key() -> None:
    """An object that would be set up twice is refused under a second key; what is merely used may have several (engine 8)."""
    pool, value = Plain("pool", []), object()
    res = Resources({"a": pool, "x": value, "y": value})
    with pytest.raises(ResourceInvalid, match="resource 'b': this very object is resource 'a'"):
        res.insert("b", pool)
    assert "b" not in res
    assert len(res) == 3


def test_a_generator_function_is_no_recipe() -> None:
    """A recipe that forgot its decorator is refused with the decorator's name, shared or per run (engine 8)."""

    def plain() -> Iterator[int]:
        yield 1

    async def waiting() -> AsyncIterator[int]:
        yield 1

    for make in (shared, per_run):
        with pytest.raises(TypeError, match="plain: decorate it with @contextmanager"):
            make(plain)
        with pytest.raises(TypeError, match="waiting: decorate it with @asynccontextmanager"):
            make(waiting)
        make(contextmanager(plain))
        make(asynccontextmanager(waiting))
        make(lambda: plain())


def test_a_life_cycle_of_odd_callables_is_checked() -> None:
    """A method that is no function, nor even hashable, is asked for its arguments like any other, each time."""

    class Odd:
        __hash__ = None  # type: ignore[assignment]

        def __init__(self, needs: bool) -> None:
            self._needs = needs

        def __call__(self, kind: type, *more: object) -> None:
            assert not more

        @property
        def __signature__(self) -> Signature:
            names = ("kind", "more") if self._needs else ("kind",)
            return Signature([Parameter(name, Parameter.POSITIONAL_ONLY) for name in names])

    for _ in range(2):
        Resources({"a": type("Fine", (), {"setup": classmethod(Odd(False))})()})  # type: ignore[arg-type]
        with pytest.raises(ResourceInvalid, match="takes arguments"):
            Resources({"a": type("Wrong", (), {"setup": classmethod(Odd(True))})()})  # type: ignore[arg-type]
