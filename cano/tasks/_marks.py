"""What decorators say about a task, kept on the function or class itself."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from cano._text import shown_text
from cano.errors import TaskInvalid
from cano.resilience import Retry
from cano.store import Key
from cano.tasks._names import author_of, body_of

MARK = "__cano_task__"  # holds a tuple of Mark, the last decorator's first
UNSAID: Any = object()


@dataclass(slots=True)
class Mark:
    """What a decorator said about a task; ``names`` are local names that its annotations use.

    A mark travels where nobody meant it to: into subclasses, and with the ``__dict__`` that ``functools.wraps`` copies. So it
    keeps the function that it was made for, ``body``. How that is called, ``blocking``, ``executor``, ``abandon``, ``retry`` and
    ``timeout``, is true of it alone; the rest belongs to its annotations, and holds wherever these are read.
    """

    body: Any
    state: type | None = None
    to: Any = UNSAID
    blocking: bool = False
    executor: Any = None
    abandon: bool = False
    inputs: Any = None
    output: Any = None
    retry: Retry | None = None
    timeout: float | None = None
    names: dict[str, object] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as nothing: what it says is of use in this process only, and a predicate or a local name may not pickle."""
        return type(None), ()

    def __deepcopy__(self, _: object) -> "Mark":
        return self

    @property
    def empty(self) -> bool:
        """True if a task without the mark is the same task."""
        plain = self.state is None and self.to is UNSAID and not (self.blocking or self.abandon or self.names)
        return plain and all(each is None for each in (self.executor, self.inputs, self.output, self.retry, self.timeout))

    def annotates(self, fn: Callable[..., Any]) -> bool:
        """Tell whether the annotations of ``fn`` are those of the marked function."""
        return author_of(fn) is author_of(self.body)


def marks_of(subject: Any, fn: Callable[..., Any]) -> list[Mark]:
    """Collect what decorators said about this function, on the task itself or anywhere below it, the nearest first."""
    found = [getattr(each, MARK, None) for each in (subject, fn, body_of(fn), author_of(fn))]
    marks = [mark for each in found if isinstance(each, tuple) for mark in each if isinstance(mark, Mark)]
    return list({id(mark): mark for mark in marks if mark.annotates(fn)}.values())


@dataclass(frozen=True, slots=True)
class Options:
    """Where a task runs, and where its parameters and its value are: what its marks say, taken together.

    ``executor`` and ``inputs`` are keys of resources, ``output`` one of the store that ``inputs`` names, ``to`` the state that
    comes next if there is an ``output``.
    """

    blocking: bool
    executor: str | Enum | None
    abandon: bool
    inputs: str | Enum | None
    output: str | Key[Any] | None
    to: Any


def options_of(task: str, fn: Callable[..., Any], marks: list[Mark]) -> Options:
    """Take together what the marks of a task say.

    Raises: TaskInvalid for what does not go together.
    """
    own = [each for each in marks if each.body is body_of(fn)]
    blocking, abandon = any(each.blocking for each in own), any(each.abandon for each in own)
    executor = next((each.executor for each in own if each.executor is not None), None)
    inputs = next((each.inputs for each in marks if each.inputs is not None), None)
    output = next((each.output for each in marks if each.output is not None), None)
    said = next((each.to for each in marks if each.to is not UNSAID), UNSAID)
    if isinstance(executor, Executor):
        raise TaskInvalid(task, 'executor= is the key of a resource: put it in, Resources({"cpu": ...}), and write executor="cpu"')
    for name, key in (("executor", executor), ("inputs", inputs)):
        if not (key is None or isinstance(key, str | Enum)):
            raise TaskInvalid(task, f"{name}= is {shown_text(key)}; it is the key of a resource, a str or an Enum member")
    if blocking and executor is not None:
        raise TaskInvalid(task, "blocking=True is the event loop's own threads, executor= a resource of yours; say one")
    if abandon and executor is None:
        raise TaskInvalid(task, "abandon=True is for work in another process, by executor=; what runs in this one is waited for")
    if output is not None and not isinstance(output, str | Key):
        raise TaskInvalid(task, f"output= is {shown_text(output)}; it is a key of the store, a str or a Key")
    if output is not None and inputs is None:
        raise TaskInvalid(task, 'output= names a key of the store that inputs= names; write inputs="store", too')
    to = said[0] if isinstance(said, tuple | list) and len(said) == 1 else said
    if output is not None and (to is UNSAID or isinstance(to, tuple | list | set | frozenset)):
        raise TaskInvalid(task, "with output= it returns a value and no state; write to=Stage.NEXT, the one state that comes next")
    return Options(blocking, executor, abandon, inputs, output, to)
