"""The figures in the README are those that were measured."""

from tests.meta.tree import ROOT


def rows(text: str) -> list[list[str]]:
    """Read the rows of the tables in a text, cell by cell."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]


def test_every_figure_of_the_readme_stands_in_the_results() -> None:
    """Each row of the README's table is a row of the written results, with the same figure and the same goal."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## What it costs")[2].partition("\n## ")[0]
    name = section.partition("(benchmarks/results/")[2].partition(")")[0]
    measured = {
        (operation, against): [figure, goal]
        for operation, _, against, _, figure, goal, _ in rows((ROOT / "benchmarks" / "results" / name).read_text(encoding="utf-8"))
    }
    shown = rows(section)[1:]
    assert len(shown) > 10
    for operation, against, figure, goal in shown:
        assert measured[operation, against] == [figure, goal]
