"""Random graphs of Python values, and a description of a graph in which sharing is visible."""

import array
from collections import deque
from typing import Any

from hypothesis import strategies as st

from tests.properties.nodes import IMMUTABLE, MUTABLE, NODES, PLAIN, Color, close, make, name_in_set

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


@st.composite
def graphs(draw: st.DrawFn) -> Any:
    """A graph of up to twelve containers and objects, with shared parts and cycles."""
    nodes: list[Any] = draw(st.lists(ATOMS, min_size=1, max_size=4))
    for tag in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from([*MUTABLE, *IMMUTABLE, *NODES]))
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
        for name in ("left", "right", "parts", "more", "__self__"):
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
        queue += [getattr(part, name) for name in ("left", "right", "parts", "more", "note", "__self__") if hasattr(part, name)]
    return frozenset(seen)
