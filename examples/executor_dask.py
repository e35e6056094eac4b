"""Executor, a Dask cluster: the same pure function in this process and in the workers of a cluster; only the resource differs.

It needs Dask: ``pip install cano[dask]``.
"""

import asyncio
import os
from concurrent.futures import Executor, ThreadPoolExecutor
from enum import Enum, auto

from distributed import Client, LocalCluster

from cano import MemoryStore, Resources, Workflow, task


class Stage(Enum):
    MEAN = auto()
    DONE = auto()


@task(state=Stage, executor="cpu", inputs="store", output="mean", to=Stage.DONE)
def mean(numbers: list[float], digits: int = 2) -> tuple[float, int]:
    return round(sum(numbers) / len(numbers), digits), os.getpid()


async def run(name: str, executor: Executor) -> None:
    store = MemoryStore({"numbers": [1.5, 2.25, 3.0]})
    workflow = Workflow(Resources({"store": store, "cpu": executor}), state=Stage)
    await workflow.register(Stage.MEAN, mean).add_exit_state(Stage.DONE).orchestrate(Stage.MEAN)
    value, process = store.get("mean", tuple[float, int])
    print(f"{name}: {value}, in this process: {process == os.getpid()}")


def main() -> None:
    with ThreadPoolExecutor(1) as threads:
        asyncio.run(run("threads", threads))
    # Two processes on this machine. Workers of another machine, Client("tcp://..."), have no copy of this main module: there the
    # function is in a module that they can import. Dask's dashboard is at any free port: there may be another one.
    with (
        LocalCluster(processes=True, n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        asyncio.run(run("cluster", client.get_executor()))


if __name__ == "__main__":  # which a worker does not run when it imports this module
    main()
