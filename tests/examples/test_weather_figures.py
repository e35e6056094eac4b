from datetime import UTC, date, datetime

import pytest

from examples.weather import figures
from examples.weather.figures import Count, Figure, any_of, crosswind, ice, knots, low_visibility, peak_wind, strong_wind, summarise
from examples.weather.model import RUNWAYS, Observation, Runway
from examples.weather.rows import parse
from tests.examples.weather_files import MEASUREMENTS, csv_bytes, hour, hours

NORTH = Runway("18/36", 0.0)


def observed(**values: float | None) -> Observation:
    known: dict[str, float | None] = dict.fromkeys(MEASUREMENTS)
    return Observation(2, datetime(2013, 1, 1, 6, tzinfo=UTC), date(2013, 1, 1), **known | values)


@pytest.mark.parametrize("whole", range(1, 121))
def test_whole_knots_come_back_whole(whole: int) -> None:
    """A wind that was reported in whole knots is no hair less, so that 30 knots are 30 knots."""
    assert knots(whole * 1.15078) == whole


@pytest.mark.parametrize(
    ("answers", "joined"),
    [
        ([], False),
        ([False, False], False),
        ([False, None], None),
        ([None, True], True),
        ([True, None, False], True),
        ([None], None),
    ],
)
def test_one_yes_is_enough_and_no_needs_all(answers: list[bool | None], joined: bool | None) -> None:
    """An unknown answer hides a no, never a yes."""
    assert any_of(answers) is joined


def test_the_peak_is_the_gust_where_there_is_one() -> None:
    """A missing gust is no gust; without any wind value nothing is known."""
    assert peak_wind(observed(wind_speed=23.0156, wind_gust=34.5234)) == 30
    assert peak_wind(observed(wind_speed=23.0156)) == 20
    assert peak_wind(observed(wind_gust=34.5234)) == 30
    assert peak_wind(observed()) is None


@pytest.mark.parametrize(("direction", "across"), [(0, 0), (360, 0), (180, 0), (90, 40), (270, 40), (30, 20), (210, 20), (330, 20)])
def test_crosswind_is_the_part_at_right_angles(direction: float, across: float) -> None:
    """The wind across a runway is the sine's share, the same from either side and for either direction of landing."""
    blowing = observed(wind_speed=40 * 1.15078, wind_dir=direction)
    assert crosswind(blowing, NORTH) == across
    assert crosswind(blowing, Runway("36/18", 180.0)) == across


def test_crosswind_needs_a_direction_unless_it_is_calm() -> None:
    """A wind from no one direction has an unknown part across; a calm has none."""
    assert crosswind(observed(wind_speed=11.5), NORTH) is None
    assert crosswind(observed(wind_speed=0.0), NORTH) == 0
    assert crosswind(observed(wind_dir=90.0), NORTH) is None


@pytest.mark.parametrize(
    ("question", "values", "answer"),
    [
        (low_visibility, {"visib": 2.99}, True),
        (low_visibility, {"visib": 3.0}, False),
        (low_visibility, {}, None),
        (strong_wind, {"wind_speed": 34.5234}, True),
        (strong_wind, {"wind_speed": 33.37262}, False),
        (strong_wind, {}, None),
        (ice, {"temp": 32.0, "precip": 0.01}, True),
        (ice, {"temp": 32.02, "precip": 0.01}, False),
        (ice, {"temp": 32.0, "precip": 0.0}, False),
        (ice, {"temp": 60.0}, False),
        (ice, {"precip": 0.0}, False),
        (ice, {"temp": 10.0}, None),
        (ice, {"precip": 0.5}, None),
        (ice, {}, None),
    ],
)
def test_questions_at_their_edges(question: figures.Question, values: dict[str, float], answer: bool | None) -> None:
    """Each question says yes at its limit, no beyond it, and nothing when what it needs is missing."""
    assert question(observed(**values)) is answer


@pytest.mark.parametrize(
    ("wind", "steps", "strong"), [(20.0, (1, 1, 1, 0), True), (19.99, (1, 1, 0, 0), False), (10.0, (1, 0, 0, 0), False)]
)
def test_crosswind_at_the_edges_of_its_steps(wind: float, steps: tuple[int, ...], strong: bool) -> None:
    """A wind of exactly so many knots reaches the step and disturbs; a hair less does neither."""
    blowing = observed(wind_speed=wind * 1.15078, wind_dir=90.0)
    assert figures.across(NORTH, [blowing]).at_least == steps
    assert figures.strong_crosswind(NORTH)(blowing) is strong


def test_each_figure_rests_on_the_hours_that_have_its_value() -> None:
    """A missing value takes its hour out of the figures that need it, and out of no other."""
    changed = {
        0: {"temp": "NA", "visib": "1"},
        1: {"precip": "", "temp": "20", "dewp": "NA"},
        2: {"wind_dir": "NA", "wind_gust": "40", "visib": "NA"},
        3: {"precip": "0.5", "temp": "20", "dewp": "NA"},
    }
    result = summarise(parse(csv_bytes(hours(4, changed)), "mine.csv"), [Runway("04/22", 26.0)])
    assert [reason.word for reason in result.reasons] == ["low vis", "wind", "cross", "ice"]
    assert result.year.reasons == (Count(1, 3), Count(1, 4), Count(0, 3), Count(1, 3))
    # The first for its visibility, the third for its gust, the fourth for its ice; of the second nobody knows.
    assert result.year.disturbed == Count(3, 3)
    assert result.year.temp == Figure(30.0, 3)
    assert result.year.precip == Figure(0.5, 3)
    assert result.crosswinds[0].known == 3


def test_nothing_known_is_said_so() -> None:
    """Without a single value there is no mean, no sum and no worst hour."""
    nothing = dict.fromkeys(MEASUREMENTS, "NA")
    result = summarise(parse(csv_bytes([hour(0, **nothing)]), "mine.csv"), RUNWAYS["EWR"])
    assert result.year.temp == result.year.precip == Figure(None, 0)
    assert (result.year.visib_least, result.year.wind_most, result.year.disturbed) == (None, None, Count(0, 0))
    assert (result.crosswinds[0].worst, result.crosswinds[0].worst_at, result.worst_days) == (None, None, ())


def test_hours_without_a_row_are_counted() -> None:
    """An hour between the first and the last that has no row is absent; a bad row's hour is not."""
    rows = [hour(0), hour(2, temp="999"), hour(5)]
    assert summarise(parse(csv_bytes(rows), "mine.csv"), ()).absent == 3


def test_the_order_of_the_rows_does_not_matter() -> None:
    """A file that is sorted otherwise has the same figures."""
    rows = hours(50, {7: {"visib": "0.5"}, 30: {"wind_gust": "51.7851"}, 31: {"wind_gust": "51.7851"}})
    forwards, backwards = (summarise(parse(csv_bytes(order), "mine.csv"), RUNWAYS["EWR"]) for order in (rows, rows[::-1]))
    assert forwards == backwards
    assert forwards.crosswinds[0].worst_at == datetime(2013, 1, 2, 12, tzinfo=UTC)


def test_the_worst_days_come_first_and_calm_ones_not_at_all() -> None:
    """Days are ordered by their disturbed hours, then by date."""
    fog = {"visib": "0.25"}
    result = summarise(parse(csv_bytes(hours(96, {30: fog, 31: fog, 60: fog, 5: fog})), "mine.csv"), ())
    assert [(day.name, day.disturbed.yes) for day in result.worst_days] == [("2013-01-02", 2), ("2013-01-01", 1), ("2013-01-03", 1)]
