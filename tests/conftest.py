"""What all tests share."""

import asyncio
import copyreg
import gc
import os
import sys
import sysconfig
import weakref
from collections import deque
from collections.abc import Iterator
from multiprocessing import resource_tracker
from typing import Any

import pytest

from cano.workflow import _definition
from tests import loops, observed, stalls

LOOP = os.environ.get("CANO_LOOP", "")
OBSERVED = os.environ.get("CANO_OBSERVED", "")
STALLED = os.environ.get("CANO_STALLED", "") or "0"


def pytest_configure() -> None:
    """Refuse a setting that this Python cannot run."""
    if LOOP and (why := loops.refusal(LOOP)):
        raise pytest.UsageError(f"CANO_LOOP={LOOP}: {why}")
    if why := observed.refusal(OBSERVED):
        raise pytest.UsageError(f"CANO_OBSERVED={OBSERVED}: {why}")
    if why := stalls.refusal(STALLED):
        raise pytest.UsageError(f"CANO_STALLED={STALLED}: {why}")


def pytest_report_header() -> list[str]:
    """Say which setting runs."""
    settings = {f"event loop: {LOOP}": LOOP, "each workflow has an observer": OBSERVED == "1", f"stalls by {STALLED}": int(STALLED)}
    return [line for line, is_set in settings.items() if is_set]


@pytest.fixture(autouse=True, scope="session")
def loops_of_the_setting() -> Iterator[None]:
    """Every loop is made as ``CANO_LOOP`` says: anyio's, and those of ``asyncio.run`` in tests and in the library.

    ``asyncio.Runner``, by which all three go, looks the function up anew each time. A policy would reach as far, but to set one is
    deprecated from 3.14 on; a ``loop_factory`` reaches only the call that it is given to.
    """
    with pytest.MonkeyPatch.context() as patch:
        if LOOP:
            new_event_loop = loops.factory(LOOP)
            patch.setattr(asyncio, "new_event_loop", new_event_loop)
            patch.setattr(asyncio.events, "new_event_loop", new_event_loop)
        yield


@pytest.fixture(autouse=True, scope="session")
def stalled() -> Iterator[stalls.Stalls | None]:
    """With ``CANO_STALLED=7``, what waits for threads and loops waits now and then for longer."""
    with pytest.MonkeyPatch.context() as patch:
        yield stalls.Stalls(int(STALLED), patch) if int(STALLED) else None


@pytest.fixture(autouse=True, scope="session")
def witness() -> Iterator[observed.Witness | None]:
    """With ``CANO_OBSERVED=1``, each workflow gets one more observer, this one."""
    with pytest.MonkeyPatch.context() as patch:
        seeing = observed.Witness() if OBSERVED == "1" else None
        if seeing is not None:
            patch.setattr(_definition, "check_observers", seeing.given)
        yield seeing


@pytest.fixture(autouse=True)
def observed_rightly(witness: observed.Witness | None, request: pytest.FixtureRequest) -> Iterator[None]:
    """It fails a test whose runs have told it something wrong, and is not there in one that is marked as ``unobserved``."""
    if witness is not None:
        witness.idle = request.node.get_closest_marker("unobserved") is not None
    yield
    assert witness is None or witness.close() == []


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Async tests run on asyncio, in its debug mode: never awaited coroutines and calls from a wrong thread are errors.

    With ``CANO_LOOP``, its loops are in the mode that this names.
    """
    return "asyncio", {"debug": None if LOOP else True}


@pytest.fixture(autouse=True, scope="session")
def semaphores_may_die_at_any_time() -> Iterator[None]:
    """What dies while Python's tracker of semaphores is at work in the same thread is told to it afterwards.

    Whatever ends a pool tells the tracker of its semaphores: a collection, or without a GIL the thread that owns what another one
    was the last to hold. Amid another pool's start this is a call inside a call. CPython before gh-131788 answers it with a
    warning; since then it does as is done here.
    """
    tracker: Any = resource_tracker._resource_tracker
    if hasattr(tracker, "_reentrant_messages"):
        yield
        return
    send, waiting = tracker._send, deque[tuple[str, str, str]]()

    def in_turn(command: str, name: str, kind: str) -> None:
        waiting.append((command, name, kind))
        while waiting and not tracker._lock._recursion_count():
            try:
                message = waiting.popleft()
            except IndexError:  # another thread, or what died meanwhile, took the last one
                return
            send(*message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracker, "_send", in_turn)
        yield


@pytest.fixture(autouse=True, scope="module")
def exceptions_copied_as_python_does() -> None:
    """What dask imports has exceptions copied in a way of its own, by which a copy shares its notes and arguments."""
    for kind, reduce in list(copyreg.dispatch_table.items()):
        if getattr(reduce, "__module__", "").partition(".")[0] == "tblib":
            del copyreg.dispatch_table[kind]


@pytest.fixture(autouse=True, scope="module")
def only_young_objects() -> None:
    """Thousands of tests and their reports are not looked at by each collection: hundreds of tests ask for a whole one."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def mortal_classes() -> None:
    """Classes die: CPython 3.13 without a GIL keeps them for ever once there has been a second thread."""
    gone = weakref.ref(type("Once", (), {}))
    gc.collect()
    if gone() is not None:
        pytest.skip("this interpreter lets no class die any more")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put those who need classes to die before all who start threads."""
    items.sort(key=lambda item: "mortal_classes" not in getattr(item, "fixturenames", ()))


FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def gil_is_on() -> bool:
    """Tell whether there is a GIL: a free-threaded build starts without, and a module that was not built for it brings it back."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """On a free-threaded build, what has run with the GIL does not count as tested."""
    if FREE_THREADED and gil_is_on():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in which state a free-threaded build ends its tests."""
    if FREE_THREADED and gil_is_on():
        terminalreporter.write_line("GIL: on at the end of the session: nothing was tested without it", red=True)
    elif FREE_THREADED:
        terminalreporter.write_line("GIL: off at the end of the session")
