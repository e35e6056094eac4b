"""The workflow: what is put together, and its runs."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Hashable, Iterable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from cano._interrupts import Interrupts
from cano._run_id import current_path, run_id_of
from cano._text import name_of, shown_text
from cano._trace import ENGINE_CODE, Trail
from cano._turn import bare_yield
from cano.errors import EventLoopMisuse
from cano.ports import SYSTEM_CLOCK, Clock, Event, Observer, seconds
from cano.resilience import CancellationToken
from cano.resources import Resources
from cano.workflow._conduct import conduct
from cano.workflow._definition import Definition
from cano.workflow._drive import drive, outside_of_asyncio
from cano.workflow._guard import Guard
from cano.workflow._hooks import Hooks, hooks_of, joined
from cano.workflow._nested import SubWorkflow, sub_workflow
from cano.workflow._plan import Node, Plan
from cano.workflow._report import RunReport, report_of
from cano.workflow._service import Service
from cano.workflow._stream import EventBuffer, reading
from cano.workflow._trail import TimedPath
from cano.workflow._watch import Watch

S = TypeVar("S", bound=Hashable)
T = TypeVar("T", bound=Hashable)


class Workflow(Definition[S]):
    """States, the task of each, and the exit states; a run goes from a start to an exit.

    States are any hashable values, enum members by preference. Putting together is for one thread; the first run freezes the
    workflow, and from then on any number of runs may overlap, in one event loop after another, and in several at once as
    long as no shared resource has a life cycle.
    """

    @overload
    def __init__(
        self,
        resources: Resources | None = ...,
        *,
        state: type[S],
        name: str | None = ...,
        observers: Iterable[Observer] = ...,
        max_steps: int | None = ...,
        clock: Clock = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: "Workflow[Any]",
        resources: Resources | None = ...,
        *,
        name: str | None = ...,
        observers: Iterable[Observer] = ...,
        max_steps: int | None = ...,
        clock: Clock = ...,
    ) -> None: ...
    def __init__(
        self,
        resources: Resources | None = None,
        *,
        state: type[Any] | None = None,
        name: str | None = None,
        observers: Iterable[Observer] = (),
        max_steps: int | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Begin an empty workflow on these resources.

        ``state`` is the class of the states: states and targets are checked against it. ``name`` is what observers are told, and
        what errors call the workflow where it is a task of another one; by default it is the name of ``state``, else
        ``"workflow"``. ``observers`` watch its runs, in this order. A run that has executed ``max_steps`` tasks and wants another
        one fails; None, no limit. ``clock`` is where the time is read, and what waits go by.

        Raises: TypeError if ``resources`` is no Resources, ``state`` no class, ``name`` no str, ``max_steps`` no int, ``clock`` no
        clock, or if something among ``observers`` is no observer or has a hook that cannot be one; ValueError if ``max_steps`` is
        less than 1.
        """
        super().__init__(resources, state=state, name=name, observers=observers, max_steps=max_steps, clock=clock)
        self._service = Service()

    async def orchestrate(
        self,
        start: S,
        *,
        resources: Mapping[Any, object] | None = None,
        timeout: float | timedelta | None = None,
        token: CancellationToken | None = None,
    ) -> S:
        """Run from ``start`` to an exit state and return that.

        ``resources`` replaces resources for this run only; their life cycle stays the caller's. ``timeout`` (seconds, or a
        timedelta) is for the whole run up to the exit state, set-up included; ``token`` cancels it from any thread. Both are
        looked at at each state boundary, the one before the exit state included, and interrupt what waits; what tears
        resources down is not interrupted by them. Without anything to set up or to watch, a run costs about a microsecond more
        than a loop that awaits the same tasks.

        A cancellation reaches the caller as CancelledError, after all is torn down and what runs in threads has ended. It wins
        over the token, that over the timeout, and both over what a task returns or raises, which is kept as the cause.

        Raises: what a task raises in its last attempt, with a note and a context (:func:`context_of`); RunCancelled, RunTimeout;
        AttemptTimeout; WorkflowInvalid, StateUnknown before anything runs; TargetUndeclared, ResultInvalid, MaxStepsReached; what
        a set-up raises; TeardownFailed after a run that went well; ResourceNotFound, ResourceNotBrought, ResourceTypeMismatch for
        the resources of this run; ResourceInUse, ResourceBroken for shared ones with a life cycle; EventLoopMisuse outside of
        asyncio; TypeError, ValueError for a timeout or a token that is none.
        """
        plan = self._plan or self._freeze(start)
        if plan.simple and resources is None and timeout is None and token is None:
            end = await drive(plan, plan.begun.get(id(start)) or plan.start(start))
        else:
            end = await self._conduct(plan, start, None, resources, timeout, token)
        # A node holds its state as Any; it is one of those that the workflow was built of.
        return end.state  # type: ignore[no-any-return]

    def orchestrate_sync(
        self,
        start: S,
        *,
        resources: Mapping[Any, object] | None = None,
        timeout: float | timedelta | None = None,
        token: CancellationToken | None = None,
    ) -> S:
        """Run in an event loop of its own and return the exit state: :meth:`orchestrate` for scripts, and for threads.

        Raises: EventLoopMisuse inside a running event loop; what :meth:`orchestrate` raises.
        """
        _check_no_loop("orchestrate")
        return asyncio.run(self.orchestrate(start, resources=resources, timeout=timeout, token=token))

    async def run(
        self,
        start: S,
        *,
        resources: Mapping[Any, object] | None = None,
        timeout: float | timedelta | None = None,
        token: CancellationToken | None = None,
    ) -> RunReport[S]:
        """Run as :meth:`orchestrate` does, and return what happened: the exit state, the path with times, the run id.

        Raises: what :meth:`orchestrate` raises.
        """
        plan = self._plan or self._freeze(start)
        began = plan.clock.now()
        trail = Trail()
        timed = TimedPath(plan.clock.now, trail)
        end = await self._conduct(plan, start, timed, resources, timeout, token)
        return report_of(end.state, timed, plan.clock.now() - began, run_id_of(trail))

    def run_sync(
        self,
        start: S,
        *,
        resources: Mapping[Any, object] | None = None,
        timeout: float | timedelta | None = None,
        token: CancellationToken | None = None,
    ) -> RunReport[S]:
        """Run in an event loop of its own and return what happened: :meth:`run` for scripts, and for threads.

        Raises: EventLoopMisuse inside a running event loop; what :meth:`orchestrate` raises.
        """
        _check_no_loop("run")
        return asyncio.run(self.run(start, resources=resources, timeout=timeout, token=token))

    def stream(
        self,
        start: S,
        *,
        resources: Mapping[Any, object] | None = None,
        timeout: float | timedelta | None = None,
        token: CancellationToken | None = None,
        buffer: int = 256,
    ) -> AsyncGenerator[Event, None]:
        """Run as :meth:`orchestrate` does, and iterate over what happens: ``async for event in workflow.stream(start)``.

        Events come in the order of an :class:`Observer`'s hooks, those of sub-workflows among them. The run has an asyncio task of
        its own and goes ahead of the reader: while ``buffer`` events wait to be read it stays where it is, between two states,
        before a retry or before the next branch of a split begins, and that time counts for its ``timeout``, that of the split and
        that of a task that is a sub-workflow. Nothing is ever lost, and what waits is bounded: ``buffer`` events, and on top what
        one state tells, of a split one state of each branch that is under way.

        The run begins with the first read, on the resources as they are then, and there is one reader: who reads or closes it
        meanwhile gets Python's RuntimeError. A read that is cancelled, as ``asyncio.wait_for`` does it, ends the run.

        The last event is RunEnded. After it, a run that failed raises its error here. A reader that leaves early, by
        ``break``, an error or a cancellation, cancels the run, unless it is being torn down already (only a cancellation
        interrupts that), and closing the iterator waits until all is down; to have that happen at once and not when the iterator
        is collected, write ``async with contextlib.aclosing(workflow.stream(...))``. It leaves with its own error, or none: what
        the run raises is logged, unless its RunEnded has been read, and is the cause of a cancelled reader's CancelledError.

        Raises: TypeError, ValueError if ``buffer`` is no number of events; and when it is read, what :meth:`orchestrate` raises,
        what is wrong with the workflow or the other arguments at the first read, before anything runs.
        """
        events = EventBuffer(buffer)
        hooks = hooks_of((events,))

        def begin() -> Coroutine[Any, Any, Node]:
            plan = self._plan or self._freeze(start)  # of what is overridden where it is read, as with orchestrate
            return self._conduct(plan, start, None, resources, timeout, token, hooks)

        return reading(events, begin)

    @overload
    def as_task(self, start: S, *, resources: Mapping[Any, Any] | None = ...) -> SubWorkflow[S]: ...
    @overload
    def as_task(self, start: S, *, to: Mapping[S, T], resources: Mapping[Any, Any] | None = ...) -> SubWorkflow[T]: ...
    @overload
    def as_task(self, start: S, *, to: T, resources: Mapping[Any, Any] | None = ...) -> SubWorkflow[T]: ...
    def as_task(self, start: S, *, to: Any = None, resources: Mapping[Any, Any] | None = None) -> SubWorkflow[Any]:
        """Return a task for another workflow, or a branch for its split, whose attempt is a run of this one from ``start``.

        ``to`` is the state of the other workflow that comes next, or a dict that says so for each exit state; without it, the exit
        state itself is what the task returns. So all exit states are there when this is called.

        The run has the resources of this workflow. What each run must bring, ``per_run(of=...)``, it takes from the workflow
        that it is part of, under the same key and checked like a parameter of a task; ``resources`` names, for this and any other
        key of this workflow, the key there: ``as_task(start, resources={"store": "cart"})`` has under ``"store"`` what is under
        ``"cart"`` around. It holds keys, and no resources: those of one run are what ``orchestrate(resources=...)`` takes.

        It is a run like any other, inside the one around it: in the same asyncio task, cancelled with it, with the token of that
        run; its errors carry both contexts, and the observers and streams of the workflow around see its events, with the id of
        the run around as ``parent_id``.

        It may be put together further until it first runs. Whether it can run, and what it takes is there, is seen when the task is
        registered, and again by ``validate`` of the workflow around and before its first run.

        A workflow can be a task of its own if it could run before it gets that task; else, what it has to do again it runs by
        hand, awaiting ``orchestrate`` in a task. Either goes as deep as Python's recursion limit allows.

        Raises: what :meth:`validate` raises; TaskInvalid if ``to`` leaves out an exit state or names what is none, or names as the
        next state what cannot be one; ResourceNotFound if ``resources`` names a key that this workflow does not have; TypeError if
        it is no dict of keys.
        """
        self.validate(start)
        return sub_workflow(self, start, tuple(self._exits), to, resources)

    async def _run_inside(
        self,
        start: S,
        resources: Mapping[Any, object] | None,
        token: CancellationToken | None,
        hooks: Hooks | None,
    ) -> S:
        """Run as a part of another run, watched by these hooks, too."""
        plan = self._plan or self._freeze(start)
        # Never the plain way: work that a task inside leaves behind has to be known around it.
        end = await self._conduct(plan, start, None, resources, None, token, hooks, inside=True)
        return end.state  # type: ignore[no-any-return]  # as in orchestrate

    async def __aenter__(self) -> Self:
        """Set the shared resources up, and keep them up between runs.

        Raises: WorkflowInvalid; what a set-up raises.
        """
        plan = self._plan or self._freeze(None)
        await self._service.enter(plan.owner)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Tear the shared resources down, or leave that to the last run that is under way.

        Raises: TeardownFailed if the body went well.
        """
        await self._service.leave(error)

    async def _conduct(
        self,
        plan: Plan,
        start: S,
        timed: TimedPath | None,
        resources: Mapping[Any, object] | None,
        timeout: float | timedelta | None,
        token: CancellationToken | None,
        more: Hooks | None = None,
        *,
        inside: bool = False,
    ) -> Node:
        if not (resources is None or isinstance(resources, Mapping)):
            raise TypeError(f"resources of a run is a {name_of(type(resources))}; pass a dict of those that this run replaces")
        if not (token is None or isinstance(token, CancellationToken)):
            raise TypeError(f"token is {shown_text(token)}; pass a CancellationToken")
        limit = None if timeout is None else seconds(timeout, "timeout")
        brought = resources or {}
        plan = plan.variant(frozenset(brought)) if brought or plan.own_recipes else plan
        node = plan.start(start)
        task = asyncio.current_task() if asyncio._get_running_loop() is not None else None
        if task is None:
            raise outside_of_asyncio()
        if task.cancelling():
            await bare_yield()  # what was on its way before the run does not interrupt a set-up
        interrupts = Interrupts(task, task.cancelling())
        trail = Trail() if timed is None else timed.nodes
        token = CancellationToken() if token is None and plan.takes_token else token
        trail.interrupts, trail.token, trail.around = interrupts, token, current_path()
        hooks = plan.hooks if more is None else joined(plan.hooks, more)
        guard = None if limit is None and token is None else Guard(interrupts, token, limit, plan.clock, inside)
        watch: Watch | None = None
        end: Node | None = None
        try:
            if hooks is not None:
                watch = trail.watch = Watch(hooks, trail, plan.name, trail.around, plan.now)
                watch.begin()
            if plan.alone:
                end = await drive(plan, node, None, timed, trail, guard)
            elif not plan.opens:
                plan.check(brought)
                end = await drive(plan, node, plan.resources._view(dict(brought)), timed, trail, guard)
            else:
                end = await conduct(plan, node, timed, trail, guard, brought)
            return end
        except BaseException as error:
            if watch is not None:
                watch.failed = error
            raise
        finally:
            if guard is not None:
                guard.end()
            interrupts.settle()
            interrupts.forget()
            try:
                if watch is not None:
                    watch.end(end)
            finally:
                trail.interrupts, trail.split, trail.watch = None, (None, None), None  # errors in it know the trail
                # An error that leaves here is kept by the task, and leads back here.
                del task, interrupts, trail, guard, timed, watch, hooks, more


def _check_no_loop(name: str) -> None:
    if asyncio._get_running_loop() is not None:
        raise EventLoopMisuse(f"{name}_sync would block the running event loop; write await workflow.{name}(...)")


ENGINE_CODE.update(each.__code__ for each in (Workflow.orchestrate, Workflow.run, Workflow._conduct))
