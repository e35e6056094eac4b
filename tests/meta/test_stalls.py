"""With ``CANO_STALLED=7`` there are stalls at each place where something waits for a thread or a loop, and otherwise none."""

import gc
import os
import re
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.meta.tree import ROOT
from tests.stalls import PLACES, Stalls


def session(setting: str) -> subprocess.CompletedProcess[str]:
    """Run the witness with a setting, on asyncio's own loop."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-qs", "-p", "no:cacheprovider", "tests/meta/stall_witness.py"],
        cwd=ROOT,
        env={**os.environ, "CANO_LOOP": "", "CANO_STALLED": setting},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def stalls(setting: str) -> dict[str, str]:
    """Return how many there were, by place; "never" where nothing can stall."""
    done = session(setting)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(re.findall(r"^(\w+\.\w+): (\w+)$", done.stdout, re.MULTILINE))


def test_there_are_stalls_at_each_place() -> None:
    """Of two hundred chances some are taken."""
    seen = stalls("7")
    assert set(seen) == {f"{kind.__name__}.{name}" for kind, name, _ in PLACES}
    assert all(int(count) for count in seen.values()), seen


@pytest.mark.parametrize("setting", ["", "0"])
def test_without_the_setting_there_are_none(setting: str) -> None:
    """Nothing is replaced then."""
    assert set(stalls(setting).values()) == {"never"}


def test_a_setting_that_is_no_number_is_refused() -> None:
    """It runs no test, rather than all of them on an idle machine."""
    done = session("yes")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "CANO_STALLED=yes: write a number that seeds the stalls, or 0 for none" in done.stderr


def test_an_error_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that comes out of a pool dies at once with stalls, too: tests look for cycles."""

    class Kept(Exception):
        def __init__(self) -> None:
            gone.append(weakref.ref(self))

    def fails() -> None:
        raise Kept

    gone: list[weakref.ref[Kept]] = []
    Stalls(7, monkeypatch)
    gc.disable()
    try:
        with ThreadPoolExecutor(1) as pool:
            for _ in range(20):
                with pytest.raises(Kept):
                    pool.submit(fails).result()
        assert [each() is None for each in gone] == [True] * 20
    finally:
        gc.enable()
