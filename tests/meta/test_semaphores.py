"""Tests may let pools of processes go whenever they like."""

import os
from multiprocessing import get_context

import pytest


def test_a_semaphore_may_die_amid_the_making_of_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does in a collection that comes there: its end is told, too; what is ignored in a finalizer fails a test."""
    context, write = get_context("spawn"), os.write
    mortal, told = [context.Lock()], list[bytes]()

    def amid(descriptor: int, message: bytes) -> int:  # the tracker writes under its lock
        told.append(message)
        mortal.clear()
        return write(descriptor, message)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", amid)
        another = context.Lock()
    assert mortal == []
    assert another.acquire(block=False)
    assert sum(b"UNREGISTER" in each for each in told) == 1
