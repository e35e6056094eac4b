"""The page about other engines shows what was measured, and our own forms of the job do it; no other engine has to be installed."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.documents import FOLDER, MARKED
from benchmarks.growth import Figure
from benchmarks.machine import Machine
from benchmarks.peers import flight, report, timing
from benchmarks.peers.job import NUMBER, Run, result
from benchmarks.peers.report import (
    BEST,
    FLIGHT,
    MEASURED,
    PAGE,
    PICTURE,
    TABLES,
    Peers,
    digits,
    filled,
    loads,
    path_of,
    picture,
    read,
    table,
)
from benchmarks.peers.subjects import IN_FLIGHT, LOOP, OURS, SUBJECTS, Subject
from benchmarks.ratios import Result
from benchmarks.results import Results
from tests.meta.test_measured import FIGURE

HERE = [subject for subject in SUBJECTS if subject.package in ("", OURS)]
MACHINE = Machine(cpu="a processor", system="a system", interpreter="an interpreter", load="a load", pinned="a core")


def measured() -> Peers:
    """Read the results, which have to be there."""
    peers = read()
    assert peers is not None
    return peers


def made(*, step: float = 1e-6) -> Peers:
    """Make results as if everything took the same, so many runs had been in flight, and nothing was noisy."""
    rows = [Result(subject.label, LOOP, None, step, 1e-6, step / 1e-6, step - 1e-6) for subject in SUBJECTS]
    figures: dict[str, Figure] = {
        BEST: {subject.label: [(step, 1e-6)] for subject in SUBJECTS},
        FLIGHT: {subject.label: [(10_000.0, 2_000.0, 3_000.0)] for subject in SUBJECTS if subject.weighs},
    }
    versions = {subject.package: "1.2.3" for subject in SUBJECTS if subject.package}
    return Peers(versions, Results("1.0", "2000-01-01", MACHINE, False, 1.0, 1.0, rows, figures))


def test_the_page_shows_what_was_measured() -> None:
    """Every marked part is what the results give, to the letter."""
    text = PAGE.read_text(encoding="utf-8")
    assert filled(text, measured()) == text
    assert {found["name"] for found in MARKED.finditer(text)} == set(TABLES)


def test_the_picture_shows_what_was_measured() -> None:
    """It is what is drawn from the results, to the byte, well-formed, and shown on the page."""
    drawn = picture(measured())
    assert (FOLDER / f"{PICTURE}.svg").read_text(encoding="utf-8") == drawn
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert f"](pictures/{PICTURE}.svg)" in PAGE.read_text(encoding="utf-8")


def test_every_figure_of_the_page_was_measured() -> None:
    """Outside the marks stands no time and no ratio."""
    assert FIGURE.findall(MARKED.sub("", PAGE.read_text(encoding="utf-8"))) == []


def test_results_that_are_read_are_those_that_were_written() -> None:
    """The file and what is read from it agree, and it is JSON."""
    written = path_of(MEASURED).read_text(encoding="utf-8")
    held = loads(written)
    assert held.dumps() == written
    assert held.results == held.results.kept()
    assert json.loads(written)["versions"] == held.versions
    assert not held.results.short


def test_the_results_hold_every_form() -> None:
    """Each was timed, and ten thousand runs of each that can have them were weighed; every package has its version."""
    peers = measured()
    assert [(row.name, row.against) for row in peers.results.rows] == [(subject.label, LOOP) for subject in SUBJECTS]
    assert {label: points[0][0] for label, points in peers.results.figures[FLIGHT].items()} == {
        subject.label: IN_FLIGHT for subject in SUBJECTS if subject.weighs
    }
    assert set(peers.versions) == {subject.package for subject in SUBJECTS if subject.package}


def test_the_extra_admits_what_was_measured() -> None:
    """Each package stands in the extra, with a floor that is the version of the table or its beginning."""
    text = (PAGE.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    extra = text.split("\npeers = [")[1].split("\n]")[0]
    floors = dict(re.findall(r'"([\w-]+)>=([\d.]+)"', extra))
    versions = {name: version for name, version in measured().versions.items() if name != OURS}
    assert set(floors) == set(versions)
    assert all(f"{versions[name]}.".startswith(f"{floor}.") for name, floor in floors.items())


def test_a_table_names_what_could_not_be_weighed() -> None:
    """A form that has one object for all runs says so, and one without coroutines would need a thread for each."""
    lines = {line.split("|")[1].strip(): line for line in table(made()).splitlines()}
    assert "one at a time" in lines["Burr, one application"]
    assert "a thread each" in lines["PocketFlow, sync"]
    assert re.search(r"\| 1\.2\.3 +\|.*\| 1\.00 +\| 1\.00 +\| 1\.00× +\| 10,000 +\| 2\.0 +\| 3\.0 +\|", lines["LangGraph"])
    assert "1.2.3" not in lines[LOOP]


@pytest.mark.parametrize(
    ("number", "written"), [(0.494, "0.49"), (9.996, "10.0"), (99.96, "100"), (987.6, "988"), (1234.5, "1,230")]
)
def test_a_number_has_three_digits(number: float, written: str) -> None:
    """Small ones have two behind the point, and large ones no exponent."""
    assert digits(number) == written


def test_a_noisy_run_says_so_on_the_page() -> None:
    """What speaks against the figures stands among the facts."""
    peers = made()
    noisy = replace(peers, results=replace(peers.results, share=0.5))
    assert "NOISY" in filled("<!-- measured: facts --><!-- end -->", noisy)
    assert "NOISY" not in filled("<!-- measured: facts --><!-- end -->", peers)


def test_every_bar_of_the_picture_lies_within_it() -> None:
    """So do the words, and what has no figure has no bar."""
    root = ElementTree.fromstring(picture(made(step=2e-3)))
    bars = [each for each in root.iter() if each.tag.endswith("rect")][1:]
    assert len(bars) == len(SUBJECTS) - 1 + sum(subject.weighs for subject in SUBJECTS)
    assert all(0 < float(bar.attrib["x"]) + float(bar.attrib["width"]) < float(root.attrib["width"]) for bar in bars)
    assert all(float(bar.attrib["width"]) >= 0 for bar in bars)


@pytest.mark.parametrize("subject", HERE, ids=lambda subject: subject.label)
def test_our_own_forms_do_the_job(subject: Subject) -> None:
    """The loop and each form of ours end with the right number, and take a version from here."""

    async def several(run: Run) -> list[int]:
        return [await run(number) for number in (NUMBER, 0, -7)]

    assert asyncio.run(several(subject.run(None))) == [result(number) for number in (NUMBER, 0, -7)]
    assert bool(subject.version()) is (subject.package == OURS)


@pytest.mark.parametrize("subject", [subject for subject in HERE if subject.weighs], ids=lambda subject: subject.label)
def test_runs_in_flight_all_wait_and_all_end(subject: Subject) -> None:
    """As many as are asked for wait in their second state at once, and end with results of their own."""
    assert flight.weighed(subject, 5, "resident") >= 0


def test_a_wrong_result_is_no_result() -> None:
    """Neither a time nor a weight is given for a job that was not done."""

    async def run(number: int) -> int:
        return number

    with pytest.raises(ValueError, match="ended with 20, and not with 39"):
        asyncio.run(timing.again(run, 1))
    with pytest.raises(ValueError, match="another result"):
        flight.check([1, 1])


def test_an_engine_is_imported_only_where_it_is_measured() -> None:
    """The command lists its subjects, and the report is written, without any of them."""
    source = Path(report.__file__).read_text(encoding="utf-8")
    assert not re.search(
        r"^(?:from|import) (?:pocketflow|transitions|burr|pydantic_graph|langgraph|workflows)\b", source, re.MULTILINE
    )
