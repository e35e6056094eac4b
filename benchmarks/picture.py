"""Pictures as SVG: lines over a logarithmic axis, and bars. The same figures give the same bytes, so that a test can hold them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 90, 230, 46, 56  # the names of the lines stand to their right
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#aa4499")  # told apart with any kind of eyes
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.title{font-size:16px;font-weight:600}"
    ".grid{stroke:#ddd}.line{fill:none;stroke-width:2}.goal{stroke:#222;stroke-width:2}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a picture; lines of one ``colour`` belong together, and those that are not ours are dashed."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """What lies along one side: its name, how a value is written there, and where there are marks.

    Without ``marks`` they are found: the powers of ten of a logarithmic axis, round steps from zero of another.
    """

    name: str
    written: Callable[[float], str]
    log: bool = False
    marks: Sequence[float] = ()

    def ticks(self, values: Sequence[float]) -> list[float]:
        """Find the marks; the first and the last are the ends of the axis."""
        if self.marks:
            return list(self.marks)
        if self.log:
            low, high = floor(log10(min(values))), ceil(log10(max(values)))
            return [float(f"1e{power}") for power in range(low, max(high, low + 1) + 1)]
        step = 10 ** floor(log10(max(values)))
        step = next(step * part for part in (0.2, 0.5, 1, 2) if max(values) / (step * part) <= 6)
        return [round(step * i, 12) for i in range(ceil(max(values) / step) + 1)]

    def place(self, value: float, ticks: Sequence[float]) -> float:
        """Say where a value lies between the ends of the axis, from 0 to 1."""
        low, high = ticks[0], ticks[-1]
        if self.log:
            return log10(value / low) / log10(high / low)
        return (value - low) / (high - low)


def text(x: float, y: float, words: str, *, anchor: str = "start", more: str = "") -> str:
    """Write words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def stroke(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> str:
    """Draw a straight line."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def svg(title: str, parts: Sequence[str], *, height: int = HEIGHT) -> str:
    """Put the parts together on white, under a title."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
            f"<title>{escape(title)}</title><style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            text(20, 28, title, more=' class="title"'),
            *parts,
            "</svg>\n",
        ]
    )


def apart(heights: Sequence[float], *, gap: float = 17) -> list[float]:
    """Push labels apart that would lie on each other, in their order from the top."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else height)
    over = max(0.0, placed[-1] - (HEIGHT - BOTTOM)) if placed else 0.0
    return [height - over for height in placed]


def lines(title: str, across: Axis, up: Axis, drawn: Sequence[Line]) -> str:
    """Draw lines, each with its name at its right end."""
    x_ticks = across.ticks([x for line in drawn for x, _ in line.points])
    y_ticks = up.ticks([y for line in drawn for _, y in line.points])
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + across.place(x, x_ticks) * (right - LEFT), bottom - up.place(y, y_ticks) * (bottom - TOP)

    parts: list[str] = []
    for tick in y_ticks:
        _, y = at(x_ticks[0], tick)
        parts += [stroke(LEFT, y, right, y), text(LEFT - 8, y + 4, up.written(tick), anchor="end")]
    for tick in x_ticks:
        x, _ = at(tick, y_ticks[0])
        parts += [stroke(x, TOP, x, bottom), text(x, bottom + 18, across.written(tick), anchor="middle")]
    parts += [
        text((LEFT + right) / 2, HEIGHT - 12, across.name, anchor="middle"),
        text(0, 0, up.name, anchor="middle", more=f' transform="translate(18 {(TOP + bottom) / 2:.0f}) rotate(-90)"'),
    ]
    ends: list[tuple[float, float, Line]] = []
    for line in drawn:
        places = [at(x, y) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dashes = ' stroke-dasharray="6 4"' if line.dashed else ""
        colour = COLOURS[line.colour]
        parts.append(f'<polyline class="line" stroke="{colour}"{dashes} points="{path}"/>')
        ends.append((*places[-1], line))
    ends.sort(key=lambda end: end[1])
    for (x, y, line), label in zip(ends, apart([y for _, y, _ in ends]), strict=True):
        parts += [
            f'<line stroke="{COLOURS[line.colour]}" x1="{x + 2:.1f}" y1="{y:.1f}" x2="{right + 14}" y2="{label:.1f}"/>',
            text(right + 18, label + 4, line.name, more=f' style="fill:{COLOURS[line.colour]}"'),
        ]
    return svg(title, parts)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its name, what is written at its end, and the mark that it should not pass."""

    name: str
    value: float
    written: str
    goal: float | None = None


def bars(title: str, note: str, drawn: Sequence[Bar]) -> str:
    """Draw bars from zero, with a line at 1, what they are compared with."""
    left, right, top, each = 250, WIDTH - 150, 58, 24
    most = max(max(bar.value, bar.goal or 0) for bar in drawn)
    bottom = top + each * len(drawn)

    def at(value: float) -> float:
        return left + value / most * (right - left)

    parts: list[str] = []
    for number, bar in enumerate(drawn):
        y = top + each * number
        colour = COLOURS[0] if bar.goal is None or bar.value <= bar.goal else COLOURS[1]
        parts += [
            text(left - 8, y + 16, bar.name, anchor="end"),
            f'<rect x="{left}" y="{y + 3}" width="{at(bar.value) - left:.1f}" height="{each - 7}" fill="{colour}"/>',
            text(max(at(bar.value), at(bar.goal or 0)) + 8, y + 16, bar.written),
        ]
        if bar.goal is not None:
            parts.append(stroke(at(bar.goal), y + 1, at(bar.goal), y + each - 2, "goal"))
    parts += [
        f'<line x1="{at(1):.1f}" y1="{top - 4}" x2="{at(1):.1f}" y2="{bottom}" stroke="#222" stroke-dasharray="2 3"/>',
        text(20, bottom + 24, note),
    ]
    return svg(title, parts, height=bottom + 40)
