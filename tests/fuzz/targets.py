"""The targets by name, and the inputs that are written for them."""

from collections.abc import Callable
from pathlib import Path

from tests.fuzz import forms, operations
from tests.fuzz.choices import Choices, Written, lines_of

SEEDS = Path(__file__).with_name("seeds")
TARGETS: dict[str, Callable[[Choices], None]] = {"operations": operations.one, "forms": forms.one}


def seeds_of(target: str) -> list[list[str]]:
    """Give the words of each input that is written for a target."""
    return list(lines_of((SEEDS / f"{target}.txt").read_text(encoding="utf-8")))


def bytes_of(target: str, words: list[str]) -> bytes:
    """Give the bytes that choose these words; what the target raises, if it comes to its end with words left, too."""
    written = Written(words)
    TARGETS[target](written)
    if not written.over:
        raise ValueError(f"nothing asked for {' '.join(words[len(written.made) :])!r} of {' '.join(words)!r}")
    return bytes(written.made)
