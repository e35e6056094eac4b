"""``python -m benchmarks``: measure every case, print one table, write it to ``benchmarks/results/``."""

import argparse
import sys
import time
from pathlib import Path

from benchmarks import store_cases, workflow_cases
from benchmarks.machine import Machine
from benchmarks.ratios import measure
from benchmarks.table import page

RESULTS = Path(__file__).parent / "results"
CASES = [*store_cases.CASES, *workflow_cases.CASES]


def main() -> int:
    """Run the cases that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("words", nargs="*", help="measure only cases whose name holds one of these, and write no file")
    parser.add_argument("--smoke", action="store_true", help="run each case once, to see that it runs; the figures mean nothing")
    options = parser.parse_args()
    cases = [case for case in CASES if not options.words or any(word in case.name for word in options.words)]
    if not cases:
        parser.error(f"no case is named like {' or '.join(options.words)}")
    if options.smoke:
        for case in cases:
            measure(case, rounds=1, seconds=0)
        print(f"{len(cases)} cases ran")
        return 0

    machine = Machine.here()
    began, worked = time.perf_counter(), time.process_time()
    results = []
    for number, case in enumerate(cases, start=1):
        if sys.stderr.isatty():
            print(f"\r{number} of {len(cases)}", end="", file=sys.stderr)
        results.append(measure(case))
    share = (time.process_time() - worked) / (time.perf_counter() - began)
    text = page(results, machine, share=share)
    print(f"\r{text}")
    if not options.words:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{machine.slug}.md"
        path.write_text(f"# Measured\n\n{text}\n", encoding="utf-8")
        print(f"\nwritten to benchmarks/results/{path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
