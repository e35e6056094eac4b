"""The container of resources, looked up by key and type."""

import threading
from collections.abc import Hashable, Iterator, Mapping
from copy import copy
from datetime import timedelta
from enum import Enum
from typing import Any, Self, TypeVar, overload

from cano._text import key_text, name_of
from cano.errors import (
    ResourceDuplicateKey,
    ResourceInUse,
    ResourceInvalid,
    ResourceNotFound,
    ResourceNotMade,
    ResourceTypeMismatch,
)
from cano.ports import SYSTEM_CLOCK, Clock, seconds
from cano.resources._health import HealthStatus
from cano.resources._lifecycle import check_life, has_life
from cano.resources._owner import Owner
from cano.resources._probes import probe_all
from cano.resources._recipes import Recipe
from cano.resources.types import check_of, no_names

T = TypeVar("T")
_MISSING: Any = object()


class Resources:
    """Named dependencies: any object under a ``str`` or ``Enum`` key, looked up by key and type.

    An object is used as it is. If its type has ``setup``, ``teardown`` or ``health``, async or plain, a workflow calls them: in
    the order of insertion before a run, in reverse after it. Recipes (:func:`shared`, :func:`per_run`) make a resource when a
    run needs it; outside a run they cannot be looked up.

    Look-ups are safe from any thread and cost a dict access and an ``isinstance``. Filling is for one thread, and ends when a
    workflow first runs on the container.
    """

    __slots__ = ("_entries", "_frozen", "_owner", "_values")

    def __init__(self, resources: Mapping[Any, object] | None = None, /) -> None:
        """Take the resources of a mapping, in its order.

        Raises: TypeError if it is no mapping; ResourceInvalid as :meth:`insert` does.
        """
        if not (resources is None or isinstance(resources, Mapping)):
            raise TypeError(f"resources is a {name_of(type(resources))}; write Resources({{key: resource, ...}})")
        self._entries: dict[Hashable, object] = {}
        self._values: dict[Hashable, object] = {}
        self._frozen = False
        self._owner: Owner | None = None
        for key, resource in resources.items() if resources is not None else ():
            self.insert(key, resource)

    def insert(self, key: Hashable, resource: object) -> Self:
        """Add a resource and return the container itself.

        Raises: ResourceDuplicateKey if there is one under the key; ResourceInvalid if the key is neither ``str`` nor ``Enum``, the
        type's ``setup``, ``teardown`` or ``health`` takes arguments, or an object with a life cycle is in here already, under
        another key; ResourceInUse once a workflow has run on the container.
        """
        if not isinstance(key, str | Enum):
            raise ResourceInvalid(repr(key), f"a key is a str or an Enum member, not {name_of(type(key))}")
        if self._frozen:
            raise ResourceInUse(f"insert {key_text(key)}", "a workflow has run on these resources; fill them before its first run")
        if key in self._entries:
            raise ResourceDuplicateKey(key, type(self._entries[key]))
        if not isinstance(resource, Recipe):
            check_life(key, resource)
            twins = [each for each, value in self._values.items() if value is resource] if has_life(resource) else ()
            if twins:
                raise ResourceInvalid(key_text(key), f"this very object is resource {key_text(twins[0])}; it would be set up twice")
            self._values[key] = resource
        self._entries[key] = resource
        return self

    @overload
    def get(self, key: Hashable, type: type[T], /) -> T: ...
    @overload
    def get(self, key: Hashable, type: Any = ..., /) -> Any: ...
    def get(self, key: Hashable, type: Any = _MISSING, /) -> Any:
        """Return the resource under the key, the same object every time; with a type, only if it is of that type.

        The type is asked by ``isinstance``, for a generic by its origin; a protocol asks whether its members are there.

        Raises: ResourceNotFound with the nearest keys; ResourceTypeMismatch; TypeError if ``type`` is no type.
        """
        try:
            value = self._values[key]
        except (KeyError, TypeError):
            raise self._not_found(key, None if type is _MISSING else type) from None
        if type is _MISSING:
            return value
        if type.__class__ is not _PLAIN or "_is_protocol" in type.__dict__:
            if not check_of(type, no_names).accepts(value):
                raise ResourceTypeMismatch(key, type, value.__class__)
        elif not isinstance(value, type):
            raise ResourceTypeMismatch(key, type, value.__class__)
        return value

    def __getitem__(self, key: Hashable, /) -> Any:
        """Return the resource under the key, whatever its type.

        Raises: ResourceNotFound.
        """
        return self.get(key)

    def __contains__(self, key: object, /) -> bool:
        """Tell whether there is a resource or a recipe under the key."""
        return isinstance(key, str | Enum) and key in self._entries

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the keys in the order of insertion."""
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        """Count the resources and recipes."""
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<Resources {', '.join(map(key_text, self._entries)) or 'empty'}>"

    def items(self) -> tuple[tuple[Any, object], ...]:
        """Return keys and resources in the order of insertion, recipes that nothing was made of yet left out."""
        return tuple(self._values.items())

    async def check_all_health(self, *, timeout: float | timedelta = 5.0, clock: Clock = SYSTEM_CLOCK) -> dict[Any, HealthStatus]:
        """Ask every resource at once how it is, and return the answers in the order of insertion.

        One whose type has no ``health`` is healthy. One that raises, returns something else than a :class:`HealthStatus` or does
        not answer within ``timeout`` (seconds, or a timedelta) is :class:`Unhealthy`, as is a shared recipe that is not set up;
        ``per_run`` recipes are left out. A plain ``health`` runs in the event loop. Probes that are late or in the way of a
        cancellation are cancelled and awaited. :meth:`HealthStatus.aggregate` turns the answers into one.

        Raises: TypeError, ValueError if ``timeout`` is no duration.
        """
        limit = seconds(timeout, "timeout")
        live = {**self._values, **(self._owner.live() if self._owner is not None else {})}
        known = [key for key, entry in self._entries.items() if key in live or not (isinstance(entry, Recipe) and entry.own)]
        return await probe_all([(key, key in live, live.get(key)) for key in known], limit, clock)

    def _not_found(self, key: Hashable, expected: object) -> ResourceNotFound:
        if key in self:
            return ResourceNotMade(key, expected, tuple(self._entries))
        fitting: tuple[Hashable, ...] = ()
        if expected is not None:
            check = check_of(expected, no_names)
            fitting = () if check.free else tuple(each for each, value in self._values.items() if check.accepts(value))
        return ResourceNotFound(key, expected, tuple(self._entries), fitting)

    # What a workflow needs to know; not for users.

    def _freeze(self) -> Owner | None:
        """End the filling, and return who sets the shared resources up, if any has a life cycle."""
        with _FREEZING:
            if not self._frozen:
                mine = {key: entry for key, entry in self._entries.items() if has_life(entry) and not _own(entry)}
                self._owner = Owner(mine) if mine else None
                self._frozen = True
        return self._owner

    def _recipes(self) -> dict[Hashable, Recipe]:
        return {key: entry for key, entry in self._entries.items() if isinstance(entry, Recipe)}

    def _view(self, values: Mapping[Hashable, object]) -> "Resources":
        """Return the container as one run sees it, with values of its own."""
        view = Resources.__new__(Resources) if type(self) is Resources else copy(self)  # a user's class keeps what it holds
        view._entries = self._entries
        view._values = {**self._values, **values}
        view._frozen = True
        view._owner = self._owner
        return view


_PLAIN = type
_FREEZING = threading.Lock()  # two workflows may share a container, and begin at once


def _own(entry: object) -> bool:
    return isinstance(entry, Recipe) and entry.own
