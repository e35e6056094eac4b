"""Random graphs of Python values, and a description of a graph in which sharing is visible."""

import array
import enum
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from hypothesis import strategies as st

CALLS: list[int] = []  # which objects' own copy code ran, in order


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


class Deep:
    """Copies itself by the protocol, hands the memo on, and notes that it was asked."""

    def __init__(self, tag: int, parts: list[Any]) -> None:
        self.tag = tag
        self.parts = parts

    def __deepcopy__(self, memo: dict[int, Any]) -> "Deep":
        from_copy = copying.get("deepcopy")
        assert from_copy is not None
        CALLS.append(self.tag)
        twin = Deep(self.tag, [])
        memo[id(self)] = twin
        twin.parts = from_copy(self.parts, memo)
        return twin


class Reduced:
    """Copies itself by ``__reduce_ex__``, with state."""

    def __init__(self, tag: int) -> None:
        self.tag = tag
        self.parts: list[Any] = []

    def __reduce_ex__(self, protocol: Any) -> Any:
        CALLS.append(self.tag)
        return (Reduced, (self.tag,), {"parts": self.parts})


class AlwaysItself:
    def __init__(self, tag: int) -> None:
        self.tag = tag

    def __deepcopy__(self, memo: dict[int, Any]) -> "AlwaysItself":
        CALLS.append(-1)
        return self


copying: dict[str, Callable[..., Any]] = {}  # filled with copy.deepcopy by the tests

ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.integers(2**70, 2**71),
    st.sampled_from([1.5, float("nan"), -0.0, 1j, b"", b"x", ..., NotImplemented, int, len, range(2)]),
    st.text(max_size=2),
    st.sampled_from(list(Color)),
    st.builds(frozenset, st.lists(st.integers(0, 3))),
    st.just(()),
)
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
    "Deep",
    "Reduced",
    "bytearray",
    "array",
    "Counter",
]
IMMUTABLE = ["tuple", "SubTuple", "Pair", "frozenset", "FrozenData", "itself"]


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
        case "Deep":
            made = Deep(tag, list(parts))
        case "Reduced":
            made = Reduced(tag)
            made.parts = list(parts)
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
        case "itself":
            made = AlwaysItself(tag)
        case _:
            raise AssertionError(kind)
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
        case Data() | Deep() | Reduced():
            node.parts.append(back)
        case Slots():
            node.right = back
        case _:
            pass


@st.composite
def graphs(draw: st.DrawFn) -> Any:
    """A graph of up to twelve containers and objects, with shared parts and cycles."""
    nodes: list[Any] = draw(st.lists(ATOMS, min_size=1, max_size=4))
    for tag in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(MUTABLE + IMMUTABLE))
        chosen = draw(st.lists(st.integers(0, len(nodes) - 1), max_size=4))
        nodes.append(make(kind, tag, [nodes[at] for at in chosen]))
    for _ in range(draw(st.integers(0, 3))):
        close(nodes[draw(st.integers(0, len(nodes) - 1))], nodes[draw(st.integers(0, len(nodes) - 1))])
    return nodes[-1] if draw(st.booleans()) else draw(st.sampled_from([list, tuple]))(nodes)


def described(root: Any, old: frozenset[int]) -> list[Any]:
    """A graph as a flat list: one row for each object in the order of the walk, with objects as numbers.

    Two graphs with equal descriptions are alike in types, content, order, attributes, sharing and cycles. ``old`` are the
    addresses of the original's objects: a row says whether its object is one of these.
    """
    numbers: dict[int, int] = {}
    queue: list[Any] = []

    def number(part: Any) -> Any:
        if isinstance(part, PLAIN):
            return (type(part).__name__, repr(part))
        if id(part) not in numbers:
            numbers[id(part)] = len(queue)
            queue.append(part)
        return numbers[id(part)]

    number(root)
    rows: list[Any] = []
    for part in queue:  # grows while it is walked
        row: list[Any] = [type(part).__name__, id(part) in old]
        if isinstance(part, dict):
            row += [(number(key), number(value)) for key, value in part.items()]
        elif isinstance(part, set | frozenset):
            row += [number(each) for each in sorted(part, key=name_in_set)]
        elif isinstance(part, list | tuple | deque):
            row += [number(each) for each in part]
        elif isinstance(part, bytearray | array.array):
            row.append(repr(part))
        for name in ("left", "right", "parts", "more"):
            if type(part).__dict__.get(name) is not None and hasattr(part, name):
                row.append((name, number(getattr(part, name))))
        row += [getattr(part, "maxlen", None), repr(getattr(part, "default_factory", None))]
        row += [(name, number(value)) for name, value in getattr(part, "__dict__", {}).items()]
        rows.append(row)
    return rows


def addresses(root: Any) -> frozenset[int]:
    """The addresses of all objects of a graph; valid while the graph lives."""
    seen: dict[int, Any] = {}
    queue = [root]
    for part in queue:
        if isinstance(part, PLAIN) or id(part) in seen:
            continue
        seen[id(part)] = part
        if isinstance(part, dict):
            queue += [*part, *part.values()]
        elif isinstance(part, list | tuple | set | frozenset | deque):
            queue += part
        queue += [getattr(part, name) for name in ("left", "right", "parts", "more", "note") if hasattr(part, name)]
    return frozenset(seen)
