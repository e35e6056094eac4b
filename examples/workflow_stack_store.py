"""A store as the shared stack of a workflow: each stage takes what lies there and lays its own work on top.

A service is sampled, the samples are turned into metrics, the metrics are judged, and a response is written. No stage calls
another or knows its name; the typed keys below are all that they share.
"""

import asyncio
from enum import Enum, auto
from statistics import fmean
from typing import Literal, NamedTuple

from cano import Key, MemoryStore, Resources, Workflow, task


class Stage(Enum):
    SAMPLE = auto()
    MEASURE = auto()
    ALERT = auto()
    RESPOND = auto()
    DONE = auto()


class Sample(NamedTuple):
    millis: float
    status: int


class Metrics(NamedTuple):
    requests: int
    failed: int
    mean_millis: float


SAMPLES = Key("samples", list[Sample])
METRICS = Key("metrics", Metrics)
STAGES = Key("stages", list[str])
RESPONSE = Key("response", str)

TRAFFIC = [Sample(12.0, 200), Sample(18.5, 200), Sample(950.0, 503), Sample(20.5, 200), Sample(1_400.0, 503), Sample(9.0, 200)]


@task
async def sample(store: MemoryStore) -> Literal[Stage.MEASURE]:
    for one in TRAFFIC:
        store.append(SAMPLES, one)  # the list grows stage by stage, and no stage overwrites what is there
    store.append(STAGES, "sample")
    return Stage.MEASURE


@task
async def measure(store: MemoryStore) -> Literal[Stage.ALERT, Stage.RESPOND]:
    samples = store.get_shared(SAMPLES)  # read and not changed: no copy
    failed = sum(one.status >= 500 for one in samples)
    store.put(METRICS, Metrics(len(samples), failed, fmean(one.millis for one in samples)))
    store.append(STAGES, "measure")
    return Stage.ALERT if failed else Stage.RESPOND


@task
async def alert(store: MemoryStore) -> Literal[Stage.RESPOND]:
    store.append(STAGES, "alert")
    store.put("severity", "high" if store.get(METRICS).failed > 1 else "low")
    return Stage.RESPOND


@task
async def respond(store: MemoryStore) -> Literal[Stage.DONE]:
    metrics = store.get(METRICS)
    severity = store.get("severity", str, default="none")
    store.put(RESPONSE, f"{metrics.failed} of {metrics.requests} failed, mean {metrics.mean_millis:.1f} ms, severity {severity}")
    store.append(STAGES, "respond")
    return Stage.DONE


async def main() -> None:
    store = MemoryStore()
    workflow = (
        Workflow(Resources({"store": store}), state=Stage)
        .register(Stage.SAMPLE, sample)
        .register(Stage.MEASURE, measure)
        .register(Stage.ALERT, alert)
        .register(Stage.RESPOND, respond)
        .add_exit_state(Stage.DONE)
    )
    await workflow.orchestrate(Stage.SAMPLE)

    stages = store.get(STAGES)
    print(f"stages: {' -> '.join(stages)}")
    print(f"response: {store.get(RESPONSE)}")
    print(f"keys: {sorted(store.keys())}")


if __name__ == "__main__":
    asyncio.run(main())
