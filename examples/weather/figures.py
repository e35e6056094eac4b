"""What the weather means for traffic, in figures that say how many hours each rests on.

A question about an hour has three answers: yes, no, and ``None`` when a value that it needs is missing.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from examples.weather.model import Observation, Parsed, Runway

LOW_VISIBILITY = 3.0  # statute miles: with less, nobody lands by sight
STRONG_WIND = 30.0  # knots
CROSSWIND = 20.0  # knots across the main runway: with more, traffic is moved to another
CROSSWIND_STEPS = (10.0, 15.0, 20.0, 25.0)
FREEZING = 32.0  # degrees Fahrenheit
WORST_DAYS = 7

MPH_PER_KNOT = 1.15078  # the factor with which the data set turned knots into miles per hour
HOUR = timedelta(hours=1)

Question = Callable[[Observation], bool | None]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an hour is disturbed, in a word and in a phrase."""

    word: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Count:
    """``yes`` hours among the ``known`` ones."""

    yes: int
    known: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean or a sum over the ``known`` hours; ``None`` when there is none."""

    value: float | None
    known: int


@dataclass(frozen=True, slots=True)
class Crosswind:
    """For each of ``CROSSWIND_STEPS`` the hours with at least that much wind across a runway, and the worst hour."""

    runway: str
    at_least: tuple[int, ...]
    known: int
    worst: float | None
    worst_at: datetime | None


@dataclass(frozen=True, slots=True)
class Period:
    """A month or a day: its hours, and what they were like."""

    name: str
    hours: int
    temp: Figure
    precip: Figure
    visib_least: float | None
    wind_most: float | None
    reasons: tuple[Count, ...]
    disturbed: Count


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the report shows of a year. ``reasons`` tells what ``Period.reasons`` counts, in its order."""

    airport: str
    first: datetime
    last: datetime
    absent: int
    reasons: tuple[Reason, ...]
    year: Period
    crosswinds: tuple[Crosswind, ...]
    months: tuple[Period, ...]
    worst_days: tuple[Period, ...]


def knots(mph: float) -> float:
    """Convert to knots, to a hundredth, so that a wind reported in whole knots is that whole number again."""
    return round(mph / MPH_PER_KNOT, 2)


def peak_wind(hour: Observation) -> float | None:
    """Return the strongest wind of an hour in knots: the gust if one is reported, else the steady wind."""
    known = [wind for wind in (hour.wind_speed, hour.wind_gust) if wind is not None]
    return knots(max(known)) if known else None


def crosswind(hour: Observation, runway: Runway) -> float | None:
    """Return the part of the peak wind that blows across a runway, in knots; unknown when the wind's direction is."""
    peak = peak_wind(hour)
    if peak is None or peak == 0:
        return peak
    if hour.wind_dir is None:
        return None
    return round(peak * abs(math.sin(math.radians(hour.wind_dir - runway.heading))), 2)


def low_visibility(hour: Observation) -> bool | None:
    """Tell whether nobody can land by sight."""
    return None if hour.visib is None else hour.visib < LOW_VISIBILITY


def strong_wind(hour: Observation) -> bool | None:
    """Tell whether the wind or its gusts are strong."""
    peak = peak_wind(hour)
    return None if peak is None else peak >= STRONG_WIND


def strong_crosswind(runway: Runway) -> Question:
    """Make the question whether the wind across ``runway`` is strong."""

    def question(hour: Observation) -> bool | None:
        across = crosswind(hour, runway)
        return None if across is None else across >= CROSSWIND

    return question


def ice(hour: Observation) -> bool | None:
    """Tell whether something falls at or below freezing, so that aircraft and runways need clearing."""
    wet = None if hour.precip is None else hour.precip > 0
    cold = None if hour.temp is None else hour.temp <= FREEZING
    if wet is False or cold is False:
        return False
    return None if wet is None or cold is None else True


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Join answers by "or": one yes is enough, and no needs every answer."""
    known = True
    for answer in answers:
        if answer:
            return True
        known = known and answer is not None
    return False if known else None


def count(answers: Sequence[bool | None]) -> Count:
    """Count the yes and the known answers."""
    return Count(sum(answer is True for answer in answers), sum(answer is not None for answer in answers))


def mean(values: Iterable[float | None]) -> Figure:
    """Return the mean of the known values."""
    known = [value for value in values if value is not None]
    return Figure(math.fsum(known) / len(known) if known else None, len(known))


def total(values: Iterable[float | None]) -> Figure:
    """Return the sum of the known values."""
    known = [value for value in values if value is not None]
    return Figure(math.fsum(known) if known else None, len(known))


def reasons_at(runways: Sequence[Runway]) -> Mapping[Reason, Question]:
    """Name the reasons for which weather disturbs traffic, each with its question."""
    reasons: dict[Reason, Question] = {
        Reason("low vis", f"visibility below {LOW_VISIBILITY:g} miles"): low_visibility,
        Reason("wind", f"wind or gusts of {STRONG_WIND:g} knots or more"): strong_wind,
    }
    if runways:
        main = runways[0]
        reasons[Reason("cross", f"{CROSSWIND:g} knots or more across {main.name}")] = strong_crosswind(main)
    reasons[Reason("ice", "rain or snow at or below freezing")] = ice
    return reasons


def period(name: str, hours: Sequence[Observation], questions: Iterable[Question]) -> Period:
    """Sum up the hours of a period."""
    answers = [[question(hour) for hour in hours] for question in questions]
    return Period(
        name=name,
        hours=len(hours),
        temp=mean(hour.temp for hour in hours),
        precip=total(hour.precip for hour in hours),
        visib_least=min((hour.visib for hour in hours if hour.visib is not None), default=None),
        wind_most=max((wind for hour in hours if (wind := peak_wind(hour)) is not None), default=None),
        reasons=tuple(count(row) for row in answers),
        disturbed=count([any_of(column) for column in zip(*answers, strict=True)]),
    )


def across(runway: Runway, hours: Sequence[Observation]) -> Crosswind:
    """Sum up the wind across one runway in hours that are in order."""
    winds = [(wind, hour.instant) for hour in hours if (wind := crosswind(hour, runway)) is not None]
    at_least = tuple(sum(wind >= step for wind, _ in winds) for step in CROSSWIND_STEPS)
    worst, worst_at = max(winds, key=lambda pair: pair[0]) if winds else (None, None)  # the first of equals
    return Crosswind(runway.name, at_least, len(winds), worst, worst_at)


def absent_hours(instants: Iterable[datetime]) -> int:
    """Count the hours between the first and the last instant in which there is none."""
    present = {instant.replace(minute=0, second=0, microsecond=0) for instant in instants}
    return (max(present) - min(present)) // HOUR + 1 - len(present)


def summarise(parsed: Parsed, runways: Sequence[Runway]) -> Figures:
    """Compute all figures from the plausible rows; there must be one at least."""
    hours = sorted(parsed.observations, key=lambda hour: hour.instant)
    reasons = reasons_at(runways)
    by_month: defaultdict[str, list[Observation]] = defaultdict(list)
    by_day: defaultdict[date, list[Observation]] = defaultdict(list)
    for hour in hours:
        by_month[f"{hour.day:%Y-%m}"].append(hour)
        by_day[hour.day].append(hour)
    days = [period(day.isoformat(), rows, reasons.values()) for day, rows in by_day.items()]
    bad_days = [day for day in days if day.disturbed.yes]
    return Figures(
        airport=parsed.airport,
        first=hours[0].instant,
        last=hours[-1].instant,
        absent=absent_hours([*(hour.instant for hour in hours), *(row.instant for row in parsed.bad)]),
        reasons=tuple(reasons),
        year=period("all", hours, reasons.values()),
        crosswinds=tuple(across(runway, hours) for runway in runways),
        months=tuple(period(month, rows, reasons.values()) for month, rows in by_month.items()),
        worst_days=tuple(sorted(bad_days, key=lambda day: -day.disturbed.yes)[:WORST_DAYS]),
    )
