"""A split as it was registered: its branches, and how they are joined."""

import functools
from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cano._text import shown_text
from cano._trace import ENGINE_CODE
from cano.ports import Clock, seconds
from cano.resources import Resources
from cano.tasks import Call, Returns, Signature, TaskSpec
from cano.workflow._branch import AnyTask, Branch
from cano.workflow._join import Join, Strategy
from cano.workflow._split_run import SplitRun


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """A split, read once when it is registered."""

    branches: tuple[TaskSpec, ...]
    returns: Returns
    join: Join
    limit: float | None
    bulkhead: int | None

    @property
    def name(self) -> str:
        """The names of the branches, of many the first two."""
        names = self.branch_names
        more = f", {len(names) - 2} more" if len(names) > 3 else ""
        return f"split of {', '.join(names[:2] if more else names) or 'nothing'}{more}"

    @property
    def splits(self) -> bool:
        """True: it is a split."""
        return True

    @property
    def tries(self) -> bool:
        """False: a split is made once, and what its branches leave behind is told to what is around it."""
        return False

    @property
    def branch_names(self) -> tuple[str, ...]:
        """The names of the tasks that are its branches."""
        return tuple([each.name for each in self.branches])

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """What the branches ask for."""
        return tuple(each.signature for each in self.branches)

    def binder(self, resources: Resources, mine: Set[Hashable], clock: Clock) -> Callable[[Resources], Call]:
        """Return what makes, for the resources of a run, the call without arguments that returns the join state."""
        binders = [each.binder(resources, mine, clock) for each in self.branches]
        names = self.branch_names

        def bound(own: Resources) -> Call:
            calls = tuple([bind(own) for bind in binders])
            return functools.partial(_run, self, names, calls, clock)

        return bound


async def _run(spec: SplitSpec, names: tuple[str, ...], calls: tuple[Call, ...], clock: Clock) -> Any:
    assert spec.returns.targets is not None
    (to,) = spec.returns.targets
    run = SplitRun(names, calls, join=spec.join, clock=clock, limit=spec.limit, bulkhead=spec.bulkhead)
    try:
        await run.run()
        return to
    finally:
        del run  # an error's traceback leads here


def split_spec(
    label: str,
    branches: Iterable[Branch | AnyTask],
    to: Any,
    join: Join | None,
    timeout: float | timedelta | None,
    bulkhead: int | None,
) -> SplitSpec:
    """Read a split.

    Raises: what reading a branch raises; TypeError, ValueError for what is none of what it should be.
    """
    join = Join.all() if join is None else join
    if not isinstance(join, Join):
        raise TypeError(f"join is {shown_text(join)}; write Join.all(), Join.any(), Join.quorum(2), ...")
    if isinstance(branches, str | bytes | Mapping) or not hasattr(type(branches), "__iter__"):
        raise TypeError(f"branches is {shown_text(branches)}; pass a list of tasks")
    if bulkhead is not None and type(bulkhead) is not int:
        raise TypeError(f"bulkhead is {shown_text(bulkhead)}; it counts branches and is an int, or None for all at once")
    if bulkhead is not None and bulkhead < 1:
        raise ValueError(f"bulkhead is {bulkhead}; at least one branch has to run at a time")
    limit = None if timeout is None else seconds(timeout, "timeout")
    if limit is None and join.strategy is Strategy.PARTIAL_TIMEOUT:
        raise ValueError(f"{join!r} takes what has ended when time is up; give the split a timeout")
    specs = tuple([each.spec if isinstance(each, Branch) else Branch(each).spec for each in branches])
    if join.needed(len(specs)) > len(specs):
        raise ValueError(f"split {label} has {len(specs)} branches, and {join!r} can never be satisfied by so few")
    return SplitSpec(specs, Returns((to,)), join, limit, bulkhead)


ENGINE_CODE.add(_run.__code__)
