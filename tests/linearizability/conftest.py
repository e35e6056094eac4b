"""What the tests of this room share, and the line that they add to the summary."""

import os
from collections.abc import Iterator

import pytest

from tests.linearizability.crew import Crew, crew_of
from tests.linearizability.histories import Tally, forget
from tests.threads.meeting import hasty_switching

_TALLY = pytest.StashKey[Tally]()


@pytest.fixture
def crew() -> Iterator[Crew]:
    """Three threads, between which the interpreter switches as often as it can."""
    with hasty_switching(), crew_of(3) as crew:
        yield crew
    forget()


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Tally:
    """The counts of all histories of this session, and the seed that all of them come from: CANO_SEED, or a new one."""
    chosen = os.environ.get("CANO_SEED")
    seed = int(chosen) if chosen else int.from_bytes(os.urandom(4))
    return pytestconfig.stash.setdefault(_TALLY, Tally(seed))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally = config.stash.get(_TALLY, None)
    if tally is not None:
        terminalreporter.write_line(str(tally))
