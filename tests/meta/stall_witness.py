"""What test_stalls.py runs with stalls and without: it goes by each place often, and says how many stalls each has had."""

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from tests.stalls import PLACES, Stalls

OFTEN = 200


async def test_loops() -> None:
    for _ in range(5 * OFTEN):
        await asyncio.sleep(0)
    for _ in range(OFTEN):
        asyncio.get_running_loop().call_soon_threadsafe(int)


def test_futures() -> None:
    for _ in range(OFTEN):
        Future[None]().set_result(None)
        Future[None]().set_exception(ValueError())


def test_threads() -> None:
    for _ in range(OFTEN):
        threading.Event().set()
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()


def test_pools() -> None:
    with ThreadPoolExecutor(1) as pool:
        for _ in range(OFTEN):
            pool.submit(int).result()


def test_that_says_it(stalled: Stalls | None) -> None:
    for kind, name, _ in PLACES:
        place = f"{kind.__name__}.{name}"
        as_it_was = getattr(kind, name).__module__ != Stalls.__module__
        print(f"\n{place}: {'never' if as_it_was else stalled and stalled.counts[place]}")
