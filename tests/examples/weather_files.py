"""Small weather files for the tests, made from hours that are plain and in which one thing at a time can be changed."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "examples" / "weather" / "data" / "ewr_2013.csv"
IDENTITY = ("origin", "year", "month", "day", "hour", "time_hour")
MEASUREMENTS = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
HEADER = [*IDENTITY[:-1], *MEASUREMENTS, IDENTITY[-1]]
START = datetime(2013, 1, 1, 6, tzinfo=UTC)
BEHIND_UTC = timedelta(hours=5)


def hour(number: int, **changes: str) -> dict[str, str]:
    """Make the text of the hour ``number`` after the start, with some columns changed."""
    instant = START + number * timedelta(hours=1)
    local = instant - BEHIND_UTC
    row = {
        "origin": "EWR",
        "year": f"{local.year}",
        "month": f"{local.month}",
        "day": f"{local.day}",
        "hour": f"{local.hour}",
        "temp": "50",
        "dewp": "40",
        "humid": "68.5",
        "wind_dir": "270",
        "wind_speed": "11.5078",
        "wind_gust": "NA",
        "precip": "0",
        "pressure": "1012",
        "visib": "10",
        "time_hour": f"{instant:%Y-%m-%dT%H:%M:%SZ}",
    }
    return row | changes


def csv_bytes(rows: Iterable[Mapping[str, str]], columns: Iterable[str] = HEADER) -> bytes:
    """Write rows under a header, as the bytes of a file."""
    columns = list(columns)
    return "".join(",".join(line) + "\n" for line in [columns, *([row[column] for column in columns] for row in rows)]).encode()


def hours(count: int, changed: Mapping[int, Mapping[str, str]] | None = None) -> list[dict[str, str]]:
    """Make ``count`` hours, those in ``changed`` with some columns changed."""
    changed = changed or {}
    return [hour(number, **changed.get(number, {})) for number in range(count)]
