"""The decorator: checks a task where it is defined, and marks it with what its signature does not say."""

import sys
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from typing import Any, ParamSpec, TypeVar, overload

from cano.errors import TaskInvalid
from cano.ports import seconds
from cano.resilience import Retry, check_retry
from cano.store import Key
from cano.tasks._marks import MARK, UNSAID, Mark
from cano.tasks._names import body_of, local_names
from cano.tasks._returns import check_state_class
from cano.tasks._spec import examine, method_of, reading, task_name

F = TypeVar("F")
P = ParamSpec("P")


@overload
def task(subject: F, /) -> F: ...


# What a function with an output returns is a value, and no state, as the checker would ask of a task: so it takes it for anything.
@overload
def task(
    *,
    state: type | None = ...,
    to: Any,
    blocking: bool = ...,
    executor: str | Enum | None = ...,
    abandon: bool = ...,
    inputs: str | Enum,
    output: str | Key[Any],
    retry: Retry | None = ...,
    timeout: float | timedelta | None = ...,
) -> Callable[[Callable[P, Any]], Callable[P, Any]]: ...
@overload
def task(
    *,
    state: type | None = ...,
    to: Any = ...,
    blocking: bool = ...,
    executor: str | Enum | None = ...,
    abandon: bool = ...,
    inputs: str | Enum | None = ...,
    output: None = ...,
    retry: Retry | None = ...,
    timeout: float | timedelta | None = ...,
) -> Callable[[F], F]: ...
def task(
    subject: Any = None,
    /,
    *,
    state: type | None = None,
    to: Any = UNSAID,
    blocking: bool = False,
    executor: str | Enum | None = None,
    abandon: bool = False,
    inputs: str | Enum | None = None,
    output: str | Key[Any] | None = None,
    retry: Retry | None = None,
    timeout: float | timedelta | None = None,
) -> Any:
    """Check that a function or a class can be a task, and return the very thing that was given.

    A function is async, or plain with ``blocking=True``: it then runs in a thread of the event loop's default executor, with the
    caller's context variables, and a cancellation waits for it. A class has ``run`` or ``run_bare``, the same way. Parameters
    are filled with the resources of their names, checked against their annotations; ``Annotated[T, key]`` names another key; a
    parameter annotated ``Resources``, and the only one of ``run(self, res)``, gets the container.

    A parameter without a default that is annotated with a dataclass, and whose key no resource has, gets one that is made: its
    ``__init__`` is called with parameters that are filled the same way, by name and annotation, dataclasses in it, too. It is
    made once, before the first run, and all runs share it; only if a part of it belongs to the run, once for each state of the
    run. So it is best frozen, and what changes is in the resources.

    A plain function may also run in an ``executor``, the key of a resource that is a ``concurrent.futures.Executor``. In a
    ThreadPoolExecutor it runs as a blocking one. Any other may send it to another process: the function goes by its module and
    name, its arguments and its value are pickled, and neither the container nor a store can go there. So for a function that needs
    no store, ``inputs`` is the key of a MemoryStore, from which its parameters are read at each attempt, by name and annotation,
    and ``output`` the key under which its value is put there; the run then goes to the one state of ``to``. ``Annotated[T, key]``
    names another key, and a default counts where the store has none. Both work for any task, wherever it runs.

    ``to`` names the state or states that may come next, if the return annotation does not; ``state`` is the class of the states,
    and the targets are checked against it. ``retry`` says how often a failure is tried again; without it that is never.
    ``timeout`` (seconds, or a timedelta) is for each attempt, from its start: one that takes longer is cancelled when it waits,
    awaited, and fails with AttemptTimeout. A thread cannot be stopped: a blocking task may have one only if it takes a
    CancellationToken, which is then cancelled, and its thread is waited for. Nor can work in another process: it may have one only
    with ``abandon``, by which the engine stops waiting, and the work may still finish. What is said of ``blocking``, ``executor``,
    ``abandon``, ``retry`` and ``timeout`` holds for this very function: a wrapper or an override says its own.

    The decorator is needed only for what it says, and for annotations that are local to a function; any async callable is a task.

    Raises: TaskInvalid with what to write instead; TypeError if ``state`` is no class or ``retry`` no Retry; TypeError, ValueError
    if ``timeout`` is no duration.
    """
    check_state_class(state)
    check_retry(retry)
    limit = None if timeout is None else seconds(timeout, "timeout")
    frame = sys._getframe(1)

    def mark(given: Any) -> Any:
        with reading(given):
            method = method_of(given)
            mark = Mark(
                body=body_of(method),
                state=state,
                to=to,
                blocking=blocking,
                executor=executor,
                abandon=abandon,
                inputs=inputs,
                output=output,
                retry=retry,
                timeout=limit,
                names=local_names(method, frame),
            )
            marks = examine(given, mark)
            try:
                setattr(given, MARK, marks)
            except Exception:  # noqa: BLE001 - its __setattr__ is the user's
                if not mark.empty:
                    reason = f"a {type(given).__name__} cannot be marked; decorate the function it is made of"
                    raise TaskInvalid(task_name(given), reason) from None
            return given

    return mark if subject is None else mark(subject)
