"""``python -m examples.weather [INPUT.csv]``: run the pipeline, print what came out, and say by the exit code how it went.

0: the report is complete. 1: the file is broken (one line on stderr) or was rejected (the report says why). 2: wrong usage.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cano import MemoryStore
from examples.weather.model import BrokenFile, Runway, Settings
from examples.weather.pipeline import NOTES, REPORT, State, build
from examples.weather.report import render_path, render_store

DATA = Path(__file__).parent / "data" / "ewr_2013.csv"


def percent(text: str) -> float:
    """Read a share between 0 and 100."""
    value = float(text)
    if not 0 <= value <= 100:
        raise ValueError
    return value


def runway(text: str) -> Runway:
    """Read NAME=DEGREES."""
    name, _, degrees = text.rpartition("=")
    heading = float(degrees)
    if not (name.isprintable() and name.isascii() and 0 < len(name) <= 10 and 0 <= heading <= 360):
        raise ValueError
    return Runway(name, heading)


def settings_from(argv: Sequence[str] | None) -> Settings:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.weather", description="Tell when weather disturbs traffic at an airport."
    )
    parser.add_argument(
        "input", nargs="?", metavar="INPUT.csv", help="hourly weather, in the form of %(default)s", default=os.path.relpath(DATA)
    )
    parser.add_argument(
        "--max-bad", type=percent, default=5.0, metavar="PERCENT", help="reject a file with more bad rows (%(default)g)"
    )
    parser.add_argument(
        "--runway",
        type=runway,
        action="append",
        default=[],
        metavar="NAME=DEGREES",
        help="a runway and its heading from true north, the main one first; may be repeated (EWR's are known)",
    )
    given = parser.parse_args(argv)
    return Settings(Path(given.input), given.max_bad, tuple(given.runway))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the pipeline once and return the exit code."""
    settings = settings_from(argv)
    store = MemoryStore()
    try:
        run = build(settings, store).run_sync(State.READ)
    except BrokenFile as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may hold what the terminal cannot show
    print(store.get(REPORT), end="")
    notes = store.get(NOTES)
    steps = [(step.label, step.seconds) for step in run.path[:-1]]  # the last is the exit state, where nothing runs
    print(render_path(steps, run.state.name, run.seconds, dict(notes)), end="")
    print(render_store(store.snapshot().items()), end="")
    return 0 if run.state is State.DONE else 1


if __name__ == "__main__":
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)
