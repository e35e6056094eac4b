"""Fuzz the store for a while, guided by which blocks of its C code an input reaches: ``make fuzz ARGS=300`` (seconds; 60).

The extensions are built with coverage, without optimisation and with assertions, in a copy of the tree below ``build/fuzz``.
Each target gets its share of the time. A finding is kept in ``build/fuzz/found``; ``make fuzz ARGS="operations FILE"`` does it
again and tells it in words, which can then be written into ``tests/fuzz/seeds``.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build" / "fuzz"
TREE = PLACE / f"tree-{sys.implementation.cache_tag}"
LIBRARY = PLACE / "libcoverage.so"
FOUND = PLACE / "found"
TARGETS = ("operations", "forms")
SECONDS = 60
COVERAGE = "-fsanitize-coverage=trace-pc,trace-cmp"
# An input takes a millisecond, so what takes 20 s hangs. Entropic: to weigh each input by its rare blocks takes four times that.
OPTIONS = ["-max_len=512", "-len_control=10", "-entropic=0", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TREE), "PYTHONHASHSEED": "0", "PYTHONMALLOC": "debug"}


def compiler() -> list[str]:
    """Give the command that compiles C."""
    return (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()


def build() -> None:
    """Bring the copy of the tree up to date, and compile what is out of date in it."""
    for name in ("cano", "tests"):
        shutil.copytree(ROOT / name, TREE / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"), dirs_exist_ok=True)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, TREE / name)
    flags = {"CANO_BUILD": "debug", "CFLAGS": f"{os.environ.get('CFLAGS', '')} {COVERAGE}"}
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace", f"--parallel={os.cpu_count()}"]
    subprocess.run(command, cwd=TREE, env={**ENVIRONMENT, **flags}, check=True)
    source = str(TREE / "tests" / "fuzz" / "coverage.c")
    subprocess.run([*compiler(), "-O2", "-fPIC", "-shared", source, "-o", str(LIBRARY)], check=True)


def driven(what: str, *words: str) -> list[str]:
    """Give the command of a process that fuzzes."""
    return [sys.executable, str(TREE / "tests" / "fuzz" / "drive.py"), what, str(LIBRARY), *words]


def last(pattern: str, text: str) -> str:
    """Give the number that a pattern found last."""
    found: list[str] = re.findall(pattern, text)
    return found[-1] if found else "0"


def fuzzed(target: str, seconds: int) -> bool:
    """Fuzz one target, and say how it went; whether nothing was found."""
    corpus, log = PLACE / "corpus" / target, PLACE / f"{target}.log"
    corpus.mkdir(parents=True, exist_ok=True)
    words = [target, str(corpus), *OPTIONS, f"-max_total_time={seconds}", f"-artifact_prefix={FOUND}/{target}-"]
    with log.open("w", encoding="utf-8") as file:
        code = subprocess.run(
            driven("fuzz", *words), cwd=TREE, env=ENVIRONMENT, stdout=file, stderr=subprocess.STDOUT, check=False
        ).returncode
    said = log.read_text(encoding="utf-8", errors="replace")
    executions, blocks = last(r"number_of_executed_units: (\d+)", said), last(r"\bcov: (\d+)", said)
    print(f"{target}: {executions} inputs, {blocks} blocks of C, {len(list(corpus.iterdir()))} inputs kept", end="", flush=True)
    if code == 0 and int(executions) and int(blocks):
        print(", nothing found")
        return True
    if code == 0:
        print(f", but nothing was counted; see {log}")
        return False
    print(f", FOUND (exit code {code}):\n{said[-4000:]}")
    for path in re.findall(r"Test unit written to (\S+)", said):
        print(f'kept; again by: make fuzz ARGS="{target} {path}"', flush=True)
        subprocess.run(driven("again", target, path), cwd=TREE, env=ENVIRONMENT, check=False)
    return False


def main(words: list[str]) -> int:
    """Fuzz all targets, or do one input of one again."""
    if sysconfig.get_config_var("Py_GIL_DISABLED") or find_spec("atheris") is None:
        print("fuzzing needs atheris, which comes for a CPython with a GIL on Linux, x86_64: pip install --editable '.[test,fuzz]'")
        return 1
    FOUND.mkdir(parents=True, exist_ok=True)
    TREE.mkdir(parents=True, exist_ok=True)
    build()
    if len(words) == len(("target", "input")):
        return subprocess.run(
            driven("again", words[0], str(Path(words[1]).resolve())), cwd=TREE, env=ENVIRONMENT, check=False
        ).returncode
    seconds = int(words[0]) if words else SECONDS
    sound = [fuzzed(target, max(1, seconds // len(TARGETS))) for target in TARGETS]  # each of them, whatever the first has found
    return not all(sound)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
