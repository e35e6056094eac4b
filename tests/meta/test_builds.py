"""What is measured where threads meet counts what it says, and stands in the documents for two builds; no time is asserted."""

import re
from threading import Lock
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import builds, cores, documents, scaling, tail
from benchmarks.builds import ALONE, PICTURES, TABLES, Builds
from benchmarks.cores import FREE, MOST, Control, Rounds, chosen
from benchmarks.growth import Figure, Point
from benchmarks.latency import CLOCK, PERCENTILES, STORE, WORST
from benchmarks.machine import Machine
from benchmarks.ratios import Goal, Result
from benchmarks.results import Results
from cano.store import MemoryStore


def figures(*, good: float = 5.0) -> dict[str, Figure]:
    """Make figures as if they had been measured: two threads do 1.8 times as much, and the tail is twice the middle."""
    control: list[Point] = [(good, 2.0, 1.97)]
    threads: Figure = {}
    reads: Figure = {}
    for name in scaling.SUBJECTS:
        threads |= {name: [(1, 2e7, 1.0), (2, 3.6e7, 1.8), (4, 3.5e7, 1.75)], f"{scaling.CONTROL}, {name}": control}
    for name in tail.SUBJECTS:
        middle = 50e-9 if name.startswith(CLOCK) else 100e-9
        reads[name] = [(place, middle * (2 if place == 99.9 else 1)) for place in (*PERCENTILES, WORST)]
        reads[f"{tail.CONTROL}, {name}"] = control
    return {
        "scaling": threads,
        "tail": reads,
        "memory": {"MemoryStore, allocated": [(1e3, 40.0)], "dict, allocated": [(1e3, 30.0)]},
    }


def run(interpreter: str, ratio: float, *, good: float = 5.0) -> Results:
    """Make the results of one build."""
    machine = Machine("a processor", "a system", interpreter, "a load", "a core")
    row = Result("get", "dict", Goal("at most", 1.6), ratio * 1e-8, 1e-8, ratio, 0.0)
    return Results("1.0", "2000-01-01", machine, False, 1.0, 1.0, [row], figures(good=good))


BOTH = Builds(run("CPython 3.99, free-threaded", 1.5), run("CPython 3.99", 1.7))


def test_both_builds_stand_side_by_side() -> None:
    """The page names each interpreter, and gives each build's own ratio and verdict."""
    text = documents.filled(
        "<!-- measured: builds --><!-- end --><!-- measured: builds, the store --><!-- end -->", BOTH.gil, None, BOTH
    )
    assert "CPython 3.99, free-threaded" in text
    row = next(line for line in text.splitlines() if line.startswith("| get "))
    assert re.split(r"\s*\|\s*", row.strip("| ")) == [
        "get",
        "dict",
        "at most 1.6×",
        "1.50×",
        "15 ns",
        "yes",
        "1.70×",
        "17 ns",
        "no, by 1.06×",
    ]
    assert "no GIL +10.0, GIL +10.0" in text


def test_a_document_says_what_is_not_measured_yet() -> None:
    """Without the results of both builds the parts are there, and empty, and no picture is drawn."""
    assert all(builds.part(name, None) == f"\n\n{builds.NOT_YET}\n\n" for name in TABLES)


def test_throughput_is_given_in_times_of_one_thread() -> None:
    """The goal stands at the two lines that have one, with its verdict; how many rounds count is said."""
    text = TABLES["builds, threads"](BOTH)
    assert "pictures/scaling.svg" in text
    assert text.count("at least 1.7×: yes") == len(scaling.GOALS)
    assert text.count("1.80×") == 2 * len(scaling.SUBJECTS)
    rounds = 5 * len(scaling.SUBJECTS)
    assert f"no GIL: {rounds} rounds count" in text
    assert "NOISY" not in text


def test_lines_without_an_undisturbed_round_are_marked() -> None:
    """Figures that a neighbour has spoilt are shown as such."""
    for name in ("scaling", "tail"):
        text = ALONE[name]([("", run("an interpreter", 1.0, good=0.0))])
        assert "NOISY" in text
        assert "~" in text.splitlines()[2]
        assert "~" not in ALONE[name]([("", run("an interpreter", 1.0))])


def test_the_tail_is_given_with_the_clock_and_without() -> None:
    """The price of the clock's middle is taken from both percentiles."""
    line = next(line for line in TABLES["builds, tail"](BOTH).splitlines() if line.startswith(f"| {STORE} "))
    assert re.split(r"\s*\|\s*", line.strip("| "))[-3:] == ["2.0×", "3.0×", "at most 3×: yes"]


def test_the_picture_shows_both_builds() -> None:
    """Each line is there twice, once dashed."""
    drawn = PICTURES[builds.PICTURE](BOTH)
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert drawn.count("<polyline") == 2 * drawn.count("stroke-dasharray") == 2 * len(builds.DRAWN)


@pytest.mark.parametrize("name", scaling.SUBJECTS)
def test_a_turn_does_as_many_operations_as_are_counted(name: str) -> None:
    """Each of the operations is done, over the keys that the line says, until it is told to end."""
    done: list[str] = []

    class Watched(dict[str, int]):
        def clone(self) -> "Watched":
            return self

        def get(self, key: str, kind: object = None) -> int:
            return self[key]

        def put(self, key: str, value: int) -> None:
            self[key] = value

        def __getitem__(self, key: str) -> int:
            done.append(key)
            going.clear()
            return 0

        def __setitem__(self, key: str, value: int) -> None:
            self[key]

    going = [True]
    watched: Any = Watched()
    work = scaling.worker(name, 1)
    work.__globals__["dict"] = lambda given: given
    assert work(watched, watched, (watched, Lock()), going, lambda: None) > 0
    assert len(done) == scaling.TURN
    assert len(set(done)) == 1


def test_every_value_that_a_thread_asks_for_is_there() -> None:
    """Each thread finds its key in the store."""
    for name in scaling.SUBJECTS:
        store = MemoryStore(scaling.data(name))
        assert {f"key {number}" for number in range(max(scaling.COUNTS))} < set(store.keys())


@pytest.mark.parametrize("name", tail.SUBJECTS)
def test_a_read_is_timed_beside_its_writers(name: str) -> None:
    """At least one read is counted or kept, whoever writes."""
    counts, late = tail.reads(name, 0.02)
    assert sum(counts) + len(late) > 0


def test_only_rounds_on_free_cores_count() -> None:
    """A round is as good as the worse of its two controls; the bad ones are thrown away and counted."""
    taken = [(FREE + 0.05, "good"), (FREE - 0.05, "bad"), (FREE, "as good")]
    assert chosen(taken, 2) == Rounds(["good", "as good"], 2, 1, FREE + 0.025)
    assert chosen([(MOST, "good"), (MOST + 0.1, "one was slowed")], 2) == Rounds(["good"], 1, 1, MOST)


def test_without_a_good_round_the_best_are_taken_and_none_is_called_good() -> None:
    """There is always a figure, and it says of itself that it is none to trust."""
    assert chosen([(1.0, "bad"), (1.5, "better"), (0.5, "worst")], 1) == Rounds(["better"], 0, 3, 1.5)


def test_a_subject_is_measured_until_enough_rounds_were_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disturbed rounds are repeated, up to three times as many as were wanted."""
    looks = iter([2.0, 2.0, 1.0, 2.0, 2.0, 2.0])
    monkeypatch.setattr(Control, "look", lambda control: next(looks))
    taken = cores.rounds(["one"], 3, lambda subject: subject)["one"]
    assert (taken.kept, taken.good, taken.thrown) == (["one"] * 3, 3, 2)


def test_two_processes_are_set_beside_one() -> None:
    """The control works in processes of its own, and they end."""
    assert Control(span=0.001).look() >= 0
