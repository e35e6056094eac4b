import pytest

from cano import AppendTypeMismatch, KeyNotFound, MemoryStore, TypeMismatch
from examples.store_custom_backend import NamespacedStore


def test_two_namespaces_share_one_store_and_see_only_their_own() -> None:
    """Keys are prefixed inside and stripped outside; len and clear know nothing of the neighbour."""
    inner = MemoryStore()
    a, ab = NamespacedStore("a", inner), NamespacedStore("ab", inner)
    a.put("x", 1)
    ab.put("x", 2)
    ab.append("log", "one")
    inner.put("plain", 3)
    assert sorted(inner.keys()) == ["a::x", "ab::log", "ab::x", "plain"]
    assert (a.keys(), sorted(ab.keys())) == (["x"], ["log", "x"])
    assert (a.len(), ab.len()) == (1, 2)
    ab.clear()
    assert (a.get("x", int), a.len(), ab.len()) == (1, 1, 0)
    assert sorted(inner.keys()) == ["a::x", "plain"]


def test_each_store_has_its_own_inside_unless_one_is_given() -> None:
    """Two stores of one namespace are strangers unless they share the inner one."""
    one, other = NamespacedStore("n"), NamespacedStore("n")
    one.put("x", 1)
    assert not other.contains_key("x")
    inner = MemoryStore()
    NamespacedStore("n", inner).put("x", 1)
    assert NamespacedStore("n", inner).contains_key("x")


def test_a_given_store_that_is_empty_is_used() -> None:
    """An empty store is false in a condition, and still the one that was given."""
    inner = MemoryStore()
    NamespacedStore("n", inner).put("x", 1)
    assert inner.keys() == ["n::x"]


def test_reads_and_errors_are_those_of_the_inner_store() -> None:
    """get copies, get_shared does not, remove forgives, and errors name the prefixed key."""
    store = NamespacedStore("n")
    value = [1]
    store.put("x", value)
    assert store.get_shared("x", list) is value
    assert store.get("x", list) is not value
    store.remove("absent")
    with pytest.raises(KeyNotFound, match="n::absent"):
        store.get("absent", int)
    with pytest.raises(TypeMismatch):
        store.get("x", str)
    store.put("one", 1)
    with pytest.raises(AppendTypeMismatch):
        store.append("one", 2)


def test_a_namespace_within_a_namespace_is_refused() -> None:
    """Its keys would be seen and cleared by the outer one."""
    with pytest.raises(ValueError, match="holds '::'"):
        NamespacedStore("a::b")
