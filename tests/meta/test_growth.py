"""The measurements behind docs/performance.md count and read what they say; no time is asserted."""

import os
import sys
from itertools import chain

import pytest

from benchmarks import __main__, keys, latency, machine, memory, threads, values
from benchmarks.effort import FULL, SMOKE
from benchmarks.growth import Figure
from benchmarks.parts import pair
from benchmarks.picture import Axis, Line, apart, lines


def sizes(figure: Figure) -> set[float]:
    """List the places of all points of a figure."""
    return {point[0] for point in chain.from_iterable(figure.values())}


def test_growth_is_measured_at_every_power_of_ten_up_to_the_last() -> None:
    """A whole run goes to 10 million keys and a million elements; a smaller effort ends earlier."""
    assert FULL.sizes(most=keys.MOST) == [10**power for power in range(1, 8)]
    assert FULL.sizes(most=values.MOST) == [10**power for power in range(1, 7)]
    assert sizes(keys.measure(SMOKE)) == sizes(values.measure(SMOKE)) == {10, 100}


def test_both_sides_of_a_growing_case_hold_the_same_keys() -> None:
    """Store and dict are filled alike, each key that is asked for is there, and there are enough of them to time."""
    made = keys.names(100)
    assert made["s"].snapshot() == made["d"]
    assert set(made["picks"]) <= set(made["keys"])
    assert len(made["picks"]) == 1_000


@pytest.mark.parametrize("subject", threads.STATEMENTS)
def test_each_thread_reads_nine_times_for_a_write(subject: str) -> None:
    """A turn of the loop does what the throughput is reckoned with, and ends when it is told to."""
    asked: list[str] = []
    put: list[str] = []

    class Watched(dict[str, int]):
        def get(self, key: str, kind: object) -> int:  # type: ignore[override] # as the store's
            return self[key]

        def put(self, key: str, value: int) -> None:
            self[key] = value

        def __getitem__(self, key: str) -> int:
            asked.append(key)
            return 0

        def __setitem__(self, key: str, value: int) -> None:
            put.append(key)
            going.clear()

    going = [True]
    assert threads.worker(subject, [f"key {i}" for i in range(threads.KEYS)])(Watched(), going) == 1
    assert (len(asked), len(put)) == (threads.READS, threads.WRITES)


def test_percentiles_are_those_of_all_reads_the_counted_and_the_late() -> None:
    """Of a thousand reads the middle, the tail and the worst are found, whichever way they were noted."""
    counts = [0] * 100
    counts[50], counts[90] = 900, 98
    assert dict(map(pair, latency.percentiles(counts, [700_000, 5_000_000]))) == pytest.approx(
        {50.0: 50e-9, 99.0: 90e-9, 99.9: 5e-3, 99.99: 5e-3, 100.0: 5e-3}
    )
    halves = [0] * 10 + [500] * 2
    assert dict(map(pair, latency.percentiles(halves, [])))[50.0] == pytest.approx(11e-9)
    assert dict(map(pair, latency.percentiles(counts, [])))[latency.WORST] == pytest.approx(90e-9)


def test_the_switch_interval_is_put_back() -> None:
    """Measuring with another interval of the interpreter leaves none behind."""
    before = sys.getswitchinterval()
    latency.measure(SMOKE)
    assert sys.getswitchinterval() == before


def test_what_is_weighed_is_what_was_put() -> None:
    """Each size is weighed when exactly so many keys are in, and the weight beyond the empty one is divided by them."""
    held: dict[str, int] = {}
    assert memory.fill(held.__setitem__, 20, lambda: 5_000 + 100 * len(held)) == [(10, 100.0), (15, 100.0), (20, 100.0)]


def test_a_picture_places_its_lines_by_their_axes() -> None:
    """A logarithmic axis gives each power of ten the same room, a plain one begins at zero."""
    drawn = lines(
        "title", Axis("keys", str, log=True), Axis("time", str), [Line("ours", [(10, 5.0), (100, 10.0), (1_000, 0.0)], 0)]
    )
    assert 'points="90.0,205.0 360.0,46.0 630.0,364.0"' in drawn
    assert apart([10.0, 11.0, 50.0]) == [10.0, 27.0, 50.0]


def test_a_machine_that_others_keep_busy_is_not_measured_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run is refused with the way around it, before anything is measured or written."""
    monkeypatch.setattr(os, "getloadavg", lambda: (machine.BUSY, 0.0, 0.0))
    monkeypatch.setattr(__main__, "PATIENCE", 0)
    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    assert __main__.main() == 1
    said = capsys.readouterr()
    assert "--anyway" in said.err
    assert said.out == ""
