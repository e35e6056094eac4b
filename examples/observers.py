"""Observers: one that counts and times tasks, and a log in which each line has the id of its run."""

import asyncio
import logging
import sys
from collections import Counter, defaultdict
from enum import Enum, auto
from typing import Literal

from cano import MemoryStore, Observer, Resources, Retry, RunInfo, StepInfo, Workflow, current_run_id, per_run, task


class Stage(Enum):
    FETCH = auto()
    PARSE = auto()
    DONE = auto()


log = logging.getLogger("pages")


@task(state=Stage, retry=Retry(3, delay=0))
async def fetch(store: MemoryStore) -> Literal[Stage.PARSE]:
    tries = store.modify("tries", lambda n: n + 1, int, default=0)
    if tries < store.get("works at", int):
        raise ConnectionError("no route")
    log.info("fetched at attempt %d", tries)
    return Stage.PARSE


@task(state=Stage, blocking=True)
def parse() -> Literal[Stage.DONE]:
    log.info("parsed, in a thread")
    return Stage.DONE


class Metrics(Observer):
    """Counts and times tasks. All its runs are in one event loop, so it needs no lock."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def on_retry(self, run: RunInfo, step: StepInfo, attempt: int, delay: float, error: Exception) -> None:
        self.retries[step.task] += 1

    def on_task_end(self, run: RunInfo, step: StepInfo, seconds: float, error: BaseException | None) -> None:
        self.calls[step.task] += 1
        self.failures[step.task] += error is not None
        self.seconds[step.task] += seconds


class RunId(logging.Filter):
    """Writes the run's id into each record that passes a handler, whoever logs it; here as a number, in order of appearance."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str | None, int] = {None: 0}

    def filter(self, record: logging.LogRecord) -> bool:
        record.run = self.numbers.setdefault(current_run_id(), len(self.numbers))
        return True


def set_up_log() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(RunId())
    handler.setFormatter(logging.Formatter("run %(run)d: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)


async def main() -> None:
    set_up_log()
    metrics = Metrics()
    workflow = (
        Workflow(Resources({"store": per_run(of=MemoryStore)}), state=Stage, name="pages", observers=[metrics])
        .register(Stage.FETCH, fetch)
        .register(Stage.PARSE, parse)
        .add_exit_state(Stage.DONE)
    )
    log.info("outside of runs")
    for works_at in (1, 3, 4):
        try:
            await workflow.orchestrate(Stage.FETCH, resources={"store": MemoryStore({"works at": works_at})})
        except ConnectionError as error:
            log.info("given up: %s", error)
    for name, calls in metrics.calls.items():
        assert metrics.seconds[name] >= 0
        print(f"{name}: {calls} calls, {metrics.retries[name]} retries, {metrics.failures[name]} failures")


if __name__ == "__main__":
    asyncio.run(main())
