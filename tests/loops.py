"""The event loops of ``CANO_LOOP``, on which the tests can run instead of asyncio's own.

It holds words with commas between them: ``eager`` (a task begins when it is made), ``uvloop``, ``debug`` (asyncio's debug mode,
which is off otherwise), or ``plain``, which asks for none of these.
"""

import asyncio
import importlib
import sys
import sysconfig
from collections.abc import Callable
from typing import Any

WORDS = ("plain", "eager", "uvloop", "debug")
# Each loop with each kind of task but what runs when nothing is said: asyncio's own loop and tasks, in debug mode.
SETTINGS = ("eager", "uvloop,debug", "uvloop,eager")


def refusal(setting: str) -> str:
    """Say why this Python cannot run a setting; nothing if it can."""
    words = setting.split(",")
    for word in words:
        if word not in WORDS:
            return f"there is no {word!r}, but {', '.join(WORDS)}"
    if "eager" in words and sys.version_info < (3, 12):
        return "eager tasks are new in Python 3.12"
    if "uvloop" in words and sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "uvloop is not tried without a GIL: not each such Python has a wheel of it"
    return ""


def eager_task_factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
    """Do what ``asyncio.eager_task_factory`` does, which in the first releases of 3.13 refuses what uvloop hands over."""
    return asyncio.Task(coro, loop=loop, **{**options, "eager_start": True})


def factory(setting: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """Give what makes the loops of a setting."""
    words = setting.split(",")
    make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if "uvloop" in words:
        make = importlib.import_module("uvloop").new_event_loop  # where nobody asks, it need not be there

    def new_event_loop() -> asyncio.AbstractEventLoop:
        loop = make()
        loop.set_debug("debug" in words)
        if "eager" in words:
            loop.set_task_factory(eager_task_factory)
        return loop

    return new_event_loop


if __name__ == "__main__":
    print(*(setting for setting in SETTINGS if not refusal(setting)))
