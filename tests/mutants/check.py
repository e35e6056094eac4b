"""Break the store on purpose, one patch at a time, and see that the test named in each patch turns red.

A patch begins with a sentence that says what it breaks, ``Red: `` and the id of a test, and ``Built: `` and the extensions to
build anew; ``Only: gil``, ``Only: free-threaded`` or ``Only: before 3.12`` if it breaks what other builds do not have. Each is
applied to a copy of the tree, in which only these are compiled, without optimisation. A crash or a hang is red. A patch that no
longer applies, a test that stays green each time or is not found, is a failure of this check. Without names all are checked:
``python tests/mutants/check.py torn_put_many``.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
TEST_SECONDS = 20  # after which a test hangs; none of those named takes two
TRIES = 3  # before a test is called green: some wait for threads to meet, which a busy machine may not let them do at once
PATIENT_SECONDS = 120  # on the code as it is, where a machine that has much to do would else be taken for a fault
PYTEST_FAILED = 1
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
BUILDS = {"free-threaded" if FREE_THREADED else "gil"} | ({"before 3.12"} if sys.version_info < (3, 12) else set())


@dataclass(frozen=True, slots=True)
class Mutant:
    """One patch and what it says of itself."""

    path: Path
    red: str
    built: tuple[str, ...]
    only: str | None

    @classmethod
    def read(cls, path: Path) -> "Mutant":
        """Read the header of a patch."""
        header = path.read_text(encoding="utf-8").split("\n--- ")[0].splitlines()
        facts = dict(line.split(": ", 1) for line in header if line.startswith(("Red: ", "Built: ", "Only: ")))
        return cls(path, facts["Red"], tuple(facts["Built"].split()), facts.get("Only"))


def run(command: list[str], where: Path, seconds: float = 300) -> tuple[int, str]:
    """Run a command to its end or its deadline; the code is that of a failed test then, for a hang is one."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(where)}
    try:
        done = subprocess.run(
            command, cwd=where, env=environment, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return PYTEST_FAILED, f"still running after {seconds} s"
    return done.returncode, done.stdout + done.stderr


def tested(where: Path, *tests: str, seconds: int) -> tuple[int, str]:
    """Run tests in a copy of the tree, each for so many seconds at most."""
    options = ["-q", "-x", "-p", "no:cacheprovider", "--timeout", str(seconds)]
    return run([sys.executable, "-m", "pytest", *options, *tests], where, seconds * (2 + len(tests)))


def copied(where: Path) -> Path:
    """Copy what the tests need, with the extensions that are built."""
    others = shutil.ignore_patterns("__pycache__", "results")
    for name in ("cano", "tests", "examples", "benchmarks"):
        shutil.copytree(ROOT / name, where / name, ignore=others)
    for name in ("pyproject.toml", "setup.py"):
        shutil.copy2(ROOT / name, where / name)
    return where


def build(where: Path, stem: str) -> tuple[int, str]:
    """Compile one extension in place, as quickly as it goes."""
    source = f"cano/store/{stem}.pyx"
    code, said = run([sys.executable, "-m", "cython", "-3", source, "-o", f"{stem}.c"], where)
    if code:
        return code, said
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    places = [f"-I{sysconfig.get_path('include')}", f"-I{sysconfig.get_path('platinclude')}", "-Icano/store"]
    target = f"cano/store/{stem}{SUFFIX}"
    (where / target).unlink(missing_ok=True)
    return run([*compiler, "-shared", "-fPIC", "-O0", "-w", "-pthread", *places, f"{stem}.c", "-o", target], where)


def broken(mutant: Mutant, where: Path) -> str:
    """Break a copy of the tree as the patch says, and build what it names; say what is wrong with that, or nothing."""
    code, said = run(["git", "apply", "--unsafe-paths", "--whitespace=nowarn", str(mutant.path)], copied(where))
    if code:
        return f"the patch no longer applies: {said}"
    for stem in mutant.built:
        code, said = build(where, stem)
        if code:
            return f"{stem} no longer builds: {said[-2000:]}"
    return ""


def fault(mutant: Mutant) -> str:
    """Say what is wrong with a mutant; nothing if its test turns red."""
    with tempfile.TemporaryDirectory(prefix="cano-mutant-") as place:
        where = Path(place)
        if wrong := broken(mutant, where):
            return wrong
        for _ in range(TRIES):
            code, said = tested(where, mutant.red, seconds=TEST_SECONDS)
            if code:
                break
        if code == PYTEST_FAILED or code < 0 or code > 128:
            return ""
        return f"{mutant.red} stays green, {TRIES} times" if code == 0 else f"{mutant.red} was not run: {said[-2000:]}"


def main(names: list[str]) -> int:
    """Check the mutants of these names, two at a time, after their tests on the code as it is."""
    paths = [HERE / f"{name}.patch" for name in names] or sorted(HERE.glob("*.patch"))
    chosen = [mutant for mutant in map(Mutant.read, paths) if mutant.only in {None, *BUILDS}]
    if not chosen:
        print(f"none of these is for this build ({', '.join(sorted(BUILDS))})")
        return 0
    with tempfile.TemporaryDirectory(prefix="cano-mutant-") as place:
        code, said = tested(copied(Path(place)), *dict.fromkeys(mutant.red for mutant in chosen), seconds=PATIENT_SECONDS)
    if code:
        print(f"the tests fail on the code as it is:\n{said[-3000:]}")
        return 1

    def checked(mutant: Mutant) -> str:
        began = monotonic()
        wrong = fault(mutant)
        print(f"{mutant.path.stem:40} {wrong or 'red'} ({monotonic() - began:.0f} s)", flush=True)
        return wrong

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = [each for each in pool.map(checked, chosen) if each]
    print(f"{len(chosen)} mutants, {len(wrong)} alive; {len(paths) - len(chosen)} are for another build")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
