"""The decorator: checks a task where it is defined, and marks it with what its signature does not say."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar, overload

from cano.errors import TaskInvalid
from cano.tasks._names import body_of, local_names
from cano.tasks._returns import check_state_class
from cano.tasks._spec import MARK, UNSAID, Mark, examine, method_of, reading, task_name

F = TypeVar("F")


@overload
def task(subject: F, /) -> F: ...
@overload
def task(*, state: type | None = ..., to: Any = ..., blocking: bool = ...) -> Callable[[F], F]: ...
def task(subject: Any = None, /, *, state: type | None = None, to: Any = UNSAID, blocking: bool = False) -> Any:
    """Check that a function or a class can be a task, and return the very thing that was given.

    A function is async, or plain with ``blocking=True``: it then runs in a thread of the event loop's default executor, with the
    caller's context variables, and a cancellation waits for it. A class has ``run`` or ``run_bare``, the same way. Parameters
    are filled with the resources of their names, checked against their annotations; ``Annotated[T, key]`` names another key; a
    parameter annotated ``Resources``, and the only one of ``run(self, res)``, gets the container.

    ``to`` names the state or states that may come next, if the return annotation does not; ``state`` is the class of the states,
    and the targets are checked against it. The decorator is needed only for these three, and for annotations that are local to
    a function; any async callable is a task.

    Raises: TaskInvalid with what to write instead; TypeError if ``state`` is no class.
    """
    check_state_class(state)
    if subject is None:
        frame = sys._getframe(1)
        return lambda given: _mark(given, frame, state=state, to=to, blocking=blocking)
    return _mark(subject, sys._getframe(1), state=state, to=to, blocking=blocking)


def _mark(subject: Any, frame: Any, *, state: type | None, to: Any, blocking: bool) -> Any:
    with reading(subject):
        method = method_of(subject)
        mark = Mark(body_of(method), state, to, blocking, local_names(method, frame))
        marks = examine(subject, mark)
        try:
            setattr(subject, MARK, marks)
        except Exception:  # noqa: BLE001 - its __setattr__ is the user's
            if not mark.empty:
                reason = f"a {type(subject).__name__} cannot be marked; decorate the function it is made of"
                raise TaskInvalid(task_name(subject), reason) from None
        return subject
