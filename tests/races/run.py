"""Hold the meetings under ThreadSanitizer: none reports a race, and one in a store that is broken on purpose does.

Usage: run.py PYTHON [NAMES], where PYTHON is the watched interpreter; the one that runs this only compiles. What a patch in
planted/ breaks is compiled anew in a copy of the tree, as for a mutant, and ``Red: `` names the meeting that must report it.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from tests.mutants.check import Mutant, broken

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 600  # after which the meetings hang
REPORT = "WARNING: ThreadSanitizer"
OURS = "cano/store/"  # where a planted race has to be seen


def held(python: str, names: list[str], where: Path) -> tuple[bool, str]:
    """Hold the meetings of these names, or all; tell whether they came to their end, and what was said."""
    environment = {**os.environ, "PYTHONPATH": str(where), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-X", "faulthandler", "-m", "tests.races.meetings", *names]
    try:
        done = subprocess.run(
            command, cwd=where, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        return False, (error.stdout or b"").decode(errors="replace") + f"\nstill running after {SECONDS} s\n"
    return done.returncode == 0, done.stdout.decode(errors="replace")


def by_meeting(said: str) -> Iterator[tuple[str, str]]:
    """What was said in each meeting."""
    _, *parts = f"\n{said}".split("\nmeeting ")
    for part in parts:
        name, _, rest = part.partition("\n")
        yield name, rest


def clean(python: str, names: list[str]) -> tuple[int, int]:
    """Hold the meetings on the store as it is; count those that passed and those that did not."""
    ended, said = held(python, names, ROOT)
    meetings = list(by_meeting(said))
    bad = [name for name, rest in meetings if REPORT in rest]
    if not bad and (not ended or not meetings):  # an error or a hang, and the last meeting is where it was
        bad = [meetings[-1][0] if meetings else "the first meeting"]
    for name, _ in meetings:
        print(f"{name:40} {'FAILED' if name in bad else 'no race'}")
    if bad:
        print(said)
    return len(meetings) - len(bad), len(bad)


def unseen(python: str, planted: Mutant) -> str:
    """Say what is wrong with a planted race; nothing if it is reported."""
    with tempfile.TemporaryDirectory(prefix="cano-race-") as place:
        where = Path(place)
        if wrong := broken(planted, where):
            return wrong
        ended, said = held(python, [planted.red], where)
        _, _, report = said.partition(REPORT)
    if ended or OURS not in report:
        return f"it is not reported: {said[-2000:]}"
    return ""


def main(python: str, names: list[str]) -> int:
    """Hold the meetings, then those of the planted races; the last line says how many were as they should be."""
    began = monotonic()
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    os.environ["CC"] = f"{compiler} -g -fsanitize=thread"
    passed, failed = clean(python, names)
    for path in [] if names else sorted(HERE.glob("planted/*.patch")):
        wrong = unseen(python, Mutant.read(path))
        print(f"{path.stem:40} {wrong or 'a race, as planted'}")
        passed, failed = passed + (not wrong), failed + bool(wrong)
    print(f"{f'{failed} failed, ' if failed else ''}{passed} passed in {monotonic() - began:.1f}s")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
