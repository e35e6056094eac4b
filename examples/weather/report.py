"""Figures as plain text: ASCII, at most 100 columns wide, readable on any terminal."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Sized

from examples.weather.figures import CROSSWIND_STEPS, Count, Figure, Figures, Period
from examples.weather.model import BadRow

WIDTH = 100
SHOWN_BAD_ROWS = 10
BAR_WIDTH = 10


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, align: str = "<") -> list[str]:
    """Line up columns under their heads; ``align`` has "<" or ">" for each, and ">" for those that it leaves out."""
    lines = [head, *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(head))]
    sides = align.ljust(len(head), ">")
    return [
        ("  " + "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(line, sides, widths, strict=True))).rstrip()
        for line in lines
    ]


def share(count: Count) -> str:
    """Write the share of the yes among the known, to a tenth of a percent."""
    return f"{100 * count.yes / count.known:.1f} %" if count.known else "-"


def number(value: float | None, digits: int) -> str:
    """Write a value, or a dash if there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def figure(item: Figure, digits: int, hours: int) -> str:
    """Write a figure, with the hours that it rests on where these are not all."""
    return number(item.value, digits) + (f" ({item.known})" if item.known != hours else "")


def title(text: str) -> list[str]:
    """Head a section."""
    return ["", text, "-" * len(text)]


def render_figures(figures: Figures, bad: Sequence[BadRow], source: str) -> str:
    """Write the report of a file that was accepted."""
    year = figures.year
    heading = f"Weather against traffic at {figures.airport}"
    lines = [
        heading,
        "=" * len(heading),
        f"{source}: {year.hours + len(bad):,} rows; {year.hours:,} used, {len(bad):,} set aside",
        f"{figures.first:%Y-%m-%d %H:%M} to {figures.last:%Y-%m-%d %H:%M} UTC; {figures.absent:,} hours in between have no row",
    ]
    lines += disturbances(figures)
    lines += crosswinds(figures)
    lines += months(figures)
    lines += worst_days(figures)
    if bad:
        lines += title("Rows set aside, because a value cannot be true")
        lines += bad_rows(bad)
    return "\n".join(lines) + "\n"


def disturbances(figures: Figures) -> list[str]:
    """Write how many hours were disturbed, and by what."""
    year = figures.year
    rows = [
        [reason.phrase, f"{count.yes:,}", f"{count.known:,}", share(count)]
        for reason, count in zip(figures.reasons, year.reasons, strict=True)
    ]
    rows.append(["any of these", f"{year.disturbed.yes:,}", f"{year.disturbed.known:,}", share(year.disturbed)])
    lines = title("Hours in which weather disturbs traffic")
    lines += table(["", "hours", "of known", "share"], rows)
    undecided = year.hours - year.disturbed.known
    if undecided:
        who, what = ("hour lacks", "it counts") if undecided == 1 else ("hours lack", "they count")
        lines.append(f"  {undecided:,} {who} a value that would decide; {what} neither way.")
    return lines


def crosswinds(figures: Figures) -> list[str]:
    """Write how often the wind blows across each runway."""
    lines = title("Wind across each runway, gusts included: hours with at least so many knots")
    if not figures.crosswinds:
        return [
            *lines,
            f"  No runways are known for {figures.airport}; give them, as in --runway 04/22=26 (degrees from true north)",
        ]
    rows = [
        [
            item.runway,
            *(f"{hours:,}" for hours in item.at_least),
            f"{item.known:,}",
            number(item.worst, 1),
            f"{item.worst_at:%Y-%m-%d %H:%M}" if item.worst_at else "-",
        ]
        for item in figures.crosswinds
    ]
    return lines + table(["runway", *(f"{step:g} kt" for step in CROSSWIND_STEPS), "of known", "worst kt", "at (UTC)"], rows)


def outcome_heads(figures: Figures) -> list[str]:
    """Head the columns that ``outcome`` fills."""
    return [*(reason.word for reason in figures.reasons), "any", "known"]


def outcome(item: Period) -> list[str]:
    """Write the disturbed hours of a month or a day as cells."""
    return [*(f"{count.yes:,}" for count in item.reasons), f"{item.disturbed.yes:,}", f"{item.disturbed.known:,}"]


def bars(items: Sequence[Period]) -> list[str]:
    """Draw the share of disturbed hours, the worst as the longest."""
    shares = [item.disturbed.yes / item.disturbed.known if item.disturbed.known else 0.0 for item in items]
    most = max(shares, default=0.0)
    return ["#" * round(part / most * BAR_WIDTH) if most else "" for part in shares]


def months(figures: Figures) -> list[str]:
    """Write one row a month, with a bar for the share of disturbed hours."""
    head = ["month", "hours", "mean F", "inches", "most kt", *outcome_heads(figures)]
    rows = [
        [
            item.name,
            f"{item.hours:,}",
            figure(item.temp, 1, item.hours),
            figure(item.precip, 2, item.hours),
            number(item.wind_most, 0),
            *outcome(item),
        ]
        for item in figures.months
    ]
    body = table(head, rows)
    width = max(map(len, body))
    lines = title("Month by month: the weather, and the hours that it disturbs")
    lines += [f"{line.ljust(width)}  {bar}".rstrip() for line, bar in zip(body, ["", *bars(figures.months)], strict=True)]
    if any({item.temp.known, item.precip.known} != {item.hours} for item in figures.months):
        lines.append("  In brackets: the hours that a figure rests on, where some lack the value.")
    return lines


def worst_days(figures: Figures) -> list[str]:
    """Write the days with the most disturbed hours."""
    if not figures.worst_days:
        return []
    head = ["day", "hours", "mean F", "inches", "least mi", "most kt", *outcome_heads(figures)]
    rows = [
        [
            item.name,
            f"{item.hours:,}",
            figure(item.temp, 1, item.hours),
            figure(item.precip, 2, item.hours),
            number(item.visib_least, 2),
            number(item.wind_most, 0),
            *outcome(item),
        ]
        for item in figures.worst_days
    ]
    return title("The worst days") + table(head, rows)


def bad_rows(bad: Sequence[BadRow]) -> list[str]:
    """Write the first bad rows with their place and reason."""
    rows = [[f"{row.line}", row.column, row.value, row.reason] for row in bad[:SHOWN_BAD_ROWS]]
    lines = table(["line", "column", "value", "reason"], rows, align="><<<")
    if len(bad) > SHOWN_BAD_ROWS:
        lines.append(f"  ... and {len(bad) - SHOWN_BAD_ROWS:,} more")
    return lines


def render_rejection(bad: Sequence[BadRow], rows: int, max_bad_percent: float, source: str) -> str:
    """Write why a file was rejected."""
    heading = f"REJECTED: {source}"
    found = f"In {len(bad):,} of {rows:,} rows ({100 * len(bad) / rows:.1f} %) a value cannot be true"
    lines = [
        heading,
        "=" * min(len(heading), WIDTH),
        f"{found}; {max_bad_percent:g} % may be bad at most.",
        "Nothing was computed.",
    ]
    reasons = Counter((row.column, row.reason) for row in bad)
    lines += title("Why")
    lines += table(
        ["column", "reason", "rows"],
        [[column, reason, f"{n:,}"] for (column, reason), n in reasons.most_common(SHOWN_BAD_ROWS)],
        align="<<",
    )
    lines += title("Where")
    lines += bad_rows(bad)
    return "\n".join(lines) + "\n"


def render_path(steps: Sequence[tuple[str, float]], end: str, seconds: float, notes: Mapping[str, str]) -> str:
    """Write the states of a run, each with its seconds and its note, the one in which it ended, and the seconds of it all."""
    rows = [[state, f"{1000 * spent:,.1f} ms", notes.get(state, "")] for state, spent in steps]
    rows.append([end, "", ""])
    rows.append(["in all", f"{1000 * seconds:,.1f} ms", ""])
    return "\n".join(title("The path through the states") + table(["state", "time", ""], rows, align="<><")) + "\n"


def size(value: object) -> str:
    """Tell how much a value holds."""
    if isinstance(value, Sized):
        unit = {str: "character", bytes: "byte"}.get(type(value), "item")
        return f"{len(value):,} {unit}" + ("s" if len(value) != 1 else "")
    return "1 record"


def render_store(content: Iterable[tuple[str, object]]) -> str:
    """Write what lies under each key of a store."""
    rows = [[key, type(value).__name__, size(value)] for key, value in sorted(content, key=lambda item: item[0])]
    return "\n".join(title("What lies in the store") + table(["key", "type", "size"], rows, align="<<")) + "\n"
