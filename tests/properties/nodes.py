"""The nodes of random graphs: one class for each way in which an object can say how it is copied."""

import array
import copy
import copyreg
import enum
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from typing import Any, NamedTuple

CALLS: list[Any] = []  # which objects' own copy code ran, in order, and what it saw
WATCHED: set[int] = set()  # the addresses of the graph that is being copied


class SubList(list[Any]): ...


class SubDict(dict[Any, Any]): ...


class SubTuple(tuple[Any, ...]): ...


class SubSet(set[Any]): ...


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass(eq=False)
class Data:
    parts: list[Any]
    tag: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class FrozenData:
    parts: tuple[Any, ...]
    more: Any
    tag: int


class Slots:
    __slots__ = ("__weakref__", "left", "right", "tag")
    left: Any
    right: Any
    tag: int


@dataclass(slots=True, eq=False)
class SlotData:
    parts: list[Any]
    tag: int


class Node:
    """Has a name and parts; the classes below differ in how they are copied."""

    def __init__(self, tag: int, parts: list[Any] | None = None) -> None:
        self.tag = tag
        self.parts: list[Any] = [] if parts is None else parts

    def method(self) -> None: ...


class Deep(Node):
    """Copies itself by ``__deepcopy__``, hands the memo on, and notes which objects of the graph it found in the memo."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Deep":
        CALLS.append((self.tag, WATCHED.intersection(memo)))
        twin = Deep(self.tag)
        memo[id(self)] = twin
        twin.parts = copy.deepcopy(self.parts, memo)
        return twin


class Noting(Node):
    """Tells the memo what its first part has become: a text."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Noting":
        CALLS.append((self.tag, WATCHED.intersection(memo)))
        for part in self.parts[:1]:
            if not isinstance(part, PLAIN):
                memo[id(part)] = f"noted by {self.tag}"
        return Noting(self.tag)


class Reduced(Node):
    """Copies itself by ``__reduce_ex__``, with a dict as state."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        CALLS.append((self.tag, protocol))
        return (Reduced, (self.tag,), {"parts": self.parts})


class Filled(Node):
    """Copies itself by ``__reduce__``, with items to append and items to set."""

    def __reduce__(self) -> Any:
        CALLS.append(self.tag)
        return (Filled, (self.tag,), None, iter(self.parts), iter([(part, part) for part in self.parts]))

    def append(self, item: Any) -> None:
        CALLS.append(("append", self.tag))
        self.parts.append(item)

    def __setitem__(self, key: Any, item: Any) -> None:
        CALLS.append(("set", self.tag, key is item))
        self.parts.append((key, item))


class Stated(Node):
    """Copies itself by ``__getstate__`` and ``__setstate__``."""

    def __getstate__(self) -> Any:
        CALLS.append(self.tag)
        return [self.tag, self.parts]

    def __setstate__(self, state: Any) -> None:
        CALLS.append(state[0])
        self.tag, self.parts = state


class Registered(Node):
    """Is copied by a function that is registered with ``copyreg``, with attributes and slots as state."""


def reduced(node: Registered) -> Any:
    CALLS.append(node.tag)
    return (Registered, (node.tag,), ({"parts": node.parts}, {"more": node.parts}))


copyreg.pickle(Registered, reduced)


class Shallow(Node):
    """Has a copy code of its own that a deep copy does not ask."""

    def __copy__(self) -> "Shallow":
        raise AssertionError


class Declined(Node):
    __deepcopy__ = None


class Global(Node):
    """Is known by its name, so that a copy is the object itself."""

    def __reduce_ex__(self, protocol: Any) -> str:
        CALLS.append(self.tag)
        return "some name"


class Itself(Node):
    def __deepcopy__(self, memo: dict[int, Any]) -> "Itself":
        CALLS.append(self.tag)
        return self


PLAIN = (type(None), bool, int, float, complex, str, bytes, type, type(len), range, enum.Enum, type(...), type(NotImplemented))
MUTABLE = [
    "list",
    "dict",
    "set",
    "SubList",
    "SubDict",
    "SubSet",
    "deque",
    "OrderedDict",
    "defaultdict",
    "Data",
    "Slots",
    "SlotData",
    "bytearray",
    "array",
    "Counter",
]
IMMUTABLE = ["tuple", "SubTuple", "Pair", "frozenset", "FrozenData", "method"]
NODES: dict[str, type[Node]] = {
    kind.__name__: kind for kind in (Node, Deep, Noting, Reduced, Filled, Stated, Registered, Shallow, Declined, Global, Itself)
}


def plain(part: Any) -> bool:
    return isinstance(part, PLAIN) or (type(part) is frozenset and all(isinstance(each, PLAIN) for each in part))


def told_apart(part: Any) -> bool:
    """True for what can be a key or in a set and has a name there that is not its address: ``name_in_set``."""
    each_part = part if type(part) is tuple else (part,)
    return part == part and all(plain(each) or (hasattr(each, "tag") and type(each).__hash__ is not None) for each in each_part)


def name_in_set(part: Any) -> str:
    if type(part) is tuple:
        return f"({','.join(map(name_in_set, part))})"
    if type(part) is frozenset:
        return f"frozenset{sorted(map(repr, part))}"
    return repr(part) if isinstance(part, PLAIN) else f"{type(part).__name__} {part.tag}"


def make(kind: str, tag: int, parts: list[Any]) -> Any:
    """Make one node from nodes that exist already."""
    keys = [part for part in parts if told_apart(part)]
    pairs = [(key, parts[-1 - at]) for at, key in enumerate(keys)]
    match kind:
        case "list":
            return list(parts)
        case "dict":
            return dict(pairs) if tag % 2 else {f"k{at}": part for at, part in enumerate(parts)}
        case "set":
            return set(keys)
        case "SubList":
            made: Any = SubList(parts)
            made.note = parts[:1]
        case "SubDict":
            made = SubDict(pairs)
            made.note = parts[:1]
        case "SubSet":
            made = SubSet(keys)
            made.note = parts[:1]
        case "deque":
            made = deque(parts, maxlen=2 if tag % 2 else None)
        case "OrderedDict":
            made = OrderedDict(reversed(pairs))
        case "defaultdict":
            made = defaultdict(list, pairs)
        case "Counter":
            made = Counter(keys)
        case "Data":
            made = Data(list(parts), tag)
        case "Slots":
            made = Slots()
            made.tag = tag
            if parts:
                made.left = parts[0]
        case "SlotData":
            made = SlotData(list(parts), tag)
        case "bytearray":
            made = bytearray([tag % 256])
        case "array":
            made = array.array("i", [tag])
        case "tuple":
            made = tuple(parts)
        case "SubTuple":
            made = SubTuple(parts)
            made.note = parts[:1]
        case "Pair":
            made = Pair(parts[0] if parts else 0, parts)
        case "frozenset":
            made = frozenset(keys)
        case "FrozenData":
            made = FrozenData(tuple(parts), parts, tag)
        case "method":
            made = Node(tag, list(parts)).method
        case _:
            made = NODES[kind](tag, list(parts))
    return made


def close(node: Any, back: Any) -> None:
    """Make a cycle, if this kind of node can be changed."""
    match node:
        case list() | deque():
            node.append(back)
        case Counter():
            pass
        case dict():
            node["back"] = back
        case set():
            if told_apart(back):
                node.add(back)
        case Data() | SlotData() | Node():
            node.parts.append(back)
        case Slots():
            node.right = back
        case _:
            pass
