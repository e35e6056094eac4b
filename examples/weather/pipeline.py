"""The workflow: its states, what lies in the store between them, and the tasks, which only carry values to pure functions.

    READ --> VALIDATE --> SUMMARISE --> REPORT --> DONE
                 \\
                  `-----> REJECT --> REJECTED         too many rows cannot be true
"""

from enum import Enum, auto
from typing import Literal, NamedTuple

from cano import Key, MemoryStore, Resources, Workflow, task
from examples.weather.figures import Figures, summarise
from examples.weather.model import BadRow, BrokenFile, Parsed, Settings
from examples.weather.report import render_figures, render_rejection
from examples.weather.rows import parse


class State(Enum):
    """Where a run can be."""

    READ = auto()
    VALIDATE = auto()
    SUMMARISE = auto()
    REPORT = auto()
    REJECT = auto()
    DONE = auto()
    REJECTED = auto()


class Note(NamedTuple):
    """What a state has to say about its work."""

    state: str
    text: str


RAW = Key("raw", bytes)
PARSED = Key("parsed", Parsed)
BAD_ROWS = Key("bad_rows", list[BadRow])
FIGURES = Key("figures", Figures)
REPORT = Key("report", str)
NOTES = Key("notes", list[Note])


def too_many_bad(bad: int, rows: int, max_bad_percent: float) -> bool:
    """Decide whether so many rows are bad that the others cannot be trusted, or that none is left."""
    return bad == rows or 100 * bad > max_bad_percent * rows


@task(blocking=True)
def read(store: MemoryStore, settings: Settings) -> Literal[State.VALIDATE]:
    """Read the file, in a worker thread, because a disk can keep a loop waiting."""
    try:
        raw = settings.source.read_bytes()
    except OSError as error:
        raise BrokenFile(settings.name, f"cannot be read: {error.strerror or error}") from error
    for key in (PARSED, BAD_ROWS, FIGURES, REPORT, NOTES):
        store.remove(key)  # of an earlier run over the same store
    store.put(RAW, raw)
    store.append(NOTES, Note("READ", f"{len(raw):,} bytes"))
    return State.VALIDATE


@task
async def validate(store: MemoryStore, settings: Settings) -> Literal[State.SUMMARISE, State.REJECT]:
    """Turn the bytes into rows, set the bad ones aside, and decide whether the file can be trusted."""
    parsed = parse(store.get_shared(RAW), settings.name)
    store.remove(RAW)  # nobody needs the text again
    store.put(PARSED, parsed)
    for row in parsed.bad:
        store.append(BAD_ROWS, row)
    store.append(NOTES, Note("VALIDATE", f"{len(parsed.observations):,} rows good, {len(parsed.bad):,} bad"))
    return State.REJECT if too_many_bad(len(parsed.bad), len(parsed), settings.max_bad_percent) else State.SUMMARISE


@task(state=State)
class Summarise:
    """Compute the figures."""

    async def run(self, res: Resources) -> Literal[State.REPORT]:
        """Read the rows where they lie: nothing here changes them, and thousands of records are not worth a copy."""
        store = res.get("store", MemoryStore)
        parsed = store.get_shared(PARSED)
        figures = summarise(parsed, res.get("settings", Settings).runways_at(parsed.airport))
        store.put(FIGURES, figures)
        store.append(NOTES, Note("SUMMARISE", f"{len(figures.months):,} months, {len(figures.crosswinds)} runways"))
        return State.REPORT


@task
async def report(store: MemoryStore, settings: Settings) -> Literal[State.DONE]:
    """Write the figures as text."""
    bad_rows = store.get_shared(BAD_ROWS, default=[])  # no bad row, no key
    text = render_figures(store.get_shared(FIGURES), bad_rows, settings.name)
    store.put(REPORT, text)
    store.append(NOTES, Note("REPORT", f"{text.count(chr(10)):,} lines"))
    return State.DONE


@task
async def reject(store: MemoryStore, settings: Settings) -> Literal[State.REJECTED]:
    """Write why nothing was computed."""
    parsed, bad_rows = store.get_shared(PARSED), store.get_shared(BAD_ROWS)
    store.put(REPORT, render_rejection(bad_rows, len(parsed), settings.max_bad_percent, settings.name))
    store.append(NOTES, Note("REJECT", f"more than {settings.max_bad_percent:g} % bad"))
    return State.REJECTED


def build(settings: Settings, store: MemoryStore) -> Workflow[State]:
    """Put the pipeline together over a store that the caller reads afterwards."""
    return (
        Workflow(Resources({"store": store, "settings": settings}), state=State)
        .register(State.READ, read)
        .register(State.VALIDATE, validate)
        .register(State.SUMMARISE, Summarise())
        .register(State.REPORT, report)
        .register(State.REJECT, reject)
        .add_exit_state(State.DONE)
        .add_exit_state(State.REJECTED)
    )
