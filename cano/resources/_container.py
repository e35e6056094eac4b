"""The container of resources, looked up by key and type."""

import threading
from collections.abc import Hashable, Iterator, Mapping
from copy import copy
from datetime import timedelta
from enum import Enum
from typing import Any, Self, TypeVar, overload
from weakref import WeakValueDictionary

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
from cano.resources._override import Layer, Override, Planned
from cano.resources._owner import Owner
from cano.resources._probes import probe_all
from cano.resources._recipes import Recipe
from cano.resources._tenancy import Kin
from cano.resources.types import check_of, no_names

T = TypeVar("T")
_MISSING: Any = object()


class Resources:
    """Named dependencies: any object under a ``str`` or ``Enum`` key, looked up by key and type.

    An object is used as it is. If its type has ``setup``, ``teardown`` or ``health``, async or plain, a workflow calls them: in
    the order of insertion before a run, in reverse after it. Recipes (:func:`shared`, :func:`per_run`) make a resource when a
    run needs it; outside a run they cannot be looked up.

    Look-ups are safe from any thread and cost a dict access and an ``isinstance``. Filling is for one thread, and ends when a
    workflow first runs on the container. Tests replace resources for a while, with :meth:`override`.
    """

    __slots__ = ("_entries", "_frozen", "_kin", "_layers", "_owner", "_values", "_whole", "_workflows")

    def __init__(self, resources: Mapping[Any, object] | None = None, /) -> None:
        """Take the resources of a mapping, in its order.

        Raises: TypeError if it is no mapping; ResourceInvalid as :meth:`insert` does.
        """
        if not (resources is None or isinstance(resources, Mapping)):
            raise TypeError(f"resources is a {name_of(type(resources))}; write Resources({{key: resource, ...}})")
        self._layers: list[Layer] = [Layer({})]
        self._entries = self._layers[0].entries  # of the layer on top, as are the values
        self._values = self._layers[0].values
        self._frozen = False
        self._owner: Owner | None = None  # of a view; a container has one for each layer
        self._kin: Kin | None = None
        self._workflows: WeakValueDictionary[int, Planned] | None = None
        self._whole: Resources | None = None
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
        self._check(key, resource, *(layer.entries for layer in self._layers))
        lowest = self._layers[0]
        if not isinstance(resource, Recipe):
            lowest.values[key] = resource
        lowest.entries[key] = resource
        if len(self._layers) > 1:
            with _FREEZING:
                self._lay(1)
        return self

    def override(self, replacements: Mapping[Any, object], /) -> Override:
        """Return a block, ``with resources.override({key: replacement}): ...``, in which tests run with replacements.

        In the block a replacement, a resource or a recipe, is all there is under its key: look-ups find it, and runs that begin
        in the block use it, and set it up and tear it down if it has a life cycle, in the place of the original, which is left
        alone. What is not replaced is shared with the runs outside, and set up once for both. Runs that began before the block
        keep what their parameters were filled with, and runs that began in it do so after its end; a task that asks the container
        itself finds what holds at that moment. ``orchestrate(resources=...)`` wins over the block, for its run; what a workflow
        takes from the one that it is a task of does not.

        Blocks nest, the inner one wins, and each ends with its own replacements only; all ends with the block, also when its body
        raises. It works before and after the first run. It changes the container for all its workflows, tasks and threads at
        once, not for the current task: it is meant for tests, one at a time. Nothing is paid for it outside of a block, but that
        workflows make new plans in it.

        Raises: TypeError if ``replacements`` is no mapping; when the block begins, ResourceNotFound for a key that is not in the
        container; ResourceInvalid as :meth:`insert` does; ResourceInUse inside a task, on the container of one run. The type is
        checked when a workflow first runs in the block: ResourceTypeMismatch names the task and its parameter.
        """
        if not isinstance(replacements, Mapping):
            raise TypeError(f"replacements is a {name_of(type(replacements))}; write resources.override({{key: replacement, ...}})")
        return Override(lambda: self._begin(replacements), self._end)

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
        live = {**self._values, **(self._kin.up(self._entries) if self._kin is not None else {})}
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

    def _check(self, key: Hashable, resource: object, *beside: Mapping[Hashable, object]) -> None:
        """Refuse what cannot be a resource under the key, beside each of these sets of others."""
        if isinstance(resource, Recipe):
            return
        check_life(key, resource)
        if has_life(resource):
            twins = [each for entries in beside for each, entry in entries.items() if entry is resource and each is not key]
            if twins:
                raise ResourceInvalid(key_text(key), f"this very object is resource {key_text(twins[0])}; it would be set up twice")

    def _begin(self, replacements: Mapping[Any, object]) -> Layer:
        if not self._layers:
            raise ResourceInUse("override", "this is the container as one run sees it; override the resources of the workflow")
        keys = {key: key for key in self._entries}
        for key in replacements:
            if key not in self:
                raise ResourceNotFound(key, None, tuple(keys), (), "override")
        layer = Layer({keys[key]: replacement for key, replacement in replacements.items()})
        entries = {**self._entries, **layer.replacements}
        for key, replacement in layer.replacements.items():
            self._check(key, replacement, entries)
        with _FREEZING:
            workflows = self._planned()
            self._layers[-1].keep(workflows)
            self._layers.append(layer)
            self._lay(len(self._layers) - 1)
        del workflows  # not before: with the last reference to a workflow its tasks may go, and run code of their own
        return layer

    def _end(self, layer: Layer) -> None:
        with _FREEZING:
            workflows = self._planned()
            self._layers[-1].keep(workflows)
            depth = next(depth for depth, each in enumerate(self._layers) if each is layer)
            del self._layers[depth]
            self._lay(depth)
            workflows += self._layers[-1].give_back()
        del workflows

    def _lay(self, depth: int) -> None:
        """Put the layers from this one upwards anew on what is below, and show the one on top. The lock is held."""
        for below, above in zip(self._layers[depth - 1 :], self._layers[depth:], strict=False):
            above.put_on(below)
        self._entries, self._values = self._layers[-1].entries, self._layers[-1].values

    def _planned(self) -> list[Planned]:
        return list(self._workflows.values()) if self._workflows is not None else []

    # What a workflow needs to know; not for users.

    def _freeze(self) -> "Resources":
        """End the filling, and return what runs that begin now have, whatever is overridden later.

        Its ``_owner`` is who sets the shared resources up, if any has a life cycle.
        """
        if not self._layers:
            return self  # it is such a view
        layer, lowest = self._layers[-1], self._layers[0]
        mine = {key: entry for key, entry in layer.entries.items() if has_life(entry) and not _own(entry)}
        with _FREEZING:
            if not layer.settled:
                self._kin = self._kin or Kin()
                layer.owner = Owner(mine, self._kin) if mine else None
                layer.settled = self._frozen = True
        view = Resources() if layer is lowest else self._view({})
        view._entries, view._values, view._owner = layer.entries, layer.values, layer.owner
        view._frozen, view._layers = True, []
        view._whole = self if layer is lowest else None
        return view

    def _adopt(self, workflow: Planned, plan: Any, seen: "Resources") -> None:
        """Give a workflow its plan, which was made of that view; unless an override has begun or ended since."""
        with _FREEZING:
            if seen._entries is self._entries:
                workflow._plan = plan
                self._workflows = self._workflows if self._workflows is not None else WeakValueDictionary()
                self._workflows[id(workflow)] = workflow

    def _overridden(self) -> frozenset[Hashable]:
        """Return the keys that are replaced now."""
        return frozenset().union(*(layer.replacements for layer in self._layers[1:]))

    def _recipes(self) -> dict[Hashable, Recipe]:
        return {key: entry for key, entry in self._entries.items() if isinstance(entry, Recipe)}

    def _shown(self) -> "Resources":
        """Return the container that a task gets: the very one that was filled, unless the run sees another."""
        return self if self._whole is None else self._whole

    def _view(self, values: Mapping[Hashable, object]) -> "Resources":
        """Return the container as one run sees it, with values of its own."""
        whole = self._shown()
        view = Resources.__new__(Resources) if type(whole) is Resources else copy(whole)  # a user's class keeps what it holds
        view._entries = self._entries
        view._values = {**self._values, **values}
        view._frozen = True
        view._owner = self._owner
        view._layers, view._kin, view._workflows, view._whole = [], None, None, None
        return view


_PLAIN = type
# Two workflows may share a container, and begin at once. Under the lock runs no code of a resource.
_FREEZING = threading.Lock()


def _own(entry: object) -> bool:
    return isinstance(entry, Recipe) and entry.own
