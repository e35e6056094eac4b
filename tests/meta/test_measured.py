"""The figures in the documents are those that were measured, and every figure in them was."""

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from benchmarks import builds
from benchmarks.builds import FREE_THREADED, WITH_GIL, read_builds
from benchmarks.documents import BESIDE, FOLDER, MARKED, MEASURED, PAGES, filled, pictures
from benchmarks.machine import Machine
from benchmarks.parts import TABLES
from benchmarks.ratios import Goal, Result
from benchmarks.results import FOLDER as RESULTS
from benchmarks.results import Results, loads, read
from benchmarks.table import facts, grid, page, summary
from tests.meta.tree import ROOT

MACHINE = Machine(cpu="a processor", system="a system", interpreter="an interpreter", load="a load", pinned="a core")
# A number with the unit of something measured.
FIGURE = re.compile(r"\d[\d.,]*\s?(?:×|ns|µs|ms|%|bytes|MB|million)(?!\w)")


def results(name: str) -> Results:
    """Read results that have to be there."""
    found = read(name)
    assert found is not None, name
    return found


DRAWN = pictures(results(MEASURED), read_builds())


def row(ratio: float, goal: Goal | None = None) -> Result:
    """Make a row as if it had been measured."""
    return Result("get", "dict", goal, ratio * 1e-8, 1e-8, ratio, 0.0)


def run(*rows: Result, **facts: object) -> Results:
    """Make the results of a run that nothing disturbed, but for what is said."""
    quiet = Results("1.0", "2000-01-01", MACHINE, short=False, share=1.0, spread=1.0, rows=rows, figures={})
    return replace(quiet, **facts)  # type: ignore[arg-type] # a wrong name fails


@pytest.mark.parametrize("name", PAGES)
def test_a_document_shows_what_was_measured(name: str) -> None:
    """Every marked part of a document is what the results give, to the letter."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert filled(text, results(MEASURED), results(BESIDE), read_builds()) == text


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_shows_what_was_measured(name: str) -> None:
    """Every picture is what is drawn from the results, to the byte, and is well-formed."""
    drawn = DRAWN[name]
    assert (FOLDER / f"{name}.svg").read_text(encoding="utf-8") == drawn
    assert ElementTree.fromstring(drawn).tag.endswith("svg")


def test_every_table_and_picture_is_shown() -> None:
    """Nothing is measured for no reader, and no document points to a picture that nobody draws."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in PAGES]
    shown = {found["name"] for text in texts for found in MARKED.finditer(text)}
    assert {*TABLES, *builds.TABLES} <= shown
    assert {name for text in texts for name in re.findall(r"pictures/(\w+)\.svg", text)} == set(DRAWN)


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_of_a_document_was_measured(name: str) -> None:
    """Outside the marks stands no time, ratio or share, but for those of the original, which say that they are not rerun."""
    text = MARKED.sub("", (ROOT / name).read_text(encoding="utf-8"))
    text = re.sub(r"\n## The Rust original.*?(?=\n## )", "", text, flags=re.DOTALL)
    assert FIGURE.findall(text) == []


def test_the_readme_shows_a_table() -> None:
    """A change of the marks cannot turn the tests above into ones that compare nothing."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert any("| measured" in found["shown"] for found in MARKED.finditer(text))


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    """Prose stays as it is, in lines of text and around tables; filling twice is filling once."""
    once = filled("a <!-- measured: get | dict -->old<!-- end --> b\n<!-- measured: goals --><!-- end -->c", run(row(2.0)), None)
    assert once.startswith("a <!-- measured: get | dict -->2.00×<!-- end --> b\n<!-- measured: goals -->\n\n1 rows;")
    assert once.endswith("<!-- end -->c")
    assert filled(once, run(row(2.0)), None) == once


def test_a_part_that_nobody_makes_is_an_error() -> None:
    """A misspelt mark is found when the document is filled."""
    with pytest.raises(KeyError):
        filled("<!-- measured: goal --><!-- end -->", run(), None)


@pytest.mark.parametrize("name", [MEASURED, BESIDE, *(name for name in (FREE_THREADED, WITH_GIL) if read(name))])
def test_results_that_are_read_are_those_that_were_written(name: str) -> None:
    """The file, the page beside it, and what is read from it agree."""
    held = results(name)
    assert (RESULTS / f"{name}.json").read_text(encoding="utf-8") == held.dumps()
    assert (RESULTS / f"{name}.md").read_text(encoding="utf-8") == f"# Measured\n\n{page(held)}\n"
    assert loads(held.dumps()) == held == held.kept()


def test_the_page_says_on_what_it_was_measured_and_what_was_reached() -> None:
    """Machine, load, interpreter and the count of goals stand beside the figures."""
    rows = [row(ratio, Goal("at most", 1.6)) for ratio in (1.5, 1.7, 9.0)] + [row(1.0)]
    text = page(run(*rows, share=0.993))
    for fact in ("a processor", "a system", "an interpreter", "a load", "a core", "99%", summary(rows), grid(rows)):
        assert fact in text
    assert summary(rows) == "4 rows; 3 goals: 1 met, 1 missed by less than 1.5×, 1 by more."


@pytest.mark.parametrize(
    "disturbed",
    [
        run(share=0.9),
        run(spread=1.3),
        run(short=True),
        run(machine=replace(MACHINE, load="load 1.00 (BUSY: take the figures as rough)")),
    ],
)
def test_a_run_that_was_disturbed_says_so(disturbed: Results) -> None:
    """Others on the core, a machine that changes its speed, a busy machine and a short run are marked; a good run is not."""
    assert "NOISY" in facts(disturbed)
    assert "NOISY" not in facts(run())


@pytest.mark.parametrize("drawn", DRAWN.values(), ids=DRAWN)
def test_no_two_names_of_a_picture_lie_on_each_other(drawn: str) -> None:
    """The names at the right end of the lines keep a line's height between them, and all lie within the picture."""
    root = ElementTree.fromstring(drawn)
    names = [each for each in root.iter() if each.tag.endswith("text") and "style" in each.attrib]
    heights = sorted(float(each.attrib["y"]) for each in names)
    assert all(after - before > 15 for before, after in pairwise(heights))
    assert all(0 < height < float(root.attrib["height"]) for height in heights)
