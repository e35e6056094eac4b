"""The pipeline's figures for the data set, found again by SQL and exact arithmetic, with nothing of the pipeline's code."""

import csv
import math
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pytest

from examples.weather.figures import Figures, summarise
from examples.weather.model import RUNWAYS
from examples.weather.rows import parse
from tests.examples.weather_files import DATA

RADIANS_04, RADIANS_11 = math.radians(26), math.radians(95)


def across(direction: float | None, mph: float | None, axis: float) -> float | None:
    """Cut the wind, as a vector, with the runway's axis: the length of what is left at right angles, to a hundredth of a knot."""
    if mph == 0:
        return 0.0
    if mph is None or direction is None:
        return None
    east, north = math.sin(math.radians(direction)), math.cos(math.radians(direction))
    speed = (Decimal(repr(mph)) / Decimal("1.15078")).quantize(Decimal("0.01"))
    return round(float(speed) * abs(east * math.cos(axis) - north * math.sin(axis)), 2)


@pytest.fixture(scope="module")
def found() -> Figures:
    """The pipeline's answer."""
    return summarise(parse(DATA.read_bytes(), "ewr_2013.csv"), RUNWAYS["EWR"])


@pytest.fixture(scope="module")
def table() -> Iterator[sqlite3.Connection]:
    """The file as a table, without the one row whose wind cannot be true, with disturbances as 1, 0 or NULL."""
    db = sqlite3.connect(":memory:")
    db.create_function("across", 3, across, deterministic=True)
    with DATA.open(newline="") as file:
        reader = csv.reader(file)
        columns = next(reader)
        db.execute(f"create table raw ({', '.join(f'{name} text' for name in columns)})")
        db.executemany(
            f"insert into raw values ({', '.join('?' * len(columns))})", ([None if v == "NA" else v for v in row] for row in reader)
        )
    db.execute("""
        create view hours as
        select time_hour, month + 0 as month, printf('%04d-%02d-%02d', year, month, day) as date,
               temp + 0.0 as temp, precip + 0.0 as precip, visib + 0.0 as visib, temp as temp_text, precip as precip_text,
               wind_dir + 0.0 as wind_dir, coalesce(wind_gust, wind_speed) + 0.0 as peak
        from raw where wind_speed is null or wind_speed + 0.0 < 1000
    """)
    db.execute(f"""
        create table judged as
        select *, visib < 3 as fog, peak >= 34.5233 as wind, a04 >= 20 as cross, temp <= 32 and precip > 0 as ice,
               visib < 3 or peak >= 34.5233 or a04 >= 20 or (temp <= 32 and precip > 0) as disturbed
        from (select *, across(wind_dir, peak, {RADIANS_04!r}) as a04, across(wind_dir, peak, {RADIANS_11!r}) as a11 from hours)
    """)
    yield db
    db.close()


def test_the_disturbed_hours_are_those_that_sql_finds(found: Figures, table: sqlite3.Connection) -> None:
    """Each reason, all together, and the hours that each rests on: three-valued logic is SQL's own."""
    for reason, name in zip((*found.year.reasons, found.year.disturbed), ("fog", "wind", "cross", "ice", "disturbed"), strict=True):
        assert (reason.yes, reason.known) == table.execute(f"select sum({name}), count({name}) from judged").fetchone(), name


def test_the_crosswinds_are_those_of_the_vectors(found: Figures, table: sqlite3.Connection) -> None:
    """Hours by steps, and the worst hour, for both runways."""
    for runway, name in zip(found.crosswinds, ("a04", "a11"), strict=True):
        query = f"select sum({name} >= 10), sum({name} >= 15), sum({name} >= 20), sum({name} >= 25), count({name}) from judged"
        assert (*runway.at_least, runway.known) == table.execute(query).fetchone()
        worst, at = table.execute(f"select {name}, time_hour from judged order by {name} desc, time_hour limit 1").fetchone()
        assert runway.worst == pytest.approx(worst, abs=0.011)
        assert runway.worst_at is not None
        assert f"{runway.worst_at:%Y-%m-%dT%H:%M:%SZ}" == at


def test_each_month_is_that_of_a_group_by(found: Figures, table: sqlite3.Connection) -> None:
    """Twelve months: rows, disturbed hours by reason, strongest wind and least visibility."""
    rows = table.execute("""
        select printf('2013-%02d', month), count(*), sum(fog), sum(wind), sum(cross), sum(ice), sum(disturbed), count(disturbed),
               round(max(peak) / 1.15078, 2), min(visib) from judged group by month order by month
    """).fetchall()
    assert rows == [
        (
            month.name,
            month.hours,
            *(count.yes for count in month.reasons),
            month.disturbed.yes,
            month.disturbed.known,
            month.wind_most,
            month.visib_least,
        )
        for month in found.months
    ]


def test_means_and_sums_are_those_of_exact_fractions(found: Figures, table: sqlite3.Connection) -> None:
    """The decimal text of the file, added without rounding, gives the same to the last digits of a float."""
    for month in found.months:
        number = int(month.name[-2:])
        temps = [
            Fraction(t) for (t,) in table.execute("select temp_text from judged where month = ? and temp_text not null", (number,))
        ]
        rains = [
            Fraction(t)
            for (t,) in table.execute("select precip_text from judged where month = ? and precip_text not null", (number,))
        ]
        assert (month.temp.known, month.precip.known) == (len(temps), len(rains))
        assert month.temp.value == pytest.approx(float(sum(temps) / len(temps)), rel=1e-14)
        assert month.precip.value == pytest.approx(float(sum(rains)), rel=1e-14)


def test_the_worst_days_are_those_of_an_order_by(found: Figures, table: sqlite3.Connection) -> None:
    """The seven days with the most disturbed hours, earlier days first among equals."""
    rows = table.execute(
        "select date, sum(disturbed), count(disturbed) from judged group by date order by 2 desc, 1 limit 7"
    ).fetchall()
    assert rows == [(day.name, day.disturbed.yes, day.disturbed.known) for day in found.worst_days]


def test_the_absent_hours_are_those_that_no_row_has(found: Figures, table: sqlite3.Connection) -> None:
    """The span from the first to the last row, less the rows."""
    query = "select (julianday(max(time_hour)) - julianday(min(time_hour))) * 24 + 1 - count(distinct time_hour) from raw"
    assert found.absent == round(table.execute(query).fetchone()[0])
