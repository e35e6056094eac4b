"""The id of a run: made when somebody first asks for it, and kept on the path of the run."""

import os
from itertools import takewhile
from typing import Any

from cano._identity import new_run_id
from cano._trace import CURRENT, Trail, Within


class RunId(str):
    """The id of a run that has no Trail, as the first item of its path: a list has no other place for it."""

    __slots__ = ()


def run_id_of(path: list[Any]) -> str:
    """Return the id of the run whose path this is; it is made when somebody first asks for it.

    It may be asked for at any moment: from another thread, or by a finalizer or a signal handler while it is being made. So there
    is no lock: who finds none adds one, in one step with and without a GIL, and of several the one that was there first counts.
    """
    if type(path) is Trail:
        ids = path.ids
        if not ids:
            ids.append(new_run_id())
        return ids[0]
    while True:
        found: RunId | None = None
        for each in path:
            if type(each) is not RunId:
                break
            found = each  # the last one was there first
        if found is not None:
            return found
        path.insert(0, RunId(new_run_id()))


def ids_before(path: list[Any]) -> int:
    """Count the ids at the front of a path: none, one, or as many as were made at once."""
    return sum(1 for _ in takewhile(lambda each: type(each) is RunId, path))


def current_path() -> list[Any] | None:
    """Return the path of the run that the current code belongs to, the innermost one."""
    current = CURRENT.get()
    if type(current) is Within:
        current = current.run
    return current if isinstance(current, list) else None


def current_run_id() -> str | None:
    """Return the id of the run that the current code belongs to, the innermost one; None outside of runs.

    It is kept in a context variable: tasks, branches, blocking tasks in threads, what they start, functions in the workers of an
    executor, and the set-up and teardown of resources that the run has for itself see the id of their run, as errors, reports and
    observers tell it. Shared resources belong to no run, and neither does a process that is forked inside one, be it the worker of
    a pool of yours or what a task forks by hand: it may outlive the run, and do the work of others. It may be asked anywhere, in a
    finalizer or a signal handler, too. It costs some tenths of a microsecond, and about one the first time in a run.
    """
    path = current_path()
    return None if path is None else run_id_of(path)


def _leave_run() -> None:
    CURRENT.set(None)


os.register_at_fork(after_in_child=_leave_run)
