"""The life of shared resources from one set-up to the teardown after it, and the leases of those who use them."""

import asyncio
import threading
from collections.abc import Hashable, Mapping
from contextvars import ContextVar
from types import TracebackType

from cano._interrupts import RESOURCE_BROKE, Interrupts
from cano.errors import ResourceBroken, ResourceInUse

# How many errors of runs a tenancy keeps for the exits of its resources; a service that stays open must not grow.
_KEPT_ERRORS = 16


class Lease:
    """One run's hold on a tenancy; ``interrupts`` is what interrupts that run, None for ``async with``.

    A ``nested`` run was started inside another one, which may wait for it.
    """

    __slots__ = ("interrupts", "nested")

    def __init__(self, interrupts: Interrupts | None, *, nested: bool = False) -> None:
        self.interrupts = interrupts
        self.nested = nested

    @property
    def of_run(self) -> bool:
        """True unless this is the hold of an ``async with``."""
        return self.interrupts is not None

    def interrupt(self) -> None:
        """Cancel the run. Called by the owner: the run's task is suspended inside the run, and the cancel comes out there."""
        if self.interrupts is not None:
            self.interrupts.interrupt(RESOURCE_BROKE)

    def end(self) -> None:
        """Let nothing interrupt who holds it any more; what was sent before is still to be settled."""
        if self.interrupts is not None:
            self.interrupts.end()

    def settle(self) -> bool:
        """Take the cancel back if the run was interrupted for this, and for nothing stronger, and tell whether it was."""
        return self.interrupts is not None and self.interrupts.reason == RESOURCE_BROKE and bool(self.interrupts.settle())


class Tenancy:
    """The life of the shared resources from one set-up to the teardown after it; all of it in one event loop."""

    __slots__ = (
        "blamed",
        "borrowed",
        "broken",
        "closing",
        "earlier",
        "entries",
        "errors",
        "failure",
        "failures",
        "interrupted",
        "leases",
        "loop",
        "me",
        "over",
        "ready",
        "setting_up",
        "task",
        "trace",
        "vacant",
        "values",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, entries: Mapping[Hashable, object], earlier: "tuple[Tenancy, ...]") -> None:
        self.me = object()  # a context that outlives the tenancy must not keep more of it than this
        self.loop = loop
        self.entries = entries
        self.earlier = earlier
        self.borrowed: list[tuple[Tenancy, Lease]] = []
        self.ready = asyncio.Event()
        self.vacant = asyncio.Event()
        self.over = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.leases: set[Lease] = set()
        self.values: dict[Hashable, object] = {}
        self.setting_up = True
        self.interrupted = False
        self.closing = False
        self.broken: ResourceBroken | None = None
        self.blamed: list[ResourceBroken] = []
        self.failure: BaseException | None = None
        self.trace: TracebackType | None = None  # of the failure, as it was before the first run raised it
        self.errors: list[BaseException] = []
        self.failures: list[BaseException] = []

    def lends(self, entries: Mapping[Hashable, object]) -> dict[Hashable, object]:
        """Return those of these resources that are set up here; an object is the same under whatever key."""
        values = self.values.copy()
        objects = {*map(id, values.values())}
        return {
            key: entry if id(entry) in objects else values[key]
            for key, entry in entries.items()
            if id(entry) in objects or (key in values and self.entries[key] is entry)
        }

    def check(self, loop: asyncio.AbstractEventLoop) -> None:
        """Refuse to be used from another event loop.

        Raises: ResourceInUse.
        """
        if self.loop is not loop and not self.loop.is_closed():
            raise ResourceInUse(
                "run",
                "runs in another event loop hold the shared resources, which have a life cycle; "
                "give each loop a workflow of its own, or make them per_run",
            )

    def check_outside(self) -> None:
        """Refuse a run that would wait for the set-up or teardown which it was called from.

        Raises: ResourceInUse.
        """
        if self.me in INSIDE.get() and (self.closing or not self.ready.is_set()):
            raise ResourceInUse(
                "run", "called from the set-up or teardown of these very resources, and each would wait for the other"
            )

    def leave(self, lease: Lease, error: BaseException | None) -> bool:
        """Give a lease back and tell whether it was the last; then the tenancy ends by itself."""
        self.leases.discard(lease)
        if error is not None and len(self.errors) < _KEPT_ERRORS and not any(error is each for each in self.errors):
            self.errors.append(error)
        if self.leases:
            return False
        self.closing = True
        if not (self.vacant.is_set() or self.loop.is_closed()):
            self.vacant.set()
            if self.setting_up:
                self.loop.call_soon(self._interrupt)
        return True

    def _interrupt(self) -> None:
        """End a set-up that nobody waits for any more. A callback of the loop, for then the owner is at an await of the set-up."""
        if self.setting_up and self.task is not None:
            self.interrupted = True
            self.task.cancel()

    def blame(self) -> ResourceBroken:
        """Return what a run raises because a resource broke; its cause may become known only when all runs have left."""
        assert self.broken is not None
        broken = ResourceBroken(*self.broken.args)
        broken.__cause__ = self.broken.__cause__
        if not self.over.is_set():
            self.blamed.append(broken)
        return broken

    def verdict(self) -> BaseException | None:
        """Return what the exits get to see: the error of the one run that failed, a group if several did."""
        if len(self.errors) > 1:
            return BaseExceptionGroup("several runs failed", self.errors)
        return self.errors[0] if self.errors else None


class Kin:
    """The owners of one container: one for each set of overrides under which runs have begun.

    What the tenancy of one has set up, no other sets up again: the later tenancy borrows it from the earlier one. ``lock`` guards
    ``living``, which are in the order in which they began, and the tenancies of the owners. No user's code runs under it.
    """

    __slots__ = ("living", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.living: list[Tenancy] = []

    def up(self, entries: Mapping[Hashable, object]) -> dict[Hashable, object]:
        """Return those of these resources that are set up now."""
        with self.lock:
            living = [each for each in self.living if each.ready.is_set()]
        found: dict[Hashable, object] = {}
        for each in living:
            found.update(each.lends(entries))
        return found

    def begin(self, loop: asyncio.AbstractEventLoop, entries: Mapping[Hashable, object]) -> Tenancy:
        """Begin a tenancy, beside those that have set some of its resources up. The lock is held.

        Raises: ResourceInUse if one of those is in another event loop, or waits for the very code that runs now.
        """
        self.living[:] = [each for each in self.living if not each.loop.is_closed()]
        mine = {*map(id, entries.values())}  # by identity: no __hash__ of a key runs under the lock
        earlier = tuple([each for each in self.living if not mine.isdisjoint(map(id, each.entries.values()))])
        for each in earlier:
            each.check(loop)
            each.check_outside()
        tenancy = Tenancy(loop, entries, earlier)
        self.living.append(tenancy)
        return tenancy

    def end(self, tenancy: Tenancy) -> None:
        """Forget a tenancy that is over. The lock is held."""
        self.living[:] = [each for each in self.living if each is not tenancy]


# The identities of the tenancies whose set-up or teardown the current code belongs to, or has been started in.
INSIDE: ContextVar[tuple[object, ...]] = ContextVar("cano_inside", default=())


async def outlast(event: asyncio.Event) -> asyncio.CancelledError | None:
    """Wait for an event whatever happens; return the first cancellation that came meanwhile."""
    interrupted: asyncio.CancelledError | None = None
    while not event.is_set():
        try:
            await event.wait()
        except asyncio.CancelledError as cancel:
            interrupted = interrupted or cancel.with_traceback(None)  # which would lead here
    return interrupted
