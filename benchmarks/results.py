"""What one run measured, as it is written to ``benchmarks/results/`` and read again: all tables and pictures are made of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.growth import Figure
from benchmarks.machine import STEADY, UNDISTURBED, Machine
from benchmarks.ratios import Goal, Result

FOLDER = Path(__file__).parent / "results"
DIGITS = 4  # more would be noise


def rounded(number: float) -> float:
    """Keep the digits that a figure has."""
    return float(f"{number:.{DIGITS}g}")


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run. ``share`` is the part of its core that the process had, ``spread`` how much a fixed loop's time varied."""

    cano: str
    date: str
    machine: Machine
    short: bool
    share: float
    spread: float
    rows: Sequence[Result]
    figures: dict[str, Figure]

    @property
    def disturbed(self) -> list[str]:
        """What speaks against the figures, in words; empty on a machine that was quiet and stayed so."""
        words = ["a short run: few rounds, small sizes"] if self.short else []
        if "BUSY" in self.machine.load:
            words.append("the machine was busy before the run")
        if self.share < UNDISTURBED:
            words.append("others took part of the core")
        if self.spread > STEADY:
            words.append("the machine's speed changed during the run")
        return words

    def row(self, name: str, against: str) -> Result:
        """Find a row of the table."""
        return next(row for row in self.rows if (row.name, row.against) == (name, against))

    def kept(self) -> "Results":
        """Round all that was measured, as it is kept."""
        rows = [
            replace(row, ours=rounded(row.ours), other=rounded(row.other), ratio=rounded(row.ratio), over=rounded(row.over))
            for row in self.rows
        ]
        figures = {
            name: {line: [tuple(rounded(number) for number in point) for point in points] for line, points in figure.items()}
            for name, figure in self.figures.items()
        }
        return replace(self, share=rounded(self.share), spread=rounded(self.spread), rows=rows, figures=figures)

    def dumps(self) -> str:
        """Write it as JSON, one row or line of a figure to a line, so that two runs can be compared."""
        told = asdict(self)
        rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in told.pop("rows"))
        figures = ",\n".join(
            f"  {json.dumps(name)}: {{\n"
            + ",\n".join(f"   {json.dumps(line, ensure_ascii=False)}: {json.dumps(points)}" for line, points in figure.items())
            + "\n  }"
            for name, figure in told.pop("figures").items()
        )
        facts = json.dumps(told, indent=1, ensure_ascii=False).removesuffix("\n}")
        return f'{facts},\n "rows": [\n{rows}\n ],\n "figures": {{\n{figures}\n }}\n}}\n'


def loads(text: str) -> Results:
    """Read what ``dumps`` has written."""
    told: dict[str, Any] = json.loads(text)
    rows = [Result(**{**row, "goal": row["goal"] and Goal(**row["goal"])}) for row in told.pop("rows")]
    figures = {
        name: {line: [tuple(point) for point in points] for line, points in figure.items()}
        for name, figure in told.pop("figures").items()
    }
    return Results(**{**told, "machine": Machine(**told["machine"])}, rows=rows, figures=figures)


def read(slug: str) -> Results | None:
    """Read the results of this name, if there are any."""
    path = FOLDER / f"{slug}.json"
    return loads(path.read_text(encoding="utf-8")) if path.exists() else None
