"""The targets of the fuzzer, without one: what is written for it to begin with."""

import pytest

from tests.fuzz.choices import Choices
from tests.fuzz.targets import TARGETS, bytes_of, seeds_of


@pytest.mark.parametrize(("target", "words"), [(target, words) for target in TARGETS for words in seeds_of(target)])
def test_a_written_input_finds_nothing_and_is_read_as_it_is_written(target: str, words: list[str]) -> None:
    """The targets are sound on a store that is, and the bytes of an input choose its very words."""
    data = bytes_of(target, words)
    read: list[str] = []
    TARGETS[target](Choices(data, read.append))
    assert read == words


@pytest.mark.parametrize("target", TARGETS)
def test_any_bytes_are_an_input(target: str) -> None:
    """No byte is one too many or too few."""
    for data in (b"", *(bytes([byte]) * 40 for byte in range(0, 256, 5)), bytes(range(256)), bytes(range(255, -1, -1))):
        TARGETS[target](Choices(data))
