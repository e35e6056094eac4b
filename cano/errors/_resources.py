"""Errors of resources and of their life cycles."""

from collections.abc import Hashable, Sequence
from typing import Any, Self

from cano._text import did_you_mean, key_text, label_text, name_of, short_name, told_apart
from cano.errors._base import CanoError


class ResourceError(CanoError):
    """A resource could not be found, used or taken down."""

    category = "resource"


class ResourceNotFound(ResourceError, KeyError):
    """There is no resource under ``key``.

    ``known`` are the keys that exist, ``fitting`` those whose resource is of the type ``expected`` (None: no type was asked
    for), ``where`` the task and parameter that asked, if it was one, ``advice`` what else that may have meant, or what to write.
    """

    category = "resource_not_found"

    def __init__(
        self,
        key: Hashable,
        expected: object = None,
        known: tuple[Hashable, ...] = (),
        fitting: tuple[Hashable, ...] = (),
        where: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(key, expected, known, fitting, where, advice)
        self.key = key
        self.expected = expected
        self.known = known
        self.fitting = fitting
        self.where = where
        self.advice = advice

    def __str__(self) -> str:
        text = f"{self.where}: " if self.where else ""
        text += f"no resource {key_text(self.key)}"
        near = did_you_mean(*told_apart(self.key, self.known))
        if self.fitting and self.expected is not None and (self.where or not near):
            other, kind = key_text(self.fitting[0]), short_name(self.expected)
            text += f"; {other} is a `{kind}`"
            if self.advice or not self.where:
                return f"{text}: {self.advice}" if self.advice else text
            what = "field" if "." in self.where.rpartition("(")[2] else "parameter"
            rename = f"rename the {what} or " if isinstance(self.fitting[0], str) else ""
            quoted = other.replace("'", '"')
            return f"{text}: {rename}write `Annotated[{kind}, {quoted}]`"
        text += near or f"; there are {', '.join(map(key_text, self.known)) or 'none'}"
        return f"{text}; {self.advice}" if self.advice else text


class ResourceNotBrought(ResourceNotFound):
    """Each run has to bring the resource under ``key``, of the type ``expected``, and this one did not."""

    def __str__(self) -> str:
        key = key_text(self.key)
        return f"resource {key} is per run and has no recipe; pass resources={{{key}: ...}} with a {name_of(self.expected)}"


class ResourceNotMade(ResourceNotFound):
    """The resource under ``key`` is made by a recipe when a run needs it, and this is not inside such a run."""

    def __str__(self) -> str:
        return (
            f"resource {key_text(self.key)} is a recipe (shared or per_run) and exists only during a run; "
            "a task gets it as a parameter, or from the container that it is given"
        )


class ResourceTypeMismatch(ResourceError, TypeError):
    """The resource under ``key`` is of the class ``found`` and not of the type ``expected``."""

    category = "resource_type_mismatch"

    def __init__(self, key: Hashable, expected: object, found: type, where: str = "") -> None:
        super().__init__(key, expected, found, where)
        self.key = key
        self.expected = expected
        self.found = found
        self.where = where

    def __str__(self) -> str:
        text = f"{self.where}: " if self.where else ""
        return f"{text}resource {key_text(self.key)}: expected {name_of(self.expected)}, found {name_of(self.found)}"


class ResourceDuplicateKey(ResourceError, ValueError):
    """There is a resource of the class ``found`` under ``key`` already."""

    category = "resource_duplicate_key"

    def __init__(self, key: Hashable, found: type) -> None:
        super().__init__(key, found)
        self.key = key
        self.found = found

    def __str__(self) -> str:
        return f"resource {key_text(self.key)} exists already, a {name_of(self.found)}"


class ResourceInvalid(ResourceError, TypeError):
    """What was given cannot be a resource, or its key no key; ``reason`` says why and what to write instead."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason

    def __str__(self) -> str:
        return f"resource {self.key}: {self.reason}"


class ResourceInUse(ResourceError, RuntimeError):
    """``action`` cannot be done while runs use the resources; ``reason`` says what is in the way."""

    def __init__(self, action: str, reason: str) -> None:
        super().__init__(action, reason)
        self.action = action
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.action}: {self.reason}"


class ResourceBroken(ResourceError, RuntimeError):
    """A resource broke down by itself: a shared one while runs used it, or a set-up or teardown with a CancelledError of its own.

    Its own error is the cause. ``key`` names the resource, if that is known.
    """

    def __init__(self, reason: str, key: Hashable = None) -> None:
        super().__init__(reason, key)
        self.reason = reason
        self.key = key

    def __str__(self) -> str:
        return self.reason if self.key is None else f"resource {key_text(self.key)}: {self.reason}"


class TeardownFailed(ResourceError, ExceptionGroup[Exception]):
    """The run ended well, in ``state``, and then resources failed to be torn down; all others were.

    ``state`` is None if it was no run that ended well, but the body of ``async with workflow``.

    A group of the failures, in the order in which they happened; a note on each names the resource.
    """

    category = "teardown_failed"
    state: Any

    def __new__(cls, state: object, failures: Sequence[Exception]) -> Self:
        what = "the body of `async with` ended well" if state is None else f"the run ended well, in {label_text(state)}"
        self = super().__new__(cls, f"{what}, but {len(failures)} teardown(s) failed", failures)
        self.state = state
        return self

    def __init__(self, state: object, failures: Sequence[Exception]) -> None:
        CanoError.__init__(self, state, failures)

    # Typeshed has derive() give a group of any kind, generic in its parts; this one gives its own kind alone.
    def derive(self, excs: Sequence[Exception], /) -> "TeardownFailed":  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return TeardownFailed(self.state, excs)

    def _parts(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.state, self.exceptions), super()._parts()[1]
