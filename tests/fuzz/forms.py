"""One input, one type and one value: the store says what plain rules say of them, says it again, and keeps nothing."""

import re
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Optional, TypedDict, Union

from cano.errors import TypeMismatch
from cano.store import Key, MemoryStore
from tests.fuzz import rare
from tests.fuzz.choices import Choices
from tests.properties.form_model import PLAIN as VALUES
from tests.properties.form_model import RECORDS, Base, Color, Derived, Level, Names, Row, UserId, model

DEEPEST = 6
DEPTHS = {"shallow": 3, "deep": 100, "deeper": 400, "bottomless": 1500}


def annotated(part: Any) -> Any:
    """Annotate a type; CPython 3.11 cannot do that to what has no module, as a number."""
    return Annotated[part, "note"] if sys.version_info >= (3, 12) or hasattr(part, "__module__") else part


COUNTED = (Base, Derived, Color, Level, Row, rare.Refused, rare.Closing, rare.Mine)
# Each with a value that fits.
LEAVES: dict[str, tuple[Any, Any]] = {
    "int": (int, 1),
    "str": (str, "a"),
    "bool": (bool, True),
    "bytes": (bytes, b"a"),
    "float": (float, 1.5),
    "none": (None, None),
    "object": (object, 0),
    "any": (Any, 0),
    "base": (Base, Derived()),
    "derived": (Derived, Derived()),
    "color": (Color, Color.RED),
    "level": (Level, Level.LOW),
    "list": (list, []),
    "dict": (dict, {}),
    "tuple": (tuple, ()),
    "user": (UserId, 1),
    "names": (Names, ["a"]),
    "row": (Row, {"name": "a", "kids": [{"name": "b", "age": 1}]}),
    "type_of_base": (type[Base], Derived),
    "one": (Literal[1], 1),
    "a_or_2": (Literal["a", 2], 2),
    "true_or_none": (Literal[True, None], True),
    "red_or_b": (Literal[Color.RED, "b"], Color.RED),
    "low": (Literal[Level.LOW], Level.LOW),
    "no_parts": (tuple[()], ()),
}
HOLDING_ONE: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "list_of": (lambda part: list[part], lambda value: [value, value]),
    "tuple_of": (lambda part: tuple[part, ...], lambda value: (value, value)),
    "one_tuple": (lambda part: tuple[part], lambda value: (value,)),
    "sequence_of": (lambda part: Sequence[part], lambda value: [value]),
    "deque_of": (lambda part: deque[part], lambda value: deque([value])),
    "collection_of": (lambda part: Collection[part], lambda value: [value]),
    "annotated": (annotated, lambda value: value),
    "optional": (lambda part: Optional[part], lambda value: value),
    "set_of": (lambda part: set[part], lambda value: {value}),
    "frozenset_of": (lambda part: frozenset[part], lambda value: frozenset([value])),
    "any_set_of": (lambda part: AbstractSet[part], lambda value: {value}),
}
HOLDING_TWO: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "dict_of": (lambda key, part: dict[key, part], lambda key, value: {key: value}),
    "mapping_of": (lambda key, part: Mapping[key, part], lambda key, value: {key: value}),
    "defaultdict_of": (lambda key, part: defaultdict[key, part], lambda key, value: defaultdict(int, {key: value})),
    "ordered_of": (lambda key, part: OrderedDict[key, part], lambda key, value: OrderedDict({key: value})),
    "pair_of": (lambda left, right: tuple[left, right], lambda left, right: (left, right)),
    "union": (lambda left, right: Union[left, right], lambda left, right: right),
}


def named(value: object) -> str:
    """Give the word for a plain value: how it is written, but for objects."""
    if isinstance(value, type | Enum):
        return value.__name__ if isinstance(value, type) else f"{type(value).__name__}.{value.name}"
    return f"{type(value).__name__}()" if isinstance(value, Base) else repr(value)


PLAIN: dict[str, Any] = {
    **{named(value): value for value in VALUES},
    **{f"record_{number}": value for number, value in enumerate(RECORDS)},
}
FRESH = ("new_class", "new_record", "wrapped")
STRANGE: dict[str, Callable[[], Any]] = {
    "endless": rare.endless,
    "items": lambda: rare.Items([1]),
    "lying": rare.Lying,
    "tree": lambda: [1, [2, []]],
}


@dataclass
class Asked:
    """What an input asks; the model is left alone where it knows a part not."""

    choices: Choices
    known: bool = True
    parts: tuple[Any, ...] = ()  # values that fit some part of the type

    def form(self, depth: int = 0) -> tuple[Any, Any]:
        """Choose a type, and give a value that fits it with it."""
        deeper = [*HOLDING_ONE, *HOLDING_TWO] if depth < DEEPEST else []
        word = self.choices.choose([*LEAVES, *deeper, *FRESH, *rare.LEAVES])
        made = self.made(word, depth)
        self.parts += (made[1],)
        return made

    def made(self, word: str, depth: int) -> tuple[Any, Any]:
        if word in LEAVES:
            return LEAVES[word]
        if word in HOLDING_ONE:
            form, value = self.form(depth + 1)
            return HOLDING_ONE[word][0](form), HOLDING_ONE[word][1](value)
        if word in HOLDING_TWO:
            (left, first), (right, second) = self.form(depth + 1), self.form(depth + 1)
            return HOLDING_TWO[word][0](left, right), HOLDING_TWO[word][1](first, second)
        if word == "new_class":
            new = type("New", (Base,), {})
            return new, new()
        if word == "new_record":
            form, value = self.form(DEEPEST)
            # A checker reads no TypedDict whose types are worked out as it runs.
            return TypedDict("New", {"part": form}), {"part": value}  # type: ignore[operator]
        self.known = False
        if word == "wrapped":
            form, value = self.form(DEEPEST)
            times = DEPTHS[self.choices.choose(list(DEPTHS))]
            return rare.wrapped(form, times), rare.buried(value, times)
        return rare.LEAVES[word], 1

    def value(self, depth: int = 0) -> Any:
        """Choose a value, often one that fits the type or a part of it."""
        holding = ["list", "tuple", "deque", "set", "dict", "ordered"] if depth < DEEPEST else []
        word = self.choices.choose(["fitting", "part", *holding, *PLAIN, "buried", *STRANGE])
        if word in PLAIN:
            return PLAIN[word]
        if word in holding:
            values = [self.value(depth + 1) for _ in range(self.choices.number(3))]
            if word in ("dict", "ordered"):
                pairs = dict(zip(values[::2], values[1::2], strict=False))
                return pairs if word == "dict" else OrderedDict(pairs)
            return {"list": list, "tuple": tuple, "deque": deque, "set": set}[word](values)
        if word in ("fitting", "part"):
            return self.parts[-1 if word == "fitting" else self.choices.number(7) % len(self.parts)]
        self.known = False
        if word == "buried":
            return rare.buried(self.value(DEEPEST), DEPTHS[self.choices.choose(list(DEPTHS))])
        return STRANGE[word]()


def told(error: Exception) -> str:
    """Give the sentence of an error; each has one."""
    assert str(error), f"a {type(error).__name__} without a sentence"
    return str(error)


def answer(ask: Callable[[], object]) -> tuple[Any, ...]:
    """Tell what the store says, so that it can be compared, by nothing that would be counted."""
    try:
        ask()
    except TypeMismatch as error:
        told(error)
        in_a_set = "<" in error.where  # of the items of a set any may come first
        # A key that is an object is named by where it lies, and the copy of one lies elsewhere.
        return ("no", None if in_a_set else id(error.found), re.sub(r" at 0x[0-9a-f]+", "", error.where))
    except (TypeError, RecursionError) as error:
        told(error)
        return ("refused", type(error).__name__)
    except rare.Told:
        return ("told",)
    return ("yes",)


def references() -> list[int]:
    """How many references there are to each of the classes."""
    return [sys.getrefcount(each) for each in COUNTED]


def more(before: list[int]) -> bool:
    """Whether there are more references than before; fewer are those of what was collected meanwhile."""
    return any(now > was for now, was in zip(references(), before, strict=True))


def one(choices: Choices) -> None:
    """Ask what the input says; an exception is a finding."""
    asked = Asked(choices)
    try:
        form, _ = asked.form()
        value = asked.value()
    except (TypeError, SyntaxError, RecursionError, rare.Told):
        return  # Python itself refuses to make it
    store = MemoryStore({"key": value})
    said = answer(lambda: store.get_shared("key", form))
    before = references()
    assert answer(lambda: store.get_shared("key", form)) == said
    assert not more(before), "asking has left a reference to a class"
    keyed = answer(lambda: store.get_shared(Key("key", form)))
    put = answer(lambda: store.put(Key("key", form), value))
    assert keyed == put == said, (keyed, put, said)
    assert not more(before), "a typed key has left a reference to a class"
    if asked.known:
        assert said[0] in ("yes", "no")
        assert (said[0] == "yes") is model(value, form)
        copied = answer(lambda: store.get("key", form))
        assert copied == said, (copied, said)
