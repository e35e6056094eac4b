"""Functions that workers import by name, and what a test needs to hold one there."""

import asyncio
import functools
import inspect
import multiprocessing
import os
import select
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

from cano._run_id import current_run_id
from cano.ports import SYSTEM_CLOCK, Clock
from cano.resources import Resources
from cano.tasks import task
from cano.workflow import Workflow
from tests.unit.stages import Stage

LONG = 60  # seconds: what takes them hangs, on however busy a machine; less than a test may take


class Passing(ProcessPoolExecutor):
    """A pool of a user's own, whose submit does no more than to pass on."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Pass on."""
        return super().submit(fn, *args, **kwargs)


def process_pool(workers: int = 1, kind: type[ProcessPoolExecutor] = ProcessPoolExecutor) -> ProcessPoolExecutor:
    """Make a pool whose workers are fresh processes: a fork beside threads is what Python warns of."""
    return kind(workers, mp_context=multiprocessing.get_context("spawn"))


def sending(
    fn: Callable[..., Any], executor: object, values: Any, *, clock: Clock = SYSTEM_CLOCK, beside: Any = None, **options: Any
) -> Workflow[Any]:
    """Make a workflow of one pure task, from a store's values to what it puts there under ``out``, with resources ``beside``.

    The mark goes on a ``partial``: the function itself serves many tests.
    """
    subject = functools.partial(fn) if inspect.isfunction(fn) else fn
    marked = task(executor="cpu", inputs="store", output="out", to=Stage.DONE, **options)(subject)
    workflow = Workflow(Resources({**(beside or {}), "store": values, "cpu": executor}), state=Stage, clock=clock)
    return workflow.register(Stage.A, marked).add_exit_state(Stage.DONE)


class Here(Executor):
    """An executor of no library, that makes the call at once, and counts the calls."""

    def __init__(self, reply: Any = None) -> None:
        self.reply = reply
        self.payloads: list[bytes] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call, unless there is a reply already."""
        self.payloads += args
        future: Future[Any] = Future()
        if isinstance(self.reply, BaseException):
            future.set_exception(self.reply)
        else:
            future.set_result(fn(*args, **kwargs) if self.reply is None else self.reply)
        return future


class Boasting(Executor):
    """An executor whose futures say that they are cancelled while their work goes on, as those of a cluster do."""

    def __init__(self) -> None:
        self.begun: list[tuple[Future[Any], Any, tuple[Any, ...]]] = []
        self.shut_down: list[bool] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Begin a call, which goes on until :meth:`end`."""
        future: Future[Any] = Future()
        self.begun.append((future, fn, args))
        return future

    def end(self) -> None:
        """End the oldest call."""
        future, fn, args = self.begun.pop(0)
        result = fn(*args)
        if not future.cancelled():
            future.set_result(result)

    def shutdown(self, wait: bool = True) -> None:  # type: ignore[override]  # as a cluster's: it knows no cancel_futures
        """Write down who waits."""
        self.shut_down.append(wait)


class Held:
    """A call that a test holds in a worker, by two pipes that have a name."""

    def __init__(self, folder: Path) -> None:
        self.entered, self.leave = str(folder / "entered"), str(folder / "leave")
        self._ends = []
        for path in (self.entered, self.leave):
            os.mkfifo(path)
            self._ends.append(os.open(path, os.O_RDWR))  # both ends: to open one alone would wait for the other

    def close(self) -> None:
        """Let go of the pipes; who still reads meets their end."""
        for end in self._ends:
            os.close(end)

    @property
    def values(self) -> dict[str, Any]:
        """What :func:`stay` reads from the store."""
        return {"entered": self.entered, "leave": self.leave}

    async def inside(self) -> int:
        """Wait until a worker is inside, and return which process it is."""
        return int(await asyncio.to_thread(self._pid))

    def _pid(self) -> bytes:
        ready, _, _ = select.select([self._ends[0]], [], [], LONG)
        assert ready, "no worker has begun"
        return os.read(self._ends[0], 100).splitlines()[-1]

    def began(self) -> int:
        """Count the calls that have begun since somebody looked."""
        return os.read(self._ends[0], 1000).count(b"\n") if select.select([self._ends[0]], [], [], 0)[0] else 0

    def let_go(self, times: int = 1) -> None:
        """Let so many calls end, now or when they begin."""
        os.write(self._ends[1], b"." * times)


def stay(entered: str, leave: str, raises: bool = False) -> int:
    """Stay until let go, and return which process it was. No test that fails keeps a worker for longer than it takes to see it."""
    gate = os.open(leave, os.O_RDONLY | os.O_NONBLOCK)  # first: what is let go of when nobody has it open any more is lost
    told = os.open(entered, os.O_RDWR)
    os.write(told, f"{os.getpid()}\n".encode())
    assert select.select([gate], [], [], LONG)[0], "nobody has let go"
    os.read(gate, 1)
    os.close(gate)
    os.close(told)
    if raises:
        raise ValueError("late")
    return os.getpid()


def squares(numbers: list[int], offset: int = 0) -> list[int]:
    """Do what a pure task is there for."""
    return [number * number + offset for number in numbers]


def where() -> Any:
    """Tell which process it is."""
    return os.getpid()


def run_id(word: str) -> tuple[str, str | None]:
    """Tell which run this belongs to, here."""
    return word, current_run_id()


def echo(value: Any) -> Any:
    """Return what it got."""
    return value


def same(one: Any, other: Any) -> Stage:
    """Tell whether two arguments are one object."""
    return Stage.DONE if one is other else Stage.B


def next_stage(number: Any, /, *, word: Any = "none") -> Stage:
    """Go on, from what resources it was given."""
    return Stage.DONE if (number, word) == (7, "seven") else Stage.B


class Scaled:
    """A class task without a store."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def run(self, numbers: list[int]) -> list[int]:
        """Scale."""
        return [number * self.factor for number in numbers]


class Awkward(Exception):
    """An exception whose class wants two arguments, and whose args hold one."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


class Sealed(Exception):
    """An exception that refuses to be pickled."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("sealed")


class Quits(Exception):
    """An exception whose pickling ends the process, if nobody catches that."""

    def __reduce__(self) -> NoReturn:
        raise SystemExit(9)


class Disguised(Exception):
    """An exception that comes back as something else."""

    def __reduce__(self) -> Any:
        return str, ("no exception",)


class Spoiled(Exception):
    """An exception whose attributes do not come back, and whose text raises."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    def __setstate__(self, state: object, /) -> NoReturn:
        raise LookupError("spoiled")


class Unreadable:
    """A value that pickle can write and not read."""

    def __reduce__(self) -> Any:
        return _unreadable, ()


def _unreadable() -> NoReturn:
    raise LookupError("unreadable")


class Unwritable:
    """A value that pickle cannot write."""

    def __reduce__(self) -> NoReturn:
        raise LookupError("unwritable")


def spoiled() -> Spoiled:
    """Make an exception with an attribute."""
    error = Spoiled()
    error.place = "cellar"  # type: ignore[attr-defined]
    return error


def local() -> Exception:
    """Make an exception of a class that nobody can import."""

    class Local(Exception):
        pass

    return Local("here", 5)


RAISED: dict[str, Callable[[], BaseException]] = {
    "value": lambda: ValueError("bad", 7),
    "key": lambda: KeyError("k"),
    "exit": lambda: SystemExit(3),
    "interrupt": KeyboardInterrupt,
    "generator exit": GeneratorExit,
    "stop": lambda: StopIteration(3),
    "awkward": lambda: Awkward("one", "two"),
    "sealed": lambda: Sealed("wax"),
    "quits": Quits,
    "disguised": Disguised,
    "spoiled": spoiled,
    "local": local,
    "group": lambda: ExceptionGroup("two", [ValueError(1), KeyError(2)]),
}


def raises(which: str) -> NoReturn:
    """Raise one of many kinds of exception."""
    raise RAISED[which]()


def raises_from(word: str) -> NoReturn:
    """Raise an exception with a cause, from a function below."""
    try:
        raises("key")
    except KeyError as error:
        raise ValueError(word) from error


RETURNED: dict[str, Callable[[], Any]] = {
    "unreadable": Unreadable,
    "unwritable": Unwritable,
    "generator": lambda: (each for each in "abc"),
    "lambda": lambda: lambda: 1,
}


def returns(which: str) -> Any:
    """Return a value that cannot cross."""
    return RETURNED[which]()


def dies(code: int = 3) -> NoReturn:
    """End the worker, without a word."""
    os._exit(code)


def counted(log: str, fail: bool = False) -> int:
    """Write a line down, and return how many there are; or fail."""
    with open(log, "a", encoding="ascii") as file:
        file.write(".")
    if fail:
        raise ValueError("again")
    return os.path.getsize(log)
