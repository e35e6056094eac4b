"""How names, types and values are written in a sentence, whatever their own code does."""

import pickle
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from enum import Enum
from typing import Any

_LONGEST = 100  # letters of a name that is compared: the comparison can take the square of it


def did_you_mean(given: str, known: tuple[str, ...]) -> str:
    """End a sentence with the nearest known names, or with nothing if none is near."""
    if len(given) > _LONGEST:
        return ""
    near = get_close_matches(given, [name for name in known if len(name) <= _LONGEST], n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def name_of(form: object) -> str:
    """Name a type or another type form as a reader would write it."""
    if not isinstance(form, type):
        return str(form) if isinstance(form, Spelled) else shown_text(form)
    name, module = _QUALNAME(form), _module_of(form)
    return str(name) if module == "builtins" else f"{module}.{name}"


def short_name(form: object) -> str:
    """Name a type as it is written where it is in scope."""
    return form.__qualname__.rpartition(".")[2] if isinstance(form, type) else str(form)


def label_of(value: object) -> str:
    """Return the label of a state or key: the name of an enum member, else its text.

    Raises: whatever its own code raises.
    """
    name = value.name if isinstance(value, Enum) else None
    return name if isinstance(name, str) else str(value)  # a flag without bits has no name


def label_text(value: object) -> str:
    """Return the label of a state or key, or its class if it has none, whatever its own text does."""
    return _written(label_of, value)


def shown_text(value: object) -> str:
    """Write a value in one short line, whatever its own text does."""
    text = _written(repr if _module_of(type(value)) == "builtins" else label_of, value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def key_text(key: object) -> str:
    """Write a state or a resource key as a reader would write it in code."""
    return _written(lambda value: f"{short_name(type(value))}.{label_of(value)}" if isinstance(value, Enum) else repr(value), key)


def told_apart(value: object, known: Iterable[object], write: Callable[[object], str] = label_text) -> tuple[str, tuple[str, ...]]:
    """Write a value, and the known ones, which it is not among: with their types where the labels would not tell them apart."""
    others = tuple(known)
    text, texts = write(value), tuple(map(label_text, others))
    if label_text(value) in texts:
        text, texts = key_text(value), tuple(map(key_text, others))
    if text in texts:
        text, texts = _full_text(value), tuple(map(_full_text, others))
    return text, tuple(dict.fromkeys(texts))


def _full_text(value: object) -> str:
    kind = name_of(type(value))
    return f"{kind}.{label_text(value)}" if issubclass(type(value), Enum) else f"{kind} {key_text(value)}"


def _written(write: Callable[[object], str], value: object) -> str:
    try:
        return write(value)
    except Exception:  # noqa: BLE001 - its text is the user's code
        return f"<{_QUALNAME(type(value))}>"


_QUALNAME = type.__dict__["__qualname__"].__get__  # a metaclass may say anything, or raise


def _module_of(form: type) -> object:
    return type.__getattribute__(form, "__module__")


class Spelled(str):
    """The text that stands for an object which could not be pickled with its error, such as a class of a function's own."""

    __slots__ = ()


def portable(value: Any) -> Any:
    """Return the value, or, if it would not come back from ``pickle``, what tells the most of it."""
    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # noqa: BLE001 - whatever it is that stands in the way of the pickle
        if isinstance(value, BaseException):
            return RuntimeError(f"{name_of(type(value))}: {shown_message(value)}")
        if type(value) in (tuple, list):
            return type(value)(map(portable, value))
        if type(value) is dict:
            return {portable(key): portable(each) for key, each in value.items()}
        return Spelled(name_of(value))
    return value


def shown_message(error: BaseException) -> str:
    """Write an exception's message, whatever its own text does."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - its text is the user's code
        return "(its text cannot be written)"
