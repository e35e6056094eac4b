"""The records of the pipeline: what a run is told, what a row becomes, and what a broken file raises."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Runway:
    """A strip with its two directions; ``heading`` is that of the first, in degrees from *true* north, as the wind's is."""

    name: str
    heading: float


# The main runway comes first: its crosswind is the one that disturbs traffic.
RUNWAYS: dict[str, tuple[Runway, ...]] = {
    # 039 and 108 degrees magnetic, at a variation of 13 degrees west. 04/22 is the pair on which nearly all traffic runs;
    # 11/29 crosses it and is too short for some.
    "EWR": (Runway("04/22", 26.0), Runway("11/29", 95.0)),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is told. Without ``runways`` those of the airport are used, if it is a known one."""

    source: Path
    max_bad_percent: float = 5.0
    runways: tuple[Runway, ...] = ()

    @property
    def name(self) -> str:
        """The file's name as reports and errors write it, harmless to a terminal."""
        text = str(self.source)
        return text if text.isprintable() else ascii(text)

    def runways_at(self, airport: str) -> tuple[Runway, ...]:
        """Return the runways to reckon crosswinds for, the main one first, or none."""
        return self.runways or RUNWAYS.get(airport, ())


@dataclass(frozen=True, slots=True)
class Observation:
    """One hour of weather in the units of the file; ``None`` is a value that the file does not have.

    ``instant`` (UTC) tells hours apart; ``day`` is the date on the airport's wall, which has some hours twice or never.
    """

    line: int
    instant: datetime
    day: date
    temp: float | None
    dewp: float | None
    humid: float | None
    wind_dir: float | None
    wind_speed: float | None
    wind_gust: float | None
    precip: float | None
    pressure: float | None
    visib: float | None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A well-formed row whose value in ``column`` cannot be true; it counts in no figure."""

    line: int
    instant: datetime
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """All rows of a file, the plausible apart from the bad, each in the order of the file."""

    airport: str
    observations: tuple[Observation, ...]
    bad: tuple[BadRow, ...]

    def __len__(self) -> int:
        return len(self.observations) + len(self.bad)


class BrokenFile(Exception):
    """The file cannot be read as a table of hourly weather; ``line`` and ``column`` name the place, if it has one."""

    def __init__(self, source: str, problem: str, line: int | None = None, column: str | None = None) -> None:
        super().__init__(source, problem, line, column)
        self.source = source
        self.problem = problem
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = self.source
        if self.line is not None:
            place += f", line {self.line}"
        if self.column is not None:
            place += f", column {self.column}"
        return f"{place}: {self.problem}"
