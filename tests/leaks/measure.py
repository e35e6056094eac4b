"""Run in a fresh process: call each operation thousands of times and print what did not come back."""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

TIMES, WARM = 10_000, 300
FREE = not getattr(sys, "_is_gil_enabled", lambda: True)()
# Noise of the interpreter itself; a leak of one object or of 200 bytes a call is far above, or of 600 where there is no GIL,
# whose allocator keeps what garbage took at its peak.
OBJECTS, BYTES = 100, 5_000_000 if FREE else 1_500_000
PAGE = 4096
BLOCKS = TIMES // 2 if FREE else OBJECTS  # without a GIL some are given back late, and by the thousand


def resident() -> int:
    """Resident memory in bytes (0 where the system does not tell, and where a sanitizer keeps what was freed)."""
    status = Path("/proc/self/statm")
    sanitized = os.environ.get("CANO_BUILD") == "sanitize"
    return int(status.read_text().split()[1]) * PAGE if status.exists() and not sanitized else 0


def grown(call: Callable[[], object], watched: dict[str, object]) -> list[str]:
    """Call it 10,000 times, and tell what has become more."""
    from tests.leaks.steps import caught  # noqa: PLC0415 the package lies where the parent said

    gc.collect()
    counts = {fact: sys.getrefcount(value) for fact, value in watched.items()}
    tracked, blocks, memory = len(gc.get_objects()), sys.getallocatedblocks(), resident()
    for _ in range(TIMES):
        caught(call)
    gc.collect()
    memory_after, blocks_after, tracked_after = resident(), sys.getallocatedblocks(), len(gc.get_objects())
    more = {fact: sys.getrefcount(value) - counts[fact] for fact, value in watched.items()}
    found = [f"references to {fact}: {count:+}" for fact, count in more.items() if count]
    if abs(tracked_after - tracked) > OBJECTS:
        found.append(f"tracked objects: {tracked_after - tracked:+}")
    if abs(blocks_after - blocks) > BLOCKS:
        found.append(f"blocks: {blocks_after - blocks:+}")
    if memory_after - memory > BYTES:
        found.append(f"resident bytes: {memory_after - memory:+}")
    return found


def main(which: str) -> int:
    from tests.leaks.operations import Watched, operations  # noqa: PLC0415 as above
    from tests.leaks.steps import caught, steps  # noqa: PLC0415

    one = Watched()
    calls = {"operations": operations, "steps": steps}[which](one)
    watched = vars(one)
    leaks = 0
    gc.collect()
    for name, call in calls.items():
        for _ in range(WARM):
            caught(call)
        # What grows once is no leak: a leak grows each time.
        found = grown(call, watched) and grown(call, watched)
        leaks += bool(found)
        for line in found:
            print(f"{name}: {line} after {TIMES} calls")
    print(f"{len(calls)} operations, {leaks} leak")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
