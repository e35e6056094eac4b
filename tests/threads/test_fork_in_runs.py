"""A fork inside the function of a modify or transact gives two runs, each landing in its own process (store 11, store 15)."""

import os
from collections.abc import Callable

import pytest

from cano.store import MemoryStore, Transaction

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")


def by_modify(store: MemoryStore, change: Callable[[int], int]) -> None:
    store.modify("n", change, int)


def by_transact(store: MemoryStore, change: Callable[[int], int]) -> None:
    def step(tx: Transaction) -> None:
        tx.put("n", change(tx.get("n", int)))

    store.transact(step)


@pytest.mark.parametrize("act", [by_modify, by_transact])
def test_a_run_that_forks_lands_in_both_processes(act: Callable[[MemoryStore, Callable[[int], int]], None]) -> None:
    """Parent and child each commit their own result, once, and can go on."""
    store = MemoryStore({"n": 1})
    children: list[int] = []

    def change(n: int) -> int:
        children.append(os.fork())
        return n + (10 if children[-1] == 0 else 1)

    try:
        act(store, change)
        if children[-1] == 0:
            act(store, lambda n: n + 1)
            os._exit(0 if store.get("n", int) == 12 else 1)
    finally:
        if children and children[-1] == 0:
            os._exit(2)
    assert len(children) == 1
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
    assert store.get("n", int) == 2
