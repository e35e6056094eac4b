"""A fresh interpreter for what could crash or hang: it is killed after a time, and a crash shows its stack."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import cano

PACKAGE = Path(cano.__file__).parent
CHECKOUT = Path(__file__).parents[3]


def alone(code: str, *, seconds: float = 20, checkout: bool = False, environment: Mapping[str, str] | None = None) -> str:
    """Run ``code`` in a fresh process that sees the package, and return what it printed; a crash or a hang is a failure.

    ``environment`` is what it finds in its environment beside the variables of this process.
    """
    places = [str(PACKAGE.parent), *([str(CHECKOUT)] if checkout else [])]
    start = f"import sys; sys.path[:0] = {places!r}\nfrom cano.store import Key, MemoryStore\n"
    command = [sys.executable, "-I", "-W", "error", "-X", "faulthandler", "-c", start + code]
    variables = {**os.environ, **(environment or {})}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, env=variables)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"still running after {seconds} s") from None
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"
    return done.stdout
