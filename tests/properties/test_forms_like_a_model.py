"""Random values against random forms: the store says what plain rules say, and what typeguard says where both agree (store 6)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cano.errors import TypeMismatch
from cano.store import Key, MemoryStore
from tests.properties.form_model import VALUES, Base, Color, Level, Row, forms, model, value_of

HARD = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def answer(value: Any, form: Any) -> bool:
    """Ask the store, in each way in which it can be asked, and hold it to one answer."""
    store = MemoryStore({"key": value})
    said: list[Any] = []
    for ask in (
        lambda: store.get_shared("key", form),
        lambda: store.get("key", form),
        lambda: store.get_shared(Key("key", form)),
        lambda: store.put(Key("key", form), value),
    ):
        try:
            ask()
        except TypeMismatch as error:
            found = None if "<" in error.where else error.found  # of the items of a set any may come first
            said.append((found, error.where, error.detail, error.expected is form))
        else:
            said.append(None)
    assert said == [said[0]] * 4
    return said[0] is None


@HARD
@given(st.data())
def test_the_store_answers_as_the_plain_rules_do(data: st.DataObject) -> None:
    """Every form in every nesting has the answer of a model of twenty lines."""
    form = data.draw(forms(shared=False))
    value = data.draw(st.one_of(value_of(form), VALUES))
    assert answer(value, form) is model(value, form), (value, form)


@HARD
@given(st.data())
def test_a_mismatch_points_at_a_part_of_the_class_that_it_names(data: st.DataObject) -> None:
    """The place in the error, read as Python, leads to an object of the class that was found."""
    form = data.draw(forms(shared=False))
    value = data.draw(st.one_of(value_of(form), VALUES))
    try:
        MemoryStore({"key": value}).get_shared("key", form)
    except TypeMismatch as mismatch:
        error = mismatch
    else:
        return
    if "<" not in error.where:  # keys and items of sets have no place that can be written
        names = {"value": value, "Color": Color, "Level": Level}
        assert type(eval(f"value{error.where}", names)) is error.found, (value, form, error)


@HARD
@given(st.data())
def test_typeguard_agrees_where_its_rules_are_the_same(data: st.DataObject) -> None:
    """Another checker, by other people, has the same answers, but for numbers, deques, collections and extra keys of records."""
    typeguard = pytest.importorskip("typeguard")
    form = data.draw(forms(shared=True))
    value = data.draw(st.one_of(value_of(form), VALUES))
    try:
        typeguard.check_type(value, form, collection_check_strategy=typeguard.CollectionCheckStrategy.ALL_ITEMS)
    except typeguard.TypeCheckError:
        agreed = False
    else:
        agreed = True
    assert answer(value, form) is agreed, (value, form)


def test_the_model_can_say_yes_and_no() -> None:
    """The plain rules themselves, by a few examples."""
    assert model([1, True], list[int])
    assert not model([1, "a"], list[int])
    assert model({"name": "a", "kids": [{"name": "b"}]}, Row)
    assert not model({"name": "a", "kids": [{}]}, Row)
    assert model(Base, type[Base])
    assert not model(3, float)
