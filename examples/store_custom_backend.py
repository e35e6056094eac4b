"""A store of your own: NamespacedStore prefixes its keys, is registered as a resource, and is found by its concrete type.

There is no base class to inherit: a resource is any object, and the type that a task asks for is the one that you wrote.
"""

import asyncio
from enum import Enum, auto
from typing import Any, Literal, TypeVar

from cano import MemoryStore, Resources, Workflow, task

T = TypeVar("T")


class NamespacedStore:
    """A part of a MemoryStore: the keys that begin with ``namespace::``, seen without that prefix."""

    def __init__(self, namespace: str, inner: MemoryStore | None = None) -> None:
        if "::" in namespace:
            raise ValueError(f"the namespace {namespace!r} holds '::', so its keys would lie in another one, too")
        self._prefix = f"{namespace}::"
        self._inner = MemoryStore() if inner is None else inner

    def get(self, key: str, kind: type[T]) -> T:
        return self._inner.get(self._prefix + key, kind)

    def get_shared(self, key: str, kind: type[T]) -> T:
        return self._inner.get_shared(self._prefix + key, kind)

    def put(self, key: str, value: object) -> None:
        self._inner.put(self._prefix + key, value)

    def remove(self, key: str) -> None:
        self._inner.remove(self._prefix + key)

    def append(self, key: str, item: Any) -> None:
        self._inner.append(self._prefix + key, item)

    def contains_key(self, key: str) -> bool:
        return self._inner.contains_key(self._prefix + key)

    def keys(self) -> list[str]:
        return [key.removeprefix(self._prefix) for key in self._inner if key.startswith(self._prefix)]

    def len(self) -> int:
        return len(self.keys())

    def clear(self) -> None:
        for key in self.keys():
            self.remove(key)


class State(Enum):
    START = auto()
    CHECK = auto()
    DONE = auto()


@task
async def start(namespaced_store: NamespacedStore) -> Literal[State.CHECK]:
    """The parameter's name is the resource's key, and its annotation the type that is checked."""
    namespaced_store.put("status", "running")
    namespaced_store.put("weights", [0.5] * 100_000)
    namespaced_store.append("log", "started")
    return State.CHECK


@task(state=State)
class Check:
    async def run(self, res: Resources) -> Literal[State.DONE]:
        store = res.get("namespaced_store", NamespacedStore)
        a, b = store.get_shared("weights", list), store.get_shared("weights", list)
        store.put("one_object", a is b)  # the large value is shared, not copied
        store.append("log", "checked")
        store.put("status", "finished")
        return State.DONE


async def main() -> None:
    shared = MemoryStore()
    store = NamespacedStore("pipeline_v2", shared)
    neighbour = NamespacedStore("pipeline_v1", shared)
    neighbour.put("status", "archived")

    workflow = (
        Workflow(Resources().insert("namespaced_store", store), state=State)
        .register(State.START, start)
        .register(State.CHECK, Check())
        .add_exit_state(State.DONE)
    )
    await workflow.orchestrate(State.START)

    print(f"status: {store.get('status', str)}, log: {store.get('log', list[str])}")
    print(f"get_shared twice, one object: {store.get('one_object', bool)}")
    print(f"keys: {sorted(store.keys())}, len: {store.len()}")
    print(f"raw keys: {sorted(shared.keys())}")

    store.clear()
    print(f"after clear: {store.len()} here, {neighbour.len()} in the neighbour, status {neighbour.get('status', str)}")


if __name__ == "__main__":
    asyncio.run(main())
