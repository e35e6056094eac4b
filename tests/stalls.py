"""The stalls of ``CANO_STALLED=7``, by which tests run as on a busy machine.

Asyncio's own loops, threads and what these hand over wait now and then for some milliseconds before they go on, in this process
and in its forks. A test that counts on how soon something begins, and is red on such a machine once in a thousand runs, is red with
them in one of a few. Another number gives other stalls; the same one gives the same where one thread alone meets them.
"""

import random
import threading
import time
from asyncio import BaseEventLoop
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, thread
from typing import Any

import pytest

SECONDS = (0.002, 0.01, 0.04)
# Before which calls, and how often before each. A loop turns a hundred times as often as a thread begins.
PLACES: tuple[tuple[Any, str, float], ...] = (
    (BaseEventLoop, "_run_once", 0.02),
    (BaseEventLoop, "call_soon_threadsafe", 0.2),
    (Future, "set_exception", 0.2),
    (Future, "set_result", 0.2),
    (thread._WorkItem, "run", 0.2),
    (threading.Event, "set", 0.1),
    (threading.Thread, "run", 0.1),
    (threading.Thread, "start", 0.1),
)


def refusal(setting: str) -> str:
    """Say why a setting is none; nothing if it is one."""
    return "" if setting.isdecimal() else "write a number that seeds the stalls, or 0 for none"


class Stalls:
    """What waits at the places, and how often it has at each."""

    def __init__(self, seed: int, patch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._sleep = time.sleep  # which tests replace
        for kind, name, share in PLACES:
            patch.setattr(kind, name, self._late(f"{kind.__name__}.{name}", getattr(kind, name), share))

    def _late(self, place: str, call: Callable[..., Any], share: float) -> Callable[..., Any]:
        def late(*args: Any, **kwargs: Any) -> Any:
            if self._random.random() < share:
                self.counts[place] += 1
                self._sleep(self._random.choice(SECONDS))
            try:
                return call(*args, **kwargs)
            finally:
                del args, kwargs  # the error's traceback leads here

        return late
