"""Where a task runs that names an executor, and what may go there."""

import inspect
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import Enum
from typing import Any

from cano.errors import TaskInvalid
from cano.resilience import CancellationToken
from cano.resources import Resources
from cano.resources.lifecycle import runs_threads
from cano.resources.types import TypeCheck
from cano.store import MemoryStore
from cano.tasks._inject import Parameter, Signature
from cano.tasks._marks import Options

LISTENING = (
    "a thread cannot be stopped, so it has a timeout only if the task looks at a token: give it a parameter "
    "`token: CancellationToken`, and return soon after token.is_cancelled"
)
ABANDONING = (
    "work in another process cannot be stopped, so it has one only with @task(..., abandon=True): then nobody waits for it any "
    "more, it may still finish, and there is no second attempt"
)
_TOKEN = "a CancellationToken"


def option(name: str, key: Any, kind: type) -> Parameter:
    """Return what a task asks for by an option of its decorator, and not by a parameter of its function."""
    return Parameter(name, key, TypeCheck(kind, (kind,)), inspect.Parameter.empty, positional=True, annotated=True, option=True)


@dataclass(frozen=True, slots=True)
class SentSignature(Signature):
    """What a task asks for that runs in an executor, which is one of its parameters."""

    executor: str | Enum = ""
    abandon: bool = False

    def check(self, resources: Resources) -> None:
        """See whether all parameters can be filled, and whether the executor, if it is there already, can run the task.

        Raises: as :meth:`Signature.check`; TaskInvalid.
        """
        Signature.check(self, resources)
        recipe = resources._recipes().get(self.executor)
        kind = type(resources[self.executor]) if recipe is None else recipe.produces
        if kind is not None and kind is not Executor:  # which may be of any kind
            self.check_place(kind, resources)

    def check_place(self, kind: type, resources: Resources) -> None:
        """See whether executors of this class can run the task.

        Raises: TaskInvalid with what to write.
        """
        name = kind.__qualname__
        if runs_threads(kind):
            if self.abandon:
                raise TaskInvalid(self.task, f"abandon=True is for work in another process, and a {name} runs it in this one")
            return
        for where, what in self._left_here(resources):
            raise TaskInvalid(
                self.task,
                f"{where} is {what}, which cannot be sent to another process, as that of a {name} may be; declare "
                '@task(executor=..., inputs="store"), and its parameters are read from the store, and only values are sent'
                f"{'; a timeout there needs abandon=True, and no token' if what == _TOKEN else ''}",
            )

    def _left_here(self, resources: Resources) -> Iterator[tuple[str, str]]:
        """Iterate over the parameters that can be filled only in this process."""
        for signature, each in self.filled(resources):
            if each.option or (not each.required and each.key is not None and each.key not in resources):
                continue
            where = f"parameter {signature.path + each.name!r}"
            asked = [kind for kind in each.check.classes if issubclass(kind, MemoryStore)]
            if each.given is CancellationToken:
                yield where, _TOKEN
            elif each.given is None and each.key is None:
                yield where, "the container of resources"
            elif each.key is not None and (asked or isinstance(dict(resources.items()).get(each.key), MemoryStore)):
                yield where, "a MemoryStore"


def sent(signature: Signature, options: Options, limit: float | None) -> SentSignature:
    """Return what a task asks for with its executor.

    Raises: TaskInvalid for a timeout that no executor could keep.
    """
    if limit is not None and not (options.abandon or signature.takes(CancellationToken)):
        raise TaskInvalid(signature.task, f"{LISTENING}; {ABANDONING}")
    assert options.executor is not None
    parameters = (*signature.parameters, option("executor", options.executor, Executor))
    return SentSignature(signature.task, signature.fn, parameters, executor=options.executor, abandon=options.abandon)
