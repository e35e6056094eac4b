import pytest

from examples.weather.figures import summarise
from examples.weather.model import RUNWAYS, Parsed, Runway
from examples.weather.report import render_figures, render_path, render_rejection, render_store, table
from examples.weather.rows import parse
from tests.examples.weather_files import DATA, MEASUREMENTS, csv_bytes, hours

IMPOSSIBLE = {"wind_speed": "1048.36058"}


def fits(text: str) -> bool:
    return text.isascii() and all(len(line) <= 100 and line == line.rstrip() for line in text.splitlines())


def report(parsed: Parsed, *runways: Runway) -> str:
    return render_figures(summarise(parsed, runways), parsed.bad, "mine.csv")


def test_the_report_of_the_data_set_fits_any_terminal() -> None:
    """Plain ASCII, at most 100 columns, no blank at the end of a line, no control character."""
    text = report(parse(DATA.read_bytes(), "mine.csv"), *RUNWAYS["EWR"])
    assert fits(text)
    assert text.replace("\n", "").isprintable()


def test_a_figure_that_rests_on_fewer_hours_says_so() -> None:
    """A mean whose hours are not all of the month's has their number in brackets, and a line explains it."""
    assert "50.0 (9)" in report(parse(csv_bytes(hours(10, {3: {"temp": "NA"}})), "mine.csv"))
    assert "In brackets" not in report(parse(csv_bytes(hours(10)), "mine.csv"))


def test_hours_that_count_neither_way_are_told() -> None:
    """The hours whose missing values leave the question open are named as such."""
    assert "1 hour lacks a value that would decide; it counts neither way." in report(
        parse(csv_bytes(hours(10, {3: {"visib": "NA"}})), "mine.csv")
    )
    assert "2 hours lack a value that would decide; they count neither way." in report(
        parse(csv_bytes(hours(10, {3: {"visib": "NA"}, 4: {"visib": "NA"}})), "mine.csv")
    )
    assert "neither way" not in report(parse(csv_bytes(hours(10)), "mine.csv"))


def test_an_airport_without_known_runways_gets_advice() -> None:
    """The crosswind needs headings, and the report says how to give them."""
    text = report(parse(csv_bytes([row | {"origin": "JFK"} for row in hours(3)]), "mine.csv"))
    assert "No runways are known for JFK; give them, as in --runway 04/22=26" in text
    assert fits(text)


def test_a_file_without_any_measurement_has_a_report_of_dashes() -> None:
    """Nothing known is a dash, no zero and no crash."""
    nothing = dict.fromkeys(MEASUREMENTS, "NA")
    text = report(parse(csv_bytes(hours(2, {0: nothing, 1: nothing})), "mine.csv"), *RUNWAYS["EWR"])
    assert "- (0)" in text
    assert "nan" not in text


def test_many_bad_rows_are_cut_short() -> None:
    """The first ten are shown with their place, and the number of the others."""
    parsed = parse(csv_bytes(hours(20, dict.fromkeys(range(13), IMPOSSIBLE))), "mine.csv")
    text = render_rejection(parsed.bad, 20, 5.0, "mine.csv")
    assert "In 13 of 20 rows (65.0 %) a value cannot be true; 5 % may be bad at most." in text
    assert "  wind_speed  outside 0 to 253 mph    13" in text
    assert "  11  wind_speed  '1048.36058'  outside 0 to 253 mph\n  ... and 3 more" in text
    assert fits(text)


def test_the_path_has_every_step_its_time_and_its_note() -> None:
    """A state that ran has a time, the last one has none, and the time of the whole run is below."""
    text = render_path([("READ", 0.0015), ("VALIDATE", 0.1)], "DONE", 0.102, {"READ": "12 bytes"})
    assert [line.split() for line in text.splitlines()[4:]] == [
        ["READ", "1.5", "ms", "12", "bytes"],
        ["VALIDATE", "100.0", "ms"],
        ["DONE"],
        ["in", "all", "102.0", "ms"],
    ]


def test_the_store_is_shown_by_key_type_and_size() -> None:
    """Keys are sorted, and a size has its unit."""
    text = render_store({"b": [1], "a": b"123", "d": 5, "c": "text"}.items())
    assert [line.split() for line in text.splitlines()[4:]] == [
        ["a", "bytes", "3", "bytes"],
        ["b", "list", "1", "item"],
        ["c", "str", "4", "characters"],
        ["d", "int", "1", "record"],
    ]


@pytest.mark.parametrize("rows", [[], [["a", "1"]], [["a much longer one", "1,000"]]])
def test_a_table_lines_up(rows: list[list[str]]) -> None:
    """Names to the left, numbers to the right."""
    lines = table(["name", "number"], rows)
    assert len({len(line) for line in lines}) == 1
