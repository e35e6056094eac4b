"""What pthread's part of a call is: the same calls in a process where its lock does nothing, put in its place by ``LD_PRELOAD``.

Both kinds of process run in turn, each beside a dict; the difference is taken in times of the dict and given in seconds.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import ratios
from benchmarks.effort import Effort
from benchmarks.growth import Figure
from benchmarks.machine import pin
from benchmarks.store_cases import CASES, HAND

SOURCE = Path(__file__).with_suffix(".c")
NAMES = ("get(key, int)", "contains_key(key)", "put(key, v), existing key", "append(key, x), nobody looks")
TURNS = 5


def here(rounds: int, sample: float) -> list[tuple[float, float]]:
    """Measure in this process: for each operation its ratio to a dict, and the dict's time."""
    results = [ratios.measure(case, rounds=rounds, seconds=sample) for case in CASES if case.name in NAMES and case.against != HAND]
    return [(result.ratio, result.other) for result in results]


def measure(effort: Effort) -> Figure:
    """Take the lock away and put it back in turn; on each line: seconds with it, and the part that goes with it."""
    if sys.platform != "linux":
        return {}
    with TemporaryDirectory() as folder:
        library = str(Path(folder) / "lock.so")
        subprocess.run([*os.environ.get("CC", "cc").split(), "-O2", "-shared", "-fPIC", str(SOURCE), "-o", library], check=True)

        def there(**more: str) -> list[tuple[float, float]]:
            command = [sys.executable, "-m", "benchmarks.lock", str(max(1, effort.rounds // 3)), str(effort.sample / 2)]
            root, environment = Path(__file__).parents[1], {**os.environ, **more}
            told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=root, timeout=120)
            return [(ratio, other) for ratio, other in json.loads(told.stdout)]

        turns = [(there(), there(LD_PRELOAD=library)) for _ in range(min(TURNS, effort.rounds))]
    figure: Figure = {}
    for number, name in enumerate(NAMES):
        whole = median(kept[number][0] * kept[number][1] for kept, _ in turns)
        part = median((kept[number][0] - gone[number][0]) * kept[number][1] for kept, gone in turns)
        figure[name] = [(whole, part)]
    return figure


if __name__ == "__main__":
    pin()
    print(json.dumps(here(int(sys.argv[1]), float(sys.argv[2]))))
