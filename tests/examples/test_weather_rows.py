import csv
import io
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from examples.weather.model import BrokenFile, Parsed
from examples.weather.rows import COLUMNS, IDENTITY, MEASUREMENTS, parse
from tests.examples.weather_files import DATA, HEADER, csv_bytes, hour, hours


def broken(raw: bytes) -> BrokenFile:
    with pytest.raises(BrokenFile) as caught:
        parse(raw, "mine.csv")
    return caught.value


def one(column: str, value: str) -> bytes:
    """Three hours, the second of which (line 3) has ``value`` in ``column``."""
    return csv_bytes(hours(3, {1: {column: value}}))


def test_a_plain_file_is_read_in_the_order_of_its_lines() -> None:
    """Every row becomes an observation with its line, its instant in UTC and its local day."""
    parsed = parse(csv_bytes(hours(30)), "mine.csv")
    assert (parsed.airport, len(parsed.observations), parsed.bad) == ("EWR", 30, ())
    assert [hour.line for hour in parsed.observations] == list(range(2, 32))
    first, last = parsed.observations[0], parsed.observations[-1]
    assert f"{first.instant:%Y-%m-%d %H:%M %Z} {first.day}" == "2013-01-01 06:00 UTC 2013-01-01"
    assert f"{last.instant:%Y-%m-%d %H:%M %Z} {last.day}" == "2013-01-02 11:00 UTC 2013-01-02"
    assert (first.temp, first.wind_speed, first.wind_gust, first.visib) == (50.0, 11.5078, None, 10.0)


@pytest.mark.parametrize("column", MEASUREMENTS)
@pytest.mark.parametrize("text", ["NA", "", " NA ", "  "])
def test_a_measurement_may_be_missing(column: str, text: str) -> None:
    """NA and nothing at all are missing values, and the row stays good."""
    parsed = parse(one(column, text), "mine.csv")
    assert getattr(parsed.observations[1], column) is None
    assert not parsed.bad


@pytest.mark.parametrize("column", IDENTITY)
@pytest.mark.parametrize("text", ["NA", ""])
def test_what_tells_hours_apart_may_not_be_missing(column: str, text: str) -> None:
    """A row without airport, date or hour breaks the file, at its line and column."""
    error = broken(one(column, text))
    assert (error.line, error.column) == (3, column)
    assert "missing" in str(error)


@pytest.mark.parametrize("column", MEASUREMENTS)
@pytest.mark.parametrize(
    "text",
    [
        "x",
        "nan",
        "inf",
        "-Infinity",
        "1_0",
        "1 0",
        "0x10",
        "\u0661\u0662",
        "\uff11\uff12",
        "1e9999",
        "--1",
        "1.2.3",
        ".",
        "e5",
        "\x001",
        "\x1b[2J",
    ],
)
def test_what_is_no_number_breaks_the_file(column: str, text: str) -> None:
    """Only plain decimal numbers are numbers, also where Python's own float would take more."""
    error = broken(one(column, text))
    assert (error.source, error.line, error.column) == ("mine.csv", 3, column)
    assert error.problem == f"{text!a} is not a number"
    assert str(error).isprintable()


@pytest.mark.parametrize("text", ["50", "50.0", "+50", " 50 ", "5e1", "5.0E+1", "050", '"50"'])
def test_ways_to_write_one_number(text: str) -> None:
    """A sign, an exponent, quotes and blanks around change nothing."""
    assert parse(one("temp", text), "mine.csv").observations[1].temp == 50.0


@pytest.mark.parametrize(
    ("column", "text", "says"),
    [
        ("year", "2O13", "'2O13' is not a whole number"),
        ("year", "0", "0 is not between 1 and 9999"),
        ("year", "2013.0", "'2013.0' is not a whole number"),
        ("month", "13", "13 is not between 1 and 12"),
        ("month", "-1", "'-1' is not a whole number"),
        ("day", "0", "0 is not between 1 and 31"),
        ("day", "9" * 5000, "is not a whole number"),
        ("hour", "24", "24 is not between 0 and 23"),
        ("hour", "\u0663", "is not a whole number"),
        ("time_hour", "yesterday", "'yesterday' is not a time such as 2013-01-01T06:00:00Z"),
        ("time_hour", "2013-01-01T07:00:00", "does not say its time zone"),
        ("time_hour", "2013-01-01", "does not say its time zone"),
        ("time_hour", "2013-01-01T25:00:00Z", "is not a time"),
        ("time_hour", "0001-01-01T00:00:00+05:00", "is not a time"),
        ("time_hour", "2013-01-03T07:00:00Z", "is not 2013-01-01 02:00 on any clock on Earth"),
        ("time_hour", "2013-01-01T07:07:00Z", "on any clock on Earth"),
        ("time_hour", "2013-01-01T06:00:00Z", "the hour 2013-01-01T06:00Z is on line 2 already"),
        ("time_hour", "2013-01-01T01:00:00-05:00", "the hour 2013-01-01T06:00Z is on line 2 already"),
        ("origin", "JFK", "JFK after EWR: a file holds the weather of one airport"),
        ("origin", "ewr", "'ewr' is not the code of an airport"),
        ("origin", "\x1b[31m", "'\\x1b[31m' is not the code of an airport"),
    ],
)
def test_a_bad_identity_breaks_the_file(column: str, text: str, says: str) -> None:
    """A date that does not exist, an hour that is there twice or another airport breaks the file, at its line and column."""
    error = broken(one(column, text))
    assert (error.line, error.column) == (3, column)
    assert says in str(error)


def test_a_day_that_the_month_does_not_have() -> None:
    """The 30th of February is an error of the day."""
    error = broken(csv_bytes([hour(0), hour(1, month="2", day="30")]))
    assert str(error) == "mine.csv, line 3, column day: there is no day 2013-02-30"


def test_the_hour_that_the_end_of_summer_time_repeats_is_no_duplicate() -> None:
    """Two rows with one local hour and two instants are two hours."""
    twice = {"month": "11", "day": "3", "hour": "1"}
    rows = [hour(0, **twice, time_hour="2013-11-03T05:00:00Z"), hour(1, **twice, time_hour="2013-11-03T06:00:00Z")]
    assert len(parse(csv_bytes(rows), "mine.csv").observations) == 2


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"wind_speed": "1048.36058"}, "wind_speed", "outside 0 to 253 mph"),
        ({"wind_speed": "-1"}, "wind_speed", "outside 0 to 253 mph"),
        ({"wind_gust": "254"}, "wind_gust", "outside 0 to 253 mph"),
        ({"wind_gust": "5"}, "wind_gust", "below the wind speed, 11.5078 mph"),
        ({"wind_dir": "361"}, "wind_dir", "outside 0 to 360 degrees"),
        ({"temp": "300"}, "temp", "outside -130 to 135 F"),
        ({"temp": "1e300"}, "temp", "outside -130 to 135 F"),
        ({"dewp": "53"}, "dewp", "above the temperature, 50 F"),
        ({"humid": "100.1"}, "humid", "outside 0 to 100 percent"),
        ({"precip": "-0.01"}, "precip", "outside 0 to 12 inches"),
        ({"pressure": "10120"}, "pressure", "outside 850 to 1090 mb"),
        ({"visib": "-1"}, "visib", "outside 0 to 100 miles"),
    ],
)
def test_a_value_that_cannot_be_true_makes_the_row_bad(changes: dict[str, str], column: str, reason: str) -> None:
    """The row is set aside with line, column, value and reason, and the others stay."""
    parsed = parse(csv_bytes(hours(3, {1: changes})), "mine.csv")
    (row,) = parsed.bad
    assert (row.line, row.column, row.value, row.reason) == (3, column, repr(changes[column]), reason)
    assert [hour.line for hour in parsed.observations] == [2, 4]


@pytest.mark.parametrize("column", MEASUREMENTS)
def test_the_ends_of_a_range_belong_to_it(column: str) -> None:
    """A value at the edge of the possible is possible."""
    limits = MEASUREMENTS[column]
    alone = dict.fromkeys(MEASUREMENTS, "NA")
    for end in (limits.low, limits.high):
        assert not parse(csv_bytes([hour(0, **alone | {column: str(end)})]), "mine.csv").bad


def test_the_first_of_two_bad_rows_still_counts_for_duplicates() -> None:
    """An hour is there twice also when one of its rows is bad."""
    same = hour(0)["time_hour"]
    error = broken(csv_bytes([hour(0, temp="900"), hour(0, time_hour=same)]))
    assert (error.line, error.column) == (3, "time_hour")


@pytest.mark.parametrize("raw", [b"", b"\n", b" \r\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file(raw: bytes) -> None:
    """A file without a line is broken, in its first."""
    error = broken(raw)
    assert error.line == 1


def test_a_header_alone() -> None:
    """A file without rows is broken."""
    assert str(broken(csv_bytes([]))) == "mine.csv, line 1: there is no row after the header"


@pytest.mark.parametrize("column", COLUMNS)
def test_each_column_must_be_there_once(column: str) -> None:
    """A header without a column, or with it twice, is an error that names the column."""
    rows = hours(2)
    without = broken(csv_bytes(rows, [name for name in HEADER if name != column]))
    assert str(without) == f"mine.csv, line 1, column {column}: the header lacks {column}"
    twice = broken(csv_bytes(rows, [*HEADER, column]))
    assert str(twice) == f"mine.csv, line 1, column {column}: the header has this column twice"


def test_all_missing_columns_are_named() -> None:
    """A file of another kind is told all that it lacks."""
    assert "the header lacks origin, year, month, day, hour, temp" in str(broken(b"a,b\n1,2\n"))


def test_too_few_and_too_many_fields() -> None:
    """A row of another length than the header is an error that names where it ends or goes on."""
    good = csv_bytes(hours(2))
    few = broken(good + b"EWR,2013,1,1\n")
    assert str(few) == "mine.csv, line 4, column hour: the row ends before this column: 4 fields, and the header has 15"
    many = broken(good.rstrip(b"\n") + b",9\n")
    assert (
        str(many) == "mine.csv, line 3, column time_hour: the row goes on after the last column: 16 fields, and the header has 15"
    )


def test_not_utf8_names_line_and_column() -> None:
    """A byte of another encoding is found in its line and column, with and without a byte order mark."""
    raw = csv_bytes(hours(3)).replace(b"68.5", b"68\xb0", 2).replace(b"68\xb0", b"68.5", 1)
    for mark in (b"", b"\xef\xbb\xbf"):
        error = broken(mark + raw)
        assert (error.line, error.column) == (3, "humid")
        assert "is not UTF-8 (0xb0)" in str(error)
    assert str(broken(b"\xff\xfe" + "origin".encode("utf-16-le"))) == "mine.csv, line 1: byte 1 of the line is not UTF-8 (0xff)"


def test_bad_quotes_name_the_line_where_the_row_begins() -> None:
    """An open quote is an error of the row that opens it, however far it reaches."""
    assert broken(one("temp", '"50')).line == 3
    assert broken(one("temp", '"5"0')).line == 3


def test_a_huge_field_is_no_crash() -> None:
    """A field beyond the limit of the CSV reader is an error like any other."""
    error = broken(one("temp", "1" * 200_000))
    assert error.line == 3
    assert len(str(error)) < 200


def test_quoted_line_breaks_do_not_shift_the_lines() -> None:
    """Lines are counted in the file, not in rows."""
    rows = [hour(number, note='"a\nb"') for number in range(2)]
    error = broken(csv_bytes([*rows, hour(2, note="c", temp="x")], [*HEADER, "note"]))
    assert error.line == 6


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_blank_lines_marks_and_order_do_not_matter(end: str) -> None:
    """A file from another system, with its columns shuffled and one more, means the same."""
    rows = hours(5, {2: {"wind_gust": "NA", "temp": ""}, 3: {"temp": "999"}})
    columns = [*HEADER, "note"]
    random.Random(7).shuffle(columns)
    text = csv_bytes([row | {"note": "a"} for row in rows], columns).decode()
    other = b"\xef\xbb\xbf" + (text.replace("\n", end) + end).encode()
    assert parse(other, "mine.csv") == parse(csv_bytes(rows), "mine.csv")


def outcome(raw: bytes) -> Parsed | BrokenFile:
    """Parse; anything but rows or the one readable error comes out as it is and fails the test."""
    try:
        return parse(raw, "mine.csv")
    except BrokenFile as error:
        return error


def readable(error: BrokenFile, raw: bytes) -> bool:
    lines = raw.count(b"\n") + raw.count(b"\r") + 1
    return error.line is not None and 1 <= error.line <= lines and str(error).isprintable()


@given(st.binary(max_size=300))
@example(b"\x00\n\x80")  # the name of a column that a terminal would act on
@example(b"\x1b[2J,a\n0,\xff")
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """No input at all raises anything but the one readable error."""
    error = outcome(raw)
    assert isinstance(error, BrokenFile)
    assert readable(error, raw)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_damage_to_a_good_file_is_read_or_refused(data: st.DataObject) -> None:
    """Bytes cut out, put in or replaced anywhere lead to rows or to the one readable error."""
    good = csv_bytes(hours(4))
    start = data.draw(st.integers(0, len(good)))
    stop = data.draw(st.integers(start, min(len(good), start + 60)))
    raw = good[:start] + data.draw(st.binary(max_size=30)) + good[stop:]
    result = outcome(raw)
    assert isinstance(result, Parsed) or readable(result, raw)


@given(st.integers(0, 3), st.sampled_from(HEADER), st.text(max_size=20))
@settings(max_examples=400, deadline=None)
def test_damage_to_one_cell_is_reported_in_that_cell(number: int, column: str, text: str) -> None:
    """Whatever stands in one cell: the file is read, or the row is bad, or the error names that line and that column.

    A wrong date may also show in the time beside it, and an hour that becomes that of a later row only there.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, HEADER, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(hours(4, {number: {column: text}}))
    try:
        result = outcome(buffer.getvalue().encode())
    except UnicodeEncodeError:  # a lone surrogate is no text of a file
        return
    if isinstance(result, BrokenFile):
        if column in IDENTITY:
            assert result.column in IDENTITY
        else:
            assert (result.line, result.column) == (number + 2, column)
    else:
        assert len(result.observations) + len(result.bad) == 4
        assert all(row.line == number + 2 for row in result.bad)


def test_the_data_set_is_read_whole() -> None:
    """Of 8,703 rows one is bad: the wind of 1,048 mph, on the line that SOURCE.md names."""
    parsed = parse(DATA.read_bytes(), "ewr_2013.csv")
    assert len(parsed.observations) == 8_702
    assert [(row.line, row.column, row.value) for row in parsed.bad] == [(1011, "wind_speed", "'1048.36058'")]
