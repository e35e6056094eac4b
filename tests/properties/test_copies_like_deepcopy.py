"""``get`` against ``copy.deepcopy`` on random graphs: results, sharing, cycles, and the order in which user code runs."""

import copy
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from cano.store import MemoryStore
from tests.properties.graphs import addresses, described, graphs
from tests.properties.nodes import CALLS, WATCHED


@settings(deadline=None, max_examples=1500, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(graphs())
def test_get_equals_deepcopy_in_content_and_in_sharing(graph: Any) -> None:
    """``get`` makes what ``copy.deepcopy`` makes: same types, order, attributes, aliases and cycles, same objects kept."""
    before = described(graph, frozenset())
    old = addresses(graph)
    WATCHED.clear()
    WATCHED.update(old)
    CALLS.clear()
    expected = copy.deepcopy(graph)
    calls = CALLS.copy()
    CALLS.clear()
    store = MemoryStore({"key": graph})
    result = store.get("key")
    assert described(result, old) == described(expected, old)
    assert calls == CALLS
    assert described(graph, frozenset()) == before
    assert store.get_shared("key") is graph
    event(f"objects: {min(len(old), 20) // 5 * 5}+")


@settings(deadline=None, max_examples=200)
@given(
    st.recursive(
        st.integers() | st.text(max_size=3) | st.none() | st.floats(),
        lambda part: (
            st.lists(part, max_size=4)
            | st.dictionaries(st.text(max_size=3) | st.integers(), part, max_size=4)
            | st.tuples(part, part)
            | st.sets(st.integers(), max_size=4)
        ),
        max_leaves=40,
    )
)
def test_plain_nested_values_are_copied_whole(value: Any) -> None:
    """Trees of plain values, the everyday case, come back equal to ``deepcopy``'s and share no mutable part."""
    store = MemoryStore({"key": value})
    old = addresses(value)
    assert described(store.get("key"), old) == described(copy.deepcopy(value), old)
