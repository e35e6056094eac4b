"""Where the package under test lies, and a fresh interpreter that sees it and nothing else of the checkout."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from pkgutil import walk_packages

import cano

ROOT = Path(__file__).parents[2]
PACKAGE = Path(cano.__file__).parent


def modules() -> Iterator[str]:
    """Name every module of the package, compiled ones too, the root first."""
    yield "cano"
    for found in walk_packages(cano.__path__, "cano."):
        yield found.name


def fresh(code: str, *, path: Path = PACKAGE.parent) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in an isolated interpreter in which a warning is an error and ``path`` holds the package."""
    start = f"import sys; sys.path.insert(0, {str(path)!r})\n"
    command = [sys.executable, "-I", "-W", "error", "-c", start + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
