"""Asking for what is inside: every part is checked, and the error says where (store 6, D4)."""

import copy
import pickle
import tracemalloc
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict, Union

import pytest

from cano.errors import CopyError, TypeMismatch
from cano.store import Key, MemoryStore
from tests.unit.store.inner_forms import FITS, MISFITS

CASES = range(len(FITS)), range(len(MISFITS))


@pytest.mark.parametrize("case", CASES[0])
def test_a_value_that_fits_all_through_is_returned(case: int) -> None:
    """Containers, fixed tuples, literals, unions and names for types mean what a reader expects of them."""
    value, form = FITS[case]
    store = MemoryStore({"key": value})
    assert store.get_shared("key", form) is value
    assert store.get_shared(Key("key", form)) is value
    store.put(Key("key", form), value)


@pytest.mark.parametrize("case", CASES[1])
def test_a_part_that_does_not_fit_is_a_mismatch_that_says_where(case: int) -> None:
    """The error names the type asked for as it was written, the class that was met, and the way to it."""
    value, form, found, where = MISFITS[case]
    store = MemoryStore({"key": value})
    asks: list[Callable[[], object]] = [lambda: store.get_shared("key", form), lambda: store.get_shared(Key("key", form))]
    for asked in asks:
        with pytest.raises(TypeMismatch) as caught:
            asked()
        assert (caught.value.key, caught.value.expected, caught.value.found, caught.value.where) == ("key", form, found, where)
    with pytest.raises(TypeMismatch):
        store.put(Key("key", form), value)


AROUND: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {  # what goes around a form, and around a value
    "list": (lambda form: list[form], lambda value: [value]),
    "dict": (lambda form: dict[str, form], lambda value: {"a": value}),
    "tuple": (lambda form: tuple[int, form], lambda value: (1, value)),
    "union": (lambda form: Union[form, Nothing], lambda value: value),
}


class Nothing: ...


@pytest.mark.parametrize("place", AROUND)
def test_a_value_and_a_type_have_one_answer_wherever_they_meet(place: str) -> None:
    """What passes alone passes as a part, and what does not, does not: ``True`` for ``int``, and no 3 for ``float``."""
    around_form, around = AROUND[place]
    for value, form in FITS:
        inside = around(value)
        assert MemoryStore({"key": inside}).get_shared("key", around_form(form)) is inside
    for value, form, _, _ in MISFITS:
        with pytest.raises(TypeMismatch):
            MemoryStore({"key": around(value)}).get_shared("key", around_form(form))


def test_get_hands_out_the_copy_that_was_checked() -> None:
    """A copy that turns into something else is a mismatch at the place where it did."""

    class Turncoat(int):
        def __deepcopy__(self, memo: Any) -> Any:
            return "turned"

    store = MemoryStore({"key": [1, Turncoat(2)]})
    assert store.get_shared("key", list[int]) == [1, 2]
    with pytest.raises(TypeMismatch) as caught:
        store.get("key", list[int])
    assert (caught.value.found, caught.value.where) == (str, "[1]")


def test_a_value_of_a_wrong_class_is_a_mismatch_before_it_is_copied() -> None:
    """What no copy could mend costs none: a generator is no list, and no ``CopyError`` either."""
    store = MemoryStore({"key": (each for each in ()), "list": [(each for each in ())]})
    with pytest.raises(TypeMismatch):
        store.get("key", list[int])
    with pytest.raises(TypeMismatch):
        store.get("key", dict[str, int] | list[int] | None)
    with pytest.raises(CopyError):
        store.get("list", list[int])


@pytest.mark.parametrize(
    ("value", "form", "sentence"),
    [
        (["a"], list[int], "key 'key': expected list[int], found str at [0]"),
        ({"a": [1, None]}, dict[str, list[int]], "key 'key': expected dict[str, list[int]], found NoneType at ['a'][1]"),
        ((1,), tuple[int, int], "key 'key': expected tuple[int, int], found tuple of length 1"),
        ([(1,)], list[tuple[()]], "key 'key': expected list[tuple[()]], found tuple of length 1 at [0]"),
        (str, type[int], "key 'key': expected type[int], found type str"),
        ("a", list[int], "key 'key': expected list[int], found str"),
    ],
    ids=str,
)
def test_the_sentence_of_a_mismatch_says_what_and_where(value: Any, form: Any, sentence: str) -> None:
    """Whoever reads the error can go to the part that is wrong; and it survives ``pickle`` and ``copy`` whole."""
    with pytest.raises(TypeMismatch) as caught:
        MemoryStore({"key": value}).get("key", form)
    error = caught.value
    assert str(error) == sentence
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert other.__dict__ == error.__dict__
        assert str(other) == sentence


def test_a_mismatch_can_be_made_of_three_facts() -> None:
    """The place is optional: who raises the error by hand leaves it out."""
    error = TypeMismatch("key", int, str)
    assert (error.where, error.detail, str(error)) == ("", "", "key 'key': expected int, found str")


def test_a_one_shot_collection_is_refused_and_not_used_up() -> None:
    """Something that is its own iterator could be looked at but once, so it is not looked at."""

    class Cursor(Collection[int]):
        rows = 3

        def __iter__(self) -> Iterator[int]:
            return self  # type: ignore[return-value]

        def __next__(self) -> int:
            self.rows -= 1
            return 1

        def __len__(self) -> int:
            return self.rows

        def __contains__(self, item: object) -> bool:
            return False

    cursor = Cursor()
    with pytest.raises(TypeError, match="its own iterator"):
        MemoryStore({"key": cursor}).get_shared("key", Collection[int])
    assert cursor.rows == 3


def test_an_iterator_is_never_used_up() -> None:
    """Neither a form that is refused nor one that does not fit takes anything out of a generator."""
    numbers = iter([1, 2])
    store = MemoryStore({"key": numbers})
    for form in (Iterator[int], Collection[int], Sequence[int], list[int], Iterator):
        try:
            store.get_shared("key", form)
        except TypeError:
            continue
        assert form is Iterator
    assert list(numbers) == [1, 2]


def test_an_error_of_a_collections_own_iterator_reaches_the_caller() -> None:
    """A collection that cannot be read is neither right nor wrong."""

    class Broken(Sequence[int]):
        def __len__(self) -> int:
            return 1

        def __getitem__(self, at: Any) -> Any:
            raise ZeroDivisionError

    class BrokenMap(Mapping[str, int]):
        __len__ = Broken.__len__
        __getitem__ = Broken.__getitem__

        def __iter__(self) -> Iterator[str]:
            raise ZeroDivisionError

    store = MemoryStore({"key": Broken(), "map": BrokenMap()})
    with pytest.raises(ZeroDivisionError):
        store.get_shared("key", Sequence[int])
    with pytest.raises(ZeroDivisionError):
        store.get_shared("map", Mapping[str, int])
    assert isinstance(store.get_shared("key", Sequence), Broken)


def test_what_claims_to_be_a_list_and_is_none_cannot_be_looked_into() -> None:
    """A ``__class__`` that lies passes where ``isinstance`` alone is asked, and no further."""

    class Proxy:
        @property
        def __class__(self) -> Any:
            return list

        @__class__.setter
        def __class__(self, new: Any) -> None: ...

    store = MemoryStore({"key": Proxy()})
    assert type(store.get_shared("key", list)) is Proxy
    with pytest.raises(TypeMismatch):
        store.get_shared("key", list[int])


def test_notes_that_cannot_be_hashed_are_no_hindrance() -> None:
    """What stands beside the type in ``Annotated`` is not looked at in any way."""
    form = Annotated[list[Annotated[int, []]], "a", {}]
    assert MemoryStore({"key": [1]}).get("key", form) == [1]
    with pytest.raises(TypeMismatch):
        MemoryStore({"key": ["a"]}).get("key", form)


def test_a_literal_asks_no_value_whether_it_is_equal() -> None:
    """A value whose ``==`` raises, or returns something without a truth, is just another value."""

    class Odd:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> Any:
            raise AssertionError

    class OddText(str):
        __slots__ = ()
        __eq__ = Odd.__eq__  # type: ignore[assignment]
        __hash__ = Odd.__eq__  # type: ignore[assignment]

    for value in (Odd(), OddText("a"), [Odd()], {1: Odd()}):
        with pytest.raises(TypeMismatch):
            MemoryStore({"key": value}).get_shared("key", Literal["a", 1, None])


def test_a_deque_that_is_changed_while_it_is_checked_is_an_answer_or_an_error() -> None:
    """What a class's own check does to the container that it is asked for does not end the process."""

    class Meta(type):
        def __instancecheck__(cls, value: object) -> bool:
            for each in (numbers, listed, mapped, many):
                each.clear()
            return True

    class Asked(metaclass=Meta): ...

    numbers, listed, mapped, many = deque([object(), 2]), [object(), 2], {object(): 1, 2: 2}, {object(), 2}
    store = MemoryStore({"deque": numbers, "list": listed, "dict": mapped, "set": many})
    form: Any = Asked
    store.get_shared("deque", deque[form])
    listed.extend([object(), 2])
    store.get_shared("list", list[form])
    mapped.update({object(): 1, 2: 2})
    store.get_shared("dict", dict[form, form])
    many.update({object(), 2})
    store.get_shared("set", set[form])


def test_what_is_added_during_a_check_does_not_keep_it_going() -> None:
    """A check that makes the container longer at each step still ends."""

    class Meta(type):
        def __instancecheck__(cls, value: object) -> bool:
            listed.append(value)
            mapped[len(mapped)] = value
            return True

    class Asked(metaclass=Meta): ...

    listed: list[Any] = [1, 2]
    mapped: dict[Any, Any] = {0: 1}
    form: Any = Asked
    MemoryStore({"key": listed}).get_shared("key", list[form])
    MemoryStore({"key": mapped}).get_shared("key", dict[int, form])
    assert (len(listed), len(mapped)) == (7, 6)  # two checks for the list, then one for each of the three values of the dict


class Fields(TypedDict):
    name: str


@pytest.mark.timeout(60)
@pytest.mark.parametrize("read", ["get", "get_shared"])
def test_what_is_shared_is_looked_at_once(read: str) -> None:
    """A value of few objects with more ways through it than anybody could go is checked, or refused, object by object."""
    many: Any = [1]
    for _ in range(3):
        many = [many] * 4_000
    store = MemoryStore({"key": many})
    call = getattr(store, read)
    assert len(call("key", list[list[list[list[int]]]])) == 4_000
    with pytest.raises(TypeMismatch) as caught:
        call("key", list[list[list[list[str]]]])
    assert caught.value.where == "[0][0][0][0]"
    assert call("key", list[list[list[list[str]]] | list[list[list[int]]]] | None) is not None


class SaysDict:
    __class__ = property(lambda self: dict)  # type: ignore[assignment]

    def __init__(self) -> None:
        self.items = 1


@pytest.mark.parametrize("form", [Fields, dict[str, int], list[Fields], tuple[int], deque[int]])
def test_what_only_says_that_it_is_a_container_is_none(form: Any) -> None:
    """A value that lies about its class is not looked into: it is a mismatch."""
    value: Any = SaysDict()
    with pytest.raises(TypeMismatch):
        MemoryStore({"key": [value] if form == list[Fields] else value}).get_shared("key", form)


def test_of_what_is_not_shared_nothing_is_noted() -> None:
    """A check of many containers, each of them in one place, takes no memory for them."""
    store = MemoryStore({"key": [[n, n] for n in range(50_000)], "rows": {f"row {n}": (n, [n]) for n in range(50_000)}})
    for key, form in (("key", list[list[int]]), ("rows", dict[str, tuple[int, list[int]]])):
        store.get_shared(key, form)
        tracemalloc.start()
        try:
            store.get_shared(key, form)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 100_000
