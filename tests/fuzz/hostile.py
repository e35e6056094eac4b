"""Values and types whose own code uses the store in the middle of its operations."""

import copy
from collections.abc import Callable
from typing import Any, ClassVar
from weakref import ref

from tests.properties.test_store_machine import StoreMachine

QUIET = "quiet"  # a key that no step names, so that what the model says of all others stays true


class Disturbed(StoreMachine):
    """The state machine, whose values may use its store at any moment; ``faults`` is what went wrong in them."""

    def __init__(self) -> None:
        super().__init__()
        self.begin({})
        self.faults: list[BaseException] = []
        self.busy = False
        self.landing: dict[str, Any] = {}  # what is put at one moment, so that whoever sees some of it sees all of it

    def disturb(self) -> None:
        """Read, and write to a key of its own, out of whatever operation is going on."""
        if self.busy or not self.handles:
            return
        self.busy = True
        try:
            there = self.handles[0].snapshot()
            assert all(there.get(key) is value for key, value in self.landing.items())
            del there
            self.append(0, QUIET, 1, False)
            self.get_shared(0, QUIET, list, True, False)
            if len(self.model[QUIET]) > 3:
                self.remove(0, QUIET)
            assert len(self.handles[0]) == len(self.handles[0].snapshot())
        except BaseException as error:  # noqa: BLE001 a finalizer has nobody else to tell
            self.faults.append(error)
        finally:
            self.busy = False


class Spy(list[Any]):
    """A list that uses the store when it dies."""

    machine: Callable[[], Disturbed | None]

    def __del__(self) -> None:
        machine = self.machine() if "machine" in self.__dict__ else None
        if machine is not None:
            machine.disturb()


class Writer(Spy):
    """A list that uses the store when it is copied, too."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Writer":
        machine = self.machine()
        if machine is not None:
            machine.disturb()
        copied = Writer(copy.deepcopy(list(self), memo))
        copied.machine = self.machine
        return copied


class Turncoat(list[Any]):
    """A list whose copy is none."""

    def __deepcopy__(self, memo: object) -> str:
        return "turned"


class Asks(type):
    """A class that takes the first value that it is asked about, and does something then; later ones it takes if it is told so."""

    act: ClassVar[list[Callable[[], None]]] = []
    later: ClassVar[bool] = True

    def __instancecheck__(cls, value: object) -> bool:
        if not cls.act:
            return cls.later
        cls.act.pop()()
        return True


class Asked(metaclass=Asks):
    """Whatever is looked at."""


def watching(kind: type[Spy], machine: Disturbed) -> Spy:
    """Make a value that knows its store."""
    made = kind([1])
    made.machine = ref(machine)
    return made
