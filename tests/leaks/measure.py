"""Run in a fresh process: call each operation thousands of times and print what did not come back."""

import gc
import os
import sys
from pathlib import Path

TIMES, WARM = 10_000, 300
OBJECTS, BYTES = 100, 1_500_000  # noise of the interpreter itself; a leak of one object or of 200 bytes a call is far above
PAGE = 4096


def resident() -> int:
    """Resident memory in bytes (0 where the system does not tell, and where a sanitizer keeps what was freed)."""
    status = Path("/proc/self/statm")
    sanitized = os.environ.get("CANO_BUILD") == "sanitize"
    return int(status.read_text().split()[1]) * PAGE if status.exists() and not sanitized else 0


def main(which: str) -> int:
    from tests.leaks.operations import Watched, operations  # noqa: PLC0415 the package lies where the parent said
    from tests.leaks.steps import caught, steps  # noqa: PLC0415

    one = Watched()
    calls = {"operations": operations, "steps": steps}[which](one)
    watched = vars(one)
    leaks = 0
    gc.collect()
    for name, call in calls.items():
        for _ in range(WARM):
            caught(call)
        gc.collect()
        counts = {fact: sys.getrefcount(value) for fact, value in watched.items()}
        tracked, blocks, memory = len(gc.get_objects()), sys.getallocatedblocks(), resident()
        for _ in range(TIMES):
            caught(call)
        gc.collect()
        memory_after, blocks_after, tracked_after = resident(), sys.getallocatedblocks(), len(gc.get_objects())
        grown = {
            fact: sys.getrefcount(value) - counts[fact] for fact, value in watched.items() if sys.getrefcount(value) != counts[fact]
        }
        found = [f"references to {fact}: {more:+}" for fact, more in grown.items()]
        if abs(tracked_after - tracked) > OBJECTS:
            found.append(f"tracked objects: {tracked_after - tracked:+}")
        if abs(blocks_after - blocks) > OBJECTS:
            found.append(f"blocks: {blocks_after - blocks:+}")
        if memory_after - memory > BYTES:
            found.append(f"resident bytes: {memory_after - memory:+}")
        leaks += bool(found)
        for line in found:
            print(f"{name}: {line} after {TIMES} calls")
    print(f"{len(calls)} operations, {leaks} leak")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
