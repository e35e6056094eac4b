"""Nothing grows: not references, not objects, not memory, on the good paths and on the bad ones (pitfall A5)."""

import subprocess
import sys

import pytest

from tests.unit.store.alone import CHECKOUT, PACKAGE, alone


@pytest.mark.parametrize(("which", "least"), [("operations", 70), ("steps", 45)])
def test_no_operation_and_no_error_leaks_anything(which: str, least: int) -> None:
    """10,000 calls of each operation and of each failure leave every count and the memory of the process as they were."""
    places = [str(PACKAGE.parent), str(CHECKOUT)]
    start = f"import sys; sys.path[:0] = {places!r}\nfrom tests.leaks.measure import main\nsys.exit(main({which!r}))"
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-X", "faulthandler", "-c", start],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    *leaks, summary = done.stdout.splitlines()
    assert leaks == []
    assert summary.endswith(" 0 leak")
    assert int(summary.split()[0]) > least


def test_a_copy_that_fails_for_its_depth_leaks_nothing() -> None:
    """Hundreds of ``RecursionError`` from half-made copies leave no half-made copy behind."""
    alone(
        """
import gc
def nested(depth, kind):
    deep = [1]
    for _ in range(depth):
        deep = [deep, 1] if kind == 0 else {"k": deep} if kind == 1 else (deep, [])
    return deep
for kind in range(3):
    store = MemoryStore({"key": nested(20_000, kind)})
    def tried():
        try:
            store.get("key")
        except RecursionError:
            return
        raise AssertionError
    for _ in range(5): tried()
    gc.collect()
    before = len(gc.get_objects()), sys.getallocatedblocks()
    for _ in range(150): tried()
    gc.collect()
    after = len(gc.get_objects()), sys.getallocatedblocks()
    assert abs(after[0] - before[0]) < 20 and abs(after[1] - before[1]) < 20, (kind, before, after)
""",
        seconds=60,
    )


def test_the_plans_of_forms_go_with_the_classes_in_them() -> None:
    """Thousands of classes that were asked for, right and wrong, and are gone leave nothing of what was made for them."""
    alone(
        """
import gc
store = MemoryStore({"key": [1], "row": {"a": 1}})
def ask():
    kind = type("Kind", (), {})
    for form in (list[kind], list[kind | int], dict[str, list[kind]] | tuple[kind, int] | None):
        try:
            store.get("key", form)
        except TypeError:
            pass
    store.put(Key("other", list[kind]), [kind()])
    store.get(Key("other", list[kind]))
    store.remove("other")
def measured():
    for _ in range(1000): ask()
    gc.collect()
    return len(gc.get_objects()), sys.getallocatedblocks()
for _ in range(5): measured()
before, after = measured(), measured()
free = not getattr(sys, "_is_gil_enabled", lambda: True)()  # then blocks are given back late
assert abs(after[0] - before[0]) < 10 and abs(after[1] - before[1]) < (300 if free else 20), (before, after)
""",
        seconds=60,
    )


def test_a_store_gives_its_memory_back() -> None:
    """Filled and cleared, filled and dropped, a hundred times over, the process is as large as after the first time."""
    alone(
        """
import gc
from pathlib import Path
def resident():
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0
def fill(store):
    for number in range(20_000):
        store.put(f"key {number}", [number])
        store.append("log", number)
for round in range(5): kept = MemoryStore(); fill(kept); kept.clear()
gc.collect()
before = resident(), sys.getallocatedblocks()
for round in range(40):
    fill(kept)
    if round % 2: kept.clear()
    else: kept = MemoryStore()
kept.clear()
gc.collect()
assert resident() - before[0] < 4_000_000, (resident(), before)
assert abs(sys.getallocatedblocks() - before[1]) < 200, (sys.getallocatedblocks(), before)
""",
        seconds=60,
    )
