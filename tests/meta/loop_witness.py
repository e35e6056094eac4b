"""What test_loops.py runs on each event loop: for each way by which a test comes to a loop, a line that says what loop that is."""

import asyncio
import threading
from enum import Enum, auto

from cano import Workflow, task


class Stage(Enum):
    START = auto()
    END = auto()


async def say(way: str) -> None:
    begun = []

    async def begin() -> None:
        begun.append(way)

    loop = asyncio.get_running_loop()
    made = asyncio.create_task(begin())
    kind = "eager" if begun else "lazy"
    await made
    print(f"\n{way}: {type(loop).__module__.partition('.')[0]} {kind} {'debug' if loop.get_debug() else 'quiet'}")


def workflow_that_says(way: str) -> Workflow[Stage]:
    @task(to=Stage.END)
    async def step() -> Stage:
        await say(way)
        return Stage.END

    return Workflow(state=Stage).register(Stage.START, step).add_exit_state(Stage.END)


async def test_that_is_a_coroutine() -> None:
    await say("coroutine")


def test_that_calls_run() -> None:
    asyncio.run(say("run"))


def test_that_makes_a_loop() -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(say("loop"))
    loop.close()


def test_whose_library_calls_run() -> None:
    assert workflow_that_says("library").orchestrate_sync(Stage.START) is Stage.END


def test_whose_thread_calls_the_library() -> None:
    other = threading.Thread(target=workflow_that_says("thread").orchestrate_sync, args=(Stage.START,))
    other.start()
    other.join()
