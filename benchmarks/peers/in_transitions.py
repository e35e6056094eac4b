"""The job in transitions: a model in a machine of ordered states, whose work is done as a state is entered.

One machine holds all models, as its documentation has it for those that come and go. To take one in gives it a method for each
trigger and state, so a model that is used again is measured beside one for each run.
"""

from collections.abc import Callable
from typing import Any

from transitions import Machine
from transitions.extensions.asyncio import AsyncMachine

from benchmarks.peers.job import Run, SyncRun, Wait

STATES = ["ready", "ingest", "transform", "load"]


class AsyncModel:
    """What a run holds; the machine finds the methods by their names, and adds ``next_state``."""

    next_state: Any

    def __init__(self, number: int, wait: Wait) -> None:
        self.number = number
        self.pause = wait

    async def on_enter_ingest(self) -> None:
        """Do the work of the first state."""
        self.number = self.number + 1

    async def on_enter_transform(self) -> None:
        """Do the work of the second state, having waited if that is asked for."""
        if self.pause is not None:
            await self.pause()
        self.number = self.number * 2

    async def on_enter_load(self) -> None:
        """Do the work of the third state."""
        self.number = self.number - 3


class Model:
    """The same without coroutines."""

    next_state: Any

    def __init__(self, number: int) -> None:
        self.number = number

    def on_enter_ingest(self) -> None:
        """Do the work of the first state."""
        self.number = self.number + 1

    def on_enter_transform(self) -> None:
        """Do the work of the second state."""
        self.number = self.number * 2

    def on_enter_load(self) -> None:
        """Do the work of the third state."""
        self.number = self.number - 3


def machine(kind: Any) -> Any:
    """Make a machine without a model."""
    made = kind(model=None, states=STATES, initial="ready")
    made.add_ordered_transitions(loop=False)
    return made


def build(wait: Wait) -> Run:
    """Make runs that each have a model of their own."""
    jobs = machine(AsyncMachine)

    async def run(number: int) -> int:
        model = AsyncModel(number, wait)
        jobs.add_model(model)
        await model.next_state()
        await model.next_state()
        await model.next_state()
        jobs.remove_model(model)
        return model.number

    return run


def build_shared(wait: Wait) -> Run:
    """Make runs of one model, which is set back before each."""
    jobs = machine(AsyncMachine)
    model = AsyncModel(0, wait)
    jobs.add_model(model)

    async def run(number: int) -> int:
        jobs.set_state("ready", model)
        model.number = number
        await model.next_state()
        await model.next_state()
        await model.next_state()
        return model.number

    return run


def build_sync() -> SyncRun:
    """Make runs without coroutines, each with a model of its own."""
    jobs = machine(Machine)

    def run(number: int) -> int:
        model = Model(number)
        jobs.add_model(model)
        model.next_state()
        model.next_state()
        model.next_state()
        jobs.remove_model(model)
        return model.number

    return run


def build_held() -> tuple[Callable[[int], Any], Callable[[Any], int]]:
    """Make the two halves of a run: one that leaves a model in its second state, and one that takes it from there to the end.

    This is how a run waits here without coroutines: it is an object, and whoever holds it calls it again.
    """
    jobs = machine(Machine)

    def begin(number: int) -> Any:
        model = Model(number)
        jobs.add_model(model)
        model.next_state()
        model.next_state()
        return model

    def end(model: Any) -> int:
        model.next_state()
        jobs.remove_model(model)
        number: int = model.number
        return number

    return begin, end


def build_sync_shared() -> SyncRun:
    """Make runs without coroutines, all of one model."""
    jobs = machine(Machine)
    model = Model(0)
    jobs.add_model(model)

    def run(number: int) -> int:
        jobs.set_state("ready", model)
        model.number = number
        model.next_state()
        model.next_state()
        model.next_state()
        return model.number

    return run
