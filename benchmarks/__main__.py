"""``python -m benchmarks``: measure, print the table, write it to ``benchmarks/results/`` and into the documents that show it."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from benchmarks import (
    builds,
    copy_cases,
    cores,
    documents,
    keys,
    latency,
    lock,
    memory,
    parts,
    ratios,
    run_cases,
    scaling,
    store_cases,
    tail,
    threads,
    values,
    workflow_cases,
)
from benchmarks.effort import BUILDS, FULL, SHORT, SMOKE, Effort
from benchmarks.growth import Figure
from benchmarks.machine import PATIENCE, Machine, Watch, pin, quiet, slug, unpin
from benchmarks.ratios import Case, Result
from benchmarks.results import FOLDER, Results
from benchmarks.table import grid, page
from cano._version import __version__

CASES = [*store_cases.CASES, *copy_cases.CASES, *workflow_cases.CASES, *run_cases.CASES]
# The last fills the memory most, and threads leave none behind that would still run.
FIGURES: dict[str, Callable[[Effort], Figure]] = {
    "lock": lock.measure,
    "values": values.measure,
    "threads": threads.measure,
    "latency": latency.measure,
    "scaling": scaling.measure,
    "tail": tail.measure,
    "memory": memory.measure,
    "keys": keys.measure,
}
MANY_CORES = ("threads", "latency", "scaling", "tail")
# What is shown of two builds: the table of the store, and what depends on the GIL.
BUILDS_CASES = [*store_cases.CASES, *copy_cases.CASES]
BUILDS_FIGURES = ("scaling", "tail", "memory")


def say(words: str) -> None:
    """Tell somebody who waits how far it is."""
    if sys.stderr.isatty():
        print(f"\r{words:<40}", end="", file=sys.stderr, flush=True)


def table(cases: Sequence[Case], effort: Effort, watch: Watch) -> list[Result]:
    """Measure the rows of the table, one after the other."""
    results = []
    for number, case in enumerate(cases, start=1):
        say(f"row {number} of {len(cases)}")
        if number % 10 == 1:
            watch.beat()
        results.append(ratios.measure(case, rounds=effort.rounds, seconds=effort.sample))
    return results


def figures(names: Sequence[str], effort: Effort, watch: Watch) -> dict[str, Figure]:
    """Measure the figures, those where threads meet on all cores and the others on one."""
    measured = {}
    for name in names:
        say(name)
        if name in MANY_CORES:
            unpin()
        measured[name] = FIGURES[name](effort)
        pin()
        watch.beat()
    return measured


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "words",
        nargs="*",
        help=f"measure only rows whose name holds one of these, and figures of that name ({', '.join(FIGURES)}), and write no file",
    )
    parser.add_argument(
        "--short", action="store_true", help="few rounds and small sizes: the shape of the result in under a minute"
    )
    parser.add_argument(
        "--builds", action="store_true", help="only what the documents show of a build without a GIL beside one with it"
    )
    parser.add_argument("--anyway", action="store_true", help="measure on a busy machine, too; the results are marked as noisy")
    parser.add_argument("--smoke", action="store_true", help="run each once, to see that it runs; write no file")
    parser.add_argument(
        "--documents", action="store_true", help="measure nothing: put the results that are there into the documents"
    )
    chosen = parser.parse_args()
    cases, figures = (BUILDS_CASES, BUILDS_FIGURES) if chosen.builds else (CASES, FIGURES)
    chosen.cases = [case for case in cases if not chosen.words or any(word in case.name for word in chosen.words)]
    chosen.figures = [name for name in figures if not chosen.words or name in chosen.words]
    if not chosen.cases and not chosen.figures:
        parser.error(f"nothing is named like {' or '.join(chosen.words)}")
    return chosen


def put_down(results: Results) -> None:
    """Write the results, and the documents if it is these that they show."""
    name = slug()
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(results.dumps(), encoding="utf-8")
    (FOLDER / f"{name}.md").write_text(f"# Measured\n\n{page(results)}\n", encoding="utf-8")
    print(f"\nwritten to benchmarks/results/{name}.json and .md")
    if name in (documents.MEASURED, documents.BESIDE, builds.FREE_THREADED, builds.WITH_GIL):
        print(f"and into {', '.join(documents.write()) or 'no document: all show it already'}")


def main() -> int:
    """Do what was asked for."""
    asked = options()
    if asked.documents:
        print("\n".join(documents.write()) or "all documents show the results already")
        return 0
    if asked.smoke:
        watch = Watch()
        table(asked.cases, SMOKE, watch)
        figures(asked.figures, SMOKE, watch)
        print(f"{len(asked.cases)} rows and {len(asked.figures)} figures ran")
        return 0
    if not asked.anyway and not (cores.free if asked.builds else quiet)(PATIENCE):
        print(
            "others keep this machine busy, so the figures would be rough: wait, or say --anyway and have them marked so",
            file=sys.stderr,
        )
        return 1

    effort = SHORT if asked.short else BUILDS if asked.builds else FULL
    # The load of the last minute would be that of the other build.
    machine, watch = Machine.here(cores.load() if asked.builds else ""), Watch()
    rows = table(asked.cases, effort, watch)
    share = watch.share()
    drawn = figures(asked.figures, effort, watch)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    results = Results(__version__, today, machine, asked.short, share, watch.spread(), rows, drawn).kept()
    say("")
    if not asked.words:
        print(f"\r{page(results)}")
        put_down(results)
        return 0
    if rows:
        print(f"\r{grid(rows)}")
    for name in drawn:
        alone = builds.ALONE[name]([("", results)]) if name in builds.ALONE else parts.TABLES[name](results, None)
        print(f"\n{name}:\n{alone}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
