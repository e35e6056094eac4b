"""What attempts have left behind: work that goes on, and that nobody waits for any more, however deep below them it was begun."""

import asyncio
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Any, Final

from cano._run_id import current_path
from cano._trace import Trail, trail_of

# The attempts in other asyncio tasks than their run's own, of branches above all, that the current code is part of.
_AROUND: ContextVar["Traces | None"] = ContextVar("cano_attempts", default=None)


class Traces:
    """Tells whether work is left behind from now on, until :meth:`end`, by what is begun here, in the asyncio task ``task``.

    In the task of a run there is one attempt at a time, and so the run's own count is that of the attempt. Elsewhere others go on
    beside it, and a context variable, of which all that it begins has a copy, tells what is its own.
    """

    __slots__ = ("_before", "_run", "_token", "around", "left")

    def __init__(self, task: "asyncio.Task[Any] | None") -> None:
        self.left = 0
        self._run: Final = trail_of(task)
        self._token: Token[Traces | None] | None = None
        self.around: Traces | None = None
        if self._run is not None:
            self._before = self._run.left
        else:
            self.around = _AROUND.get()
            self._token = _AROUND.set(self)

    @property
    def found(self) -> bool:
        """True if work was left behind."""
        return self.left > 0 if self._run is None else self._run.left > self._before

    def end(self) -> None:
        """Let what comes now leave no traces here."""
        if self._token is not None:
            with suppress(ValueError):  # thrown away, perhaps in another context than its own
                _AROUND.reset(self._token)


def leave_trace() -> None:
    """Note that work was left behind by the current code, and so by all that it is part of."""
    traces = _AROUND.get()
    while traces is not None:
        traces.left += 1
        traces = traces.around
    run = current_path()
    while type(run) is Trail:
        run.left += 1
        run = run.around
