"""With ``CANO_OBSERVED=1`` a test fails whose runs tell an observer something wrong, and no other (engine 10)."""

import os
import re
import subprocess
import sys

import pytest

from tests.meta.tree import ROOT


def session(setting: str) -> subprocess.CompletedProcess[str]:
    """Run the witness with a setting."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/meta/observed_witness.py"],
        cwd=ROOT,
        env={**os.environ, "CANO_OBSERVED": setting},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_is_told_wrongly_fails_a_test() -> None:
    """A start without its end, an end without its start; but not a run that a test leaves where it is."""
    said = session("1").stdout
    assert sorted(re.findall(r"^ERROR .*::(\w+)", said, re.MULTILINE)) == [
        "test_wrong_no_run_end",
        "test_wrong_no_run_start",
        "test_wrong_no_task_end",
    ]
    assert "6 passed, 3 errors" in said
    assert "has no end" in said
    assert "an event belongs to a run that goes on" in said


@pytest.mark.parametrize("setting", ["", "0"])
def test_without_the_setting_nobody_looks(setting: str) -> None:
    """All of them pass."""
    done = session(setting)
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


def test_a_setting_that_does_not_exist_is_refused() -> None:
    """A misspelt one runs no test, rather than all of them with nobody looking."""
    done = session("yes")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "CANO_OBSERVED=yes: write 1 to observe the runs of all tests, or 0" in done.stderr
