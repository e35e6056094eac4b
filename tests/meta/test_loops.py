"""A setting of ``CANO_LOOP`` is what the tests really run on, by whichever way they come to an event loop."""

import os
import re
import subprocess
import sys
import sysconfig

import pytest

from tests.meta.tree import ROOT

WAYS = {"coroutine", "run", "loop", "library", "thread"}
SETTINGS = {
    "plain": "asyncio lazy quiet",
    "eager": "asyncio eager quiet",
    "uvloop,debug": "uvloop lazy debug",
    "uvloop,eager": "uvloop eager quiet",
}
# Eager tasks are new in 3.12, and not each Python without a GIL has a uvloop.
MISSING = {"eager": sys.version_info < (3, 12), "uvloop": bool(sysconfig.get_config_var("Py_GIL_DISABLED"))}
HERE = [setting for setting in SETTINGS if not any(MISSING.get(word) for word in setting.split(","))]


def session(setting: str) -> subprocess.CompletedProcess[str]:
    """Run the witness on the loops of a setting."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-qs", "-p", "no:cacheprovider", "tests/meta/loop_witness.py"],
        cwd=ROOT,
        env={**os.environ, "CANO_LOOP": setting, "PYTHONASYNCIODEBUG": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def said(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return what the witness says, by way."""
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(re.findall(r"^(\w+): (\w+ (?:eager|lazy) (?:debug|quiet))$", done.stdout, re.MULTILINE))


def refused(setting: str) -> str:
    """Return why a session did not begin."""
    done = session(setting)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    return done.stderr


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_loop_is_of_the_setting(setting: str) -> None:
    """Those of anyio, of ``asyncio.run`` in a test, in the library and in a thread, and those that a test makes itself."""
    if setting in HERE:
        assert said(session(setting)) == dict.fromkeys(WAYS, SETTINGS[setting])
    else:
        assert f"CANO_LOOP={setting}: " in refused(setting)


def test_without_a_setting_only_coroutines_are_in_debug_mode() -> None:
    """All else is as a user's script has it."""
    assert said(session("")) == {**dict.fromkeys(WAYS, "asyncio lazy quiet"), "coroutine": "asyncio lazy debug"}


def test_a_setting_that_does_not_exist_is_refused() -> None:
    """A misspelt word runs no test, rather than all of them on another loop."""
    assert "CANO_LOOP=eager,uvlop: there is no 'uvlop', but plain, eager, uvloop, debug" in refused("eager,uvlop")


def test_the_verb_runs_every_setting_that_this_python_can() -> None:
    """``make test-loops`` goes through all but what nothing is asked of, and leaves out only what is not made for this Python."""
    done = subprocess.run([sys.executable, "-m", "tests.loops"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [setting for setting in HERE if setting != "plain"]
