"""``python -m benchmarks.peers``: measure, print the table, write it to ``benchmarks/results/`` and into ``docs/peers.md``."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

from benchmarks import machine
from benchmarks.__main__ import say
from benchmarks.growth import Figure
from benchmarks.machine import PATIENCE, Machine, Watch, quiet, unpin
from benchmarks.peers import flight, report, timing
from benchmarks.peers.report import BEST, FLIGHT, Peers
from benchmarks.peers.subjects import IN_FLIGHT, SUBJECTS
from benchmarks.ratios import ROUNDS, Result
from benchmarks.results import Results
from cano._version import __version__

SAMPLE = 0.030  # seconds that one timing lasts at least, which is ten jobs of the slowest
SHORT = (5, 0.010, 1_000)  # rounds, seconds and runs in flight where the shape is enough


def times(rounds: int, seconds: float, watch: Watch) -> tuple[list[Result], Figure]:
    """Time all engines in this process."""
    rows: list[Result] = []
    best: Figure = {}
    for subject in SUBJECTS:
        say(f"{subject.label}: time")
        watch.beat()
        row, fastest = timing.measure(subject, rounds=rounds, seconds=seconds)
        rows.append(row)
        best[subject.label] = [fastest]
    watch.beat()
    return rows, best


def weights(runs: int) -> Figure:
    """Weigh the runs of those that can have many, on all cores: another who runs meanwhile takes no byte of a process."""
    unpin()
    flying = [subject for subject in SUBJECTS if subject.weighs]
    with ThreadPoolExecutor(len(flight.WAYS)) as pool:
        weighed = pool.map(partial(flight.measure, runs=runs, say=say), flying)
        return {subject.label: [(float(runs), *each)] for subject, each in zip(flying, weighed, strict=True)}


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="few rounds, few runs at once: the shape of it in a minute; write no file"
    )
    parser.add_argument("--anyway", action="store_true", help="measure on a busy machine, too; the results are marked as noisy")
    parser.add_argument("--documents", action="store_true", help="measure nothing: put the results that are there into the page")
    return parser.parse_args()


def main() -> int:
    """Do what was asked for."""
    asked = options()
    if asked.documents:
        print("\n".join(report.write()) or "the page shows the results already")
        return 0
    if not asked.anyway and not quiet(PATIENCE):
        print("others keep this machine busy, so the figures would be rough: wait, or say --anyway", file=sys.stderr)
        return 1
    rounds, seconds, runs = SHORT if asked.short else (ROUNDS, SAMPLE, IN_FLIGHT)
    versions = {subject.package: subject.version() for subject in SUBJECTS if subject.package}
    here, watch = Machine.here(), Watch()
    rows, best = times(rounds, seconds, watch)
    share = watch.share()
    figures = {BEST: best, FLIGHT: weights(runs)}
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    peers = Peers(versions, Results(__version__, today, here, asked.short, share, watch.spread(), rows, figures).kept())
    say("")
    print(f"\r{report.TABLES['facts'](peers)}\n\n{report.table(peers)}")
    if asked.short:
        return 0
    slug = f"peers-{machine.slug()}"
    report.path_of(slug).write_text(peers.dumps(), encoding="utf-8")
    print(f"\nwritten to benchmarks/results/{slug}.json")
    if slug == report.MEASURED:
        print(f"and into {', '.join(report.write()) or 'no document: all show it already'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
