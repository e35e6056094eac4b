"""What the bytes of an input mean: one byte, one choice among words; so each input can be read, and written by hand."""

from collections.abc import Callable, Iterable, Iterator, Sequence


class Choices:
    """Words chosen by bytes. After the last byte the first word of each choice is taken."""

    def __init__(self, data: bytes, tell: Callable[[str], None] | None = None) -> None:
        self.data = data
        self.at = 0
        self.tell = tell

    @property
    def over(self) -> bool:
        """Whether nothing is left to choose by."""
        return self.at >= len(self.data)

    def choose(self, words: Sequence[str]) -> str:
        """Take one of the words."""
        word = words[0 if self.over else self.data[self.at] % len(words)]
        self.at += 1
        if self.tell is not None:
            self.tell(word)
        return word

    def number(self, most: int) -> int:
        """Choose from 0 to ``most``."""
        return int(self.choose([str(number) for number in range(most + 1)]))

    def flag(self) -> bool:
        """Choose no or yes."""
        return self.choose(("no", "yes")) == "yes"


class Written(Choices):
    """The same choices, made by words that were written down; ``made`` are the bytes that choose them."""

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__(b"")
        self.words = list(words)
        self.made = bytearray()

    @property
    def over(self) -> bool:
        return len(self.made) >= len(self.words)

    def choose(self, words: Sequence[str]) -> str:
        if self.over:
            raise ValueError(f"a word is missing after {' '.join(self.words)!r}: one of {' '.join(words)}")
        word = self.words[len(self.made)]
        if word not in words:
            raise ValueError(f"word {len(self.made) + 1}, {word!r}, of {' '.join(self.words)!r} is none of {' '.join(words)}")
        self.made.append(words.index(word))
        return word


def lines_of(text: str) -> Iterator[list[str]]:
    """Give the words of each written input; a ``#`` begins a remark, and punctuation is for the reader alone."""
    for line in text.splitlines():
        words = line.split("#")[0].replace(",", " ").replace(";", " ").split()
        if words:
            yield words
