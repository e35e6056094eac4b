"""The gate counts the result of each of its legs, and ends with the closing line of the tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.tree import ROOT

pytestmark = pytest.mark.skipif(shutil.which("flock") is None, reason="the gate runs where util-linux is")

VERBS = (
    "run",
    "test-loops",
    "test-observed",
    "lint",
    "types",
    "bench-smoke",
    "mutants",
    "build",
    "freethreaded",
    "race",
    "sanitize",
    "fuzz",
)
LEGS = {"mutants": 2, "freethreaded": 3}  # of those that have several
# Each verb says that it has begun and ended, and fails if its name, or the kind of build that it is called with, is in BAD.
MAKEFILE = f"""
test {" ".join(VERBS)}:
	@echo begin $@; sleep 0.05; echo 1 passed in 0.1s; echo end $@; [ "$@$(CANO_BUILD)" != "$(BAD)" ]
"""
# A Python that says what the gate asks it: that it counts, which version it is, and as a number, the highest of all.
NEWEST = "#!/bin/sh\ncase $* in *hexversion*) echo 999999999;; *platform*) echo 9.9.9;; esac\n"
INTERPRETERS = '#!/bin/sh\n[ "$1" != "$BAD" ]\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A tree whose verbs do nothing, with the gate of this one."""
    scripts = {".ci/run": (ROOT / ".ci" / "run").read_text(), ".ci/build-python": INTERPRETERS, "path/pyenv": "#!/bin/sh\n"}
    for name, text in {**scripts, "Makefile": MAKEFILE}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    subprocess.run(["git", "init", "--quiet", "."], cwd=tmp_path, check=True)
    return tmp_path


def gate(project: Path, bad: str = "") -> tuple[int, str]:
    """Run the gate with one verb that fails; give its exit code and what it printed."""
    path = f"{project / 'path'}:{os.environ['PATH']}"
    environment = {
        **os.environ,
        "PATH": path,
        "PYTHON": sys.executable,
        "BAD": bad,
        "CANO_RUN": "",
        "CANO_RACE": "1",
        "CANO_BUILD": "",
    }
    done = subprocess.run(
        [project / ".ci" / "run"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_gate_passes_if_every_leg_does(project: Path) -> None:
    """Its last line is the closing line of the tests, and what a leg prints is not mixed with another's."""
    code, said = gate(project)
    lines = said.splitlines()
    assert code == 0
    assert "FAILED" not in said
    assert lines[-1] == "1 passed in 0.1s"
    begun = [at for at, line in enumerate(lines) if line.startswith("begin ")]
    assert {lines[at].removeprefix("begin ") for at in begun} == {"test", *VERBS}
    assert all(lines[at + 2] == lines[at].replace("begin", "end") for at in begun)


@pytest.mark.parametrize("bad", ["3.13t", "3.13t-tsan", "testgate", "test", *VERBS])
def test_a_gate_fails_if_one_leg_does(bad: str, project: Path) -> None:
    """Whichever it is, the gate fails, its line says so, and the last line is still that of the tests."""
    code, said = gate(project, bad)
    assert code == 1
    assert len([line for line in said.splitlines() if " FAILED " in line]) == LEGS.get(bad, 1)
    assert said.splitlines()[-1] == "1 passed in 0.1s"


def test_a_gate_fails_if_a_chain_ends_without_a_leg(project: Path) -> None:
    """What has not run has not passed."""
    script = project / ".ci" / "run"
    script.write_text(script.read_text().replace('leg "sanitize" make sanitize', "exit 0"))
    assert gate(project)[0] == 1


def test_a_gate_tries_the_other_loops_on_the_newest_interpreter(project: Path) -> None:
    """Once, with the tests on that one, and on no other."""
    python = project / "versions" / "9.9.9" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(NEWEST)
    python.chmod(0o755)
    (project / "path" / "pyenv").write_text(f"#!/bin/sh\n[ $1 = root ] && echo {project} || echo 9.9.9\n")
    code, said = gate(project)
    assert code == 0
    assert [line for line in said.splitlines() if line.startswith("######## test-loops")] == [
        f"######## test-loops: make test-loops PYTHON={python}"
    ]
