import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from tests.examples.weather_files import DATA, HEADER, ROOT, csv_bytes, hours

IMPOSSIBLE = {"wind_speed": "1048.36058"}


def weather(*arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as a person would, in a poor terminal."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "examples.weather", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C", "PYTHONIOENCODING": "ascii", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def mine(tmp_path: Path) -> Callable[[bytes], Path]:
    """Write a person's own file."""

    def write(raw: bytes) -> Path:
        path = tmp_path / "mine.csv"
        path.write_bytes(raw)
        return path

    return write


def section(text: str, heading: str) -> list[list[str]]:
    """Return the words of each line under a heading of the report."""
    body = text.split(f"\n{heading}\n{'-' * len(heading)}\n")[1].split("\n\n")[0]
    return [line.split() for line in body.splitlines()]


def test_the_data_set_gives_its_report() -> None:
    """Without arguments the command reports the year at Newark, the path through the states and the store, and succeeds."""
    done = weather()
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith(
        "Weather against traffic at EWR\n"
        "==============================\n"
        "examples/weather/data/ewr_2013.csv: 8,703 rows; 8,702 used, 1 set aside\n"
        "2013-01-01 06:00 to 2013-12-30 23:00 UTC; 27 hours in between have no row\n"
    )
    assert "  any of these                         861     8,455  10.2 %\n" in done.stdout
    assert "  247 hours lack a value that would decide; they count neither way.\n" in done.stdout
    assert "  04/22   1,747  1,086    516    163     8,446      43.1  2013-01-31 11:00\n" in done.stdout
    assert "  1011  wind_speed  '1048.36058'  outside 0 to 253 mph\n" in done.stdout
    assert done.stdout.isascii()
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_the_path_and_the_store_are_shown() -> None:
    """Each state is there in order with a time and what it did, and each key with type and size; the raw text is gone."""
    done = weather()
    path = section(done.stdout, "The path through the states")
    assert [line[0] for line in path[1:]] == ["READ", "VALIDATE", "SUMMARISE", "REPORT", "DONE", "in"]
    assert all(re.fullmatch(r"[\d,]+\.\d", line[1]) and line[2] == "ms" for line in path[1:5])
    assert " ".join(path[1][3:]) == "760,606 bytes"
    assert " ".join(path[2][3:]) == "8,702 rows good, 1 bad"
    assert [line[:3] for line in section(done.stdout, "What lies in the store")[1:-1]] == [
        ["bad_rows", "list", "1"],
        ["figures", "Figures", "1"],
        ["notes", "list", "4"],
        ["parsed", "Parsed", "8,703"],
    ]


def test_a_small_file_of_ones_own(mine: Callable[[bytes], Path]) -> None:
    """Two days with a fog and no bad row are reported, and the store then has no list of bad rows."""
    done = weather(mine(csv_bytes(hours(48, {3: {"visib": "0.5"}}))))
    assert (done.stderr, done.returncode) == ("", 0)
    assert "48 rows; 48 used, 0 set aside" in done.stdout
    assert "  visibility below 3 miles               1        48  2.1 %\n" in done.stdout
    assert "bad_rows" not in done.stdout
    assert "Rows set aside" not in done.stdout


def test_an_airport_of_ones_own(mine: Callable[[bytes], Path]) -> None:
    """Runways that are given by option are reckoned with, the first as the main one."""
    path = mine(csv_bytes([row | {"origin": "KSFO", "wind_speed": "34.5234"} for row in hours(5)]))
    assert "No runways are known for KSFO" in weather(path).stdout
    done = weather(path, "--runway", "01/19=0", "--runway=10/28=90")
    assert "  20 knots or more across 01/19          5         5  100.0 %\n" in done.stdout
    assert "  10/28       0      0      0      0         5       0.0  2013-01-01 06:00\n" in done.stdout


def rejected(share: Iterable[int]) -> bytes:
    return csv_bytes(hours(40, dict.fromkeys(share, IMPOSSIBLE)))


def test_too_many_bad_rows_reject_the_file(mine: Callable[[bytes], Path]) -> None:
    """More than one row in twenty: the run ends in REJECTED with the reasons, nothing is computed, and the command fails."""
    path = mine(rejected(range(3)))
    done = weather(path)
    assert (done.stderr, done.returncode) == ("", 1)
    assert done.stdout.startswith(f"REJECTED: {path}\n")
    assert "In 3 of 40 rows (7.5 %) a value cannot be true; 5 % may be bad at most.\nNothing was computed.\n" in done.stdout
    assert section(done.stdout, "Why")[1] == ["wind_speed", "outside", "0", "to", "253", "mph", "3"]
    assert [line[0] for line in section(done.stdout, "Where")[1:]] == ["2", "3", "4"]
    path_taken = [line[0] for line in section(done.stdout, "The path through the states")[1:]]
    assert path_taken == ["READ", "VALIDATE", "REJECT", "REJECTED", "in"]
    assert "figures" not in [line[0] for line in section(done.stdout, "What lies in the store")]


def test_exactly_the_share_is_still_accepted(mine: Callable[[bytes], Path]) -> None:
    """Two rows of forty are five percent, and five percent are allowed; the share can be set."""
    path = mine(rejected(range(2)))
    assert weather(path).returncode == 0
    assert weather(path, "--max-bad", "4.99").returncode == 1
    assert weather(mine(rejected(range(39))), "--max-bad", "100").returncode == 0


def test_no_good_row_is_rejected_whatever_the_share(mine: Callable[[bytes], Path]) -> None:
    """There is nothing to compute from."""
    done = weather(mine(rejected(range(40))), "--max-bad", "100")
    assert done.returncode == 1
    assert "In 40 of 40 rows (100.0 %)" in done.stdout


GOOD = csv_bytes(hours(3))


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", ", line 1: the file is empty"),
        (csv_bytes([]), ", line 1: there is no row after the header"),
        (csv_bytes(hours(3), HEADER[:-3]), ", line 1, column pressure: the header lacks pressure, visib, time_hour"),
        (GOOD + b"EWR,2013\n", ", line 5, column month: the row ends before this column: 2 fields, and the header has 15"),
        (csv_bytes(hours(3, {1: {"temp": "warm"}})), ", line 3, column temp: 'warm' is not a number"),
        (csv_bytes(hours(3, {2: {"temp": "nan"}})), ", line 4, column temp: 'nan' is not a number"),
        (csv_bytes(hours(3, {1: {"month": "2", "day": "30"}})), ", line 3, column day: there is no day 2013-02-30"),
        (GOOD + GOOD.splitlines(keepends=True)[2], ", line 5, column time_hour: the hour 2013-01-01T07:00Z is on line 3 already"),
        (GOOD.replace(b"68.5", b"68\xb0", 1), ", line 2, column humid: byte 24 of the line is not UTF-8 (0xb0)"),
        (GOOD.replace(b"68.5", b'"68.5', 1), ", line 2: not a row of a CSV file: unexpected end of data"),
        (b"\x89PNG\r\n\x1a\n\x00", ", line 1: byte 1 of the line is not UTF-8 (0x89)"),
    ],
)
def test_a_broken_file_is_one_line_on_stderr(mine: Callable[[bytes], Path], raw: bytes, says: str) -> None:
    """Nothing on stdout, exit code 1, and file, line and column in the one line that says what is wrong."""
    path = mine(raw)
    done = weather(path)
    assert (done.stdout, done.stderr, done.returncode) == ("", f"error: {path}{says}\n", 1)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, a directory, and a name that a terminal should not see."""
    for path, why in ((tmp_path / "absent.csv", "No such file or directory"), (tmp_path, "Is a directory")):
        done = weather(path)
        assert (done.stdout, done.stderr, done.returncode) == ("", f"error: {path}: cannot be read: {why}\n", 1)
    done = weather(tmp_path / "a\x1b[2J.csv")
    assert done.returncode == 1
    assert "\x1b" not in done.stderr
    done = weather(tmp_path / "b\N{DEGREE SIGN}.csv", PYTHONIOENCODING="ascii", LC_ALL="C.UTF-8")
    assert done.returncode == 1
    assert "cannot be read: No such file or directory" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--max-bad", "101"],
        ["--max-bad", "nan"],
        ["--max-bad", "x"],
        ["--runway", "04/22"],
        ["--runway", "04/22=400"],
        ["--runway", "=4"],
        ["a", "b"],
        ["--x"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    """What the command line does not know is told with exit code 2."""
    done = weather(*arguments)
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.startswith("usage: python -m examples.weather")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    """Piped into a program that reads one line, the command ends without a traceback."""
    command = f"{sys.executable} -m examples.weather | head -n 1"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("Weather against traffic at EWR\n", "")


def test_the_data_set_is_the_one_that_its_source_describes() -> None:
    """SOURCE.md names the checksum of the file that lies beside it, and the number of missing values."""
    source = DATA.with_name("SOURCE.md").read_text()
    raw = DATA.read_bytes()
    assert hashlib.sha256(raw).hexdigest() in source
    rows: list[Mapping[str, str]] = [dict(zip(HEADER, line.split(","), strict=True)) for line in raw.decode().splitlines()[1:]]
    assert sum(row["wind_gust"] == "NA" for row in rows) == 6_901
    assert sum(row["pressure"] == "NA" for row in rows) == 935
    assert sum(row["wind_dir"] == "NA" for row in rows) == 256
    assert len(rows) == 8_703
