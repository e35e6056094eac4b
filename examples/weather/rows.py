"""From bytes to rows: the form must be right, or the file is broken; the values must be possible, or the row is bad."""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from examples.weather.model import BadRow, BrokenFile, Observation, Parsed


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a measurement can have anywhere on Earth, both ends included."""

    low: float
    high: float
    unit: str


MEASUREMENTS: Mapping[str, Range] = {
    "temp": Range(-130, 135, "F"),  # coldest and hottest air ever measured: -128.6 and 134.1
    "dewp": Range(-150, 95, "F"),  # dampest: 95
    "humid": Range(0, 100, "percent"),
    "wind_dir": Range(0, 360, "degrees"),
    "wind_speed": Range(0, 253, "mph"),  # strongest gust outside a tornado: 253
    "wind_gust": Range(0, 253, "mph"),
    "precip": Range(0, 12, "inches"),  # most in an hour: 12
    "pressure": Range(850, 1090, "mb"),  # lowest and highest at sea level: 870 and 1,085
    "visib": Range(0, 100, "miles"),
}
IDENTITY = ("origin", "year", "month", "day", "hour", "time_hour")
COLUMNS = ("origin", "year", "month", "day", "hour", *MEASUREMENTS, "time_hour")
MISSING = frozenset({"", "NA"})

# float() and int() take more than a table should hold: nan, inf, 1_000, digits of any script.
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
WHOLE_NUMBER = re.compile(r"[0-9]{1,4}")
AIRPORT = re.compile(r"[A-Z0-9]{3,4}")

QUARTER = timedelta(minutes=15)
WEST, EAST = timedelta(hours=-12), timedelta(hours=14)  # the clocks furthest from UTC


@dataclass(frozen=True, slots=True)
class Row:
    """The text of one row by column, and the means to say where something is wrong with it."""

    source: str
    line: int
    text: Mapping[str, str]

    def broken(self, column: str, problem: str) -> BrokenFile:
        """Make the error that names this row and ``column``."""
        return BrokenFile(self.source, problem, self.line, column)

    def required(self, column: str) -> str:
        """Return the text of a column that must have one."""
        text = self.text[column]
        if text in MISSING:
            raise self.broken(column, "the value is missing, and every row needs one")
        return text

    def whole(self, column: str, low: int, high: int) -> int:
        """Return a required whole number between ``low`` and ``high``."""
        text = self.required(column)
        if not WHOLE_NUMBER.fullmatch(text):
            raise self.broken(column, f"{shown(text)} is not a whole number")
        value = int(text)
        if not low <= value <= high:
            raise self.broken(column, f"{value} is not between {low} and {high}")
        return value

    def number(self, column: str) -> float | None:
        """Return an optional number, ``None`` if it is missing."""
        text = self.text[column]
        if text in MISSING:
            return None
        value = float(text) if NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(value):
            raise self.broken(column, f"{shown(text)} is not a number")
        return value


def shown(text: str, limit: int = 40) -> str:
    """Quote a value for an error: pure ASCII, harmless to a terminal, and short."""
    return ascii(text if len(text) <= limit else text[: limit - 3] + "...")


def parse(raw: bytes, source: str) -> Parsed:
    """Read a whole file.

    Raises:
        BrokenFile: the first thing that keeps the file from being a table of hourly weather at one airport.
    """
    observations: list[Observation] = []
    bad: list[BadRow] = []
    airport = ""
    lines: dict[datetime, int] = {}
    for row in split(decode(raw, source), source):
        found = origin(row)
        airport = airport or found
        if found != airport:
            raise row.broken("origin", f"{found} after {airport}: a file holds the weather of one airport")
        day, instant = moment(row)
        if instant in lines:
            raise row.broken("time_hour", f"the hour {instant:%Y-%m-%dT%H:%MZ} is on line {lines[instant]} already")
        lines[instant] = row.line
        values = {column: row.number(column) for column in MEASUREMENTS}
        if fault := implausible(values):
            column, reason = fault
            bad.append(BadRow(row.line, instant, column, shown(row.text[column]), reason))
        else:
            observations.append(Observation(row.line, instant, day, **values))
    if not lines:
        raise BrokenFile(source, "there is no row after the header", 1)
    return Parsed(airport, tuple(observations), tuple(bad))


def decode(raw: bytes, source: str) -> str:
    """Decode UTF-8, with or without a byte order mark."""
    if not raw.strip():
        raise BrokenFile(source, "the file is empty", 1)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec strips the mark before it counts.
        body = error.object
        start = body.rfind(b"\n", 0, error.start) + 1
        names = body.partition(b"\n")[0].decode("ascii", "replace").split(",")
        position = body.count(b",", start, error.start)
        column = called(names[position].strip()) if start and position < len(names) else None
        line = body.count(b"\n", 0, start) + 1
        problem = f"byte {error.start - start + 1} of the line is not UTF-8 (0x{body[error.start]:02x})"
        raise BrokenFile(source, problem, line, column) from error


def split(text: str, source: str) -> Iterator[Row]:
    """Yield the rows after the header, each with the line on which it begins; lines without any character are skipped."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise BrokenFile(source, f"not a row of a CSV file: {error}", line) from error
        if fields is None:
            return
        if not fields:
            continue
        if names is None:
            names = header(fields, source, line)
        elif len(fields) < len(names):
            problem = f"the row ends before this column: {len(fields)} fields, and the header has {len(names)}"
            raise BrokenFile(source, problem, line, names[len(fields)])
        elif len(fields) > len(names):
            problem = f"the row goes on after the last column: {len(fields)} fields, and the header has {len(names)}"
            raise BrokenFile(source, problem, line, names[-1])
        else:
            yield Row(source, line, {name: field.strip() for name, field in zip(names, fields, strict=True)})


def header(fields: list[str], source: str, line: int) -> list[str]:
    """Check the names of the columns; their order is free, and further columns are ignored."""
    names = [field.strip() for field in fields]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise BrokenFile(source, f"the header lacks {', '.join(missing)}", line, missing[0])
    twice = [column for column in COLUMNS if names.count(column) > 1]
    if twice:
        raise BrokenFile(source, "the header has this column twice", line, twice[0])
    return [called(name) for name in names]


def called(name: str) -> str:
    """Name a column in an error: one that is not known may be called anything."""
    return name if name in COLUMNS else shown(name)


def origin(row: Row) -> str:
    """Return the airport of a row."""
    text = row.required("origin")
    if not AIRPORT.fullmatch(text):
        raise row.broken("origin", f"{shown(text)} is not the code of an airport")
    return text


def moment(row: Row) -> tuple[date, datetime]:
    """Return the local day of a row and its instant in UTC, after checking that the two tell the same hour."""
    year, month = row.whole("year", 1, 9999), row.whole("month", 1, 12)
    day, hour = row.whole("day", 1, 31), row.whole("hour", 0, 23)
    try:
        local = datetime(year, month, day, hour)
    except ValueError:
        raise row.broken("day", f"there is no day {year:04}-{month:02}-{day:02}") from None
    text = row.required("time_hour")
    try:
        instant = datetime.fromisoformat(text)
        utc = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise row.broken("time_hour", f"{shown(text)} is not a time such as 2013-01-01T06:00:00Z") from None
    if instant.tzinfo is None:
        raise row.broken("time_hour", f"{shown(text)} does not say its time zone; write 2013-01-01T06:00:00Z")
    offset = local - utc.replace(tzinfo=None)
    if offset % QUARTER or not WEST <= offset <= EAST:
        raise row.broken("time_hour", f"{shown(text)} is not {local:%Y-%m-%d %H:%M} on any clock on Earth")
    return local.date(), utc


def implausible(values: Mapping[str, float | None]) -> tuple[str, str] | None:
    """Return the first column whose value cannot be true, and why; ``None`` if all may be."""
    for column, limits in MEASUREMENTS.items():
        value = values[column]
        if value is not None and not limits.low <= value <= limits.high:
            return column, f"outside {limits.low:g} to {limits.high:g} {limits.unit}"
    temp, dewp = values["temp"], values["dewp"]
    if temp is not None and dewp is not None and dewp > temp + 2:  # each is rounded to a whole degree Celsius at worst
        return "dewp", f"above the temperature, {temp:g} F"
    speed, gust = values["wind_speed"], values["wind_gust"]
    if speed is not None and gust is not None and gust < speed:
        return "wind_gust", f"below the wind speed, {speed:g} mph"
    return None
