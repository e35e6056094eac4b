"""Tests on a free-threaded build count only without the GIL."""

import os
import subprocess
import sys
import sysconfig

import pytest

from tests.meta.tree import ROOT

pytestmark = pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this build has a GIL")


def session(gil: str) -> tuple[int, list[str]]:
    """Run one test that passes in a session of its own; give its exit code and the lines of its output that name the GIL."""
    words = ["-q", "-p", "no:cacheprovider", "tests/meta/test_errors.py", "-k", "pickle"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHON_GIL": gil},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert " passed" in done.stdout
    assert "failed" not in done.stdout
    return done.returncode, [line for line in done.stdout.splitlines() if line.startswith("GIL: ")]


def test_a_session_that_ends_with_the_gil_fails() -> None:
    """All its tests pass, and still it fails, and its last lines say why."""
    assert session("1") == (pytest.ExitCode.TESTS_FAILED, ["GIL: on at the end of the session: nothing was tested without it"])


def test_a_session_that_ends_without_the_gil_says_so() -> None:
    """It passes, and its last lines name the state of the GIL."""
    assert session("0") == (pytest.ExitCode.OK, ["GIL: off at the end of the session"])
