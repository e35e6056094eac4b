"""Cython code that cimports the store, built where only the package under test is in reach: neither checkout nor headers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.meta.tree import PACKAGE, ROOT

EXAMPLE = ROOT / "examples" / "from_cython"
FACES = ROOT / "tests" / "from_cython" / "faces"
# As a user would write it: no include folder, no library, no flag.
SETUP = "from setuptools import setup; from Cython.Build import cythonize; setup(ext_modules=cythonize('*.pyx'))"


def python(place: Path, *words: str, path: Path = PACKAGE.parent) -> subprocess.CompletedProcess[str]:
    """Run this Python in ``place``, with the folder ``path`` that holds cano on its path."""
    env = {**os.environ, "PYTHONPATH": str(path), "CFLAGS": "-O0"}
    return subprocess.run([sys.executable, *words], cwd=place, env=env, capture_output=True, text=True, timeout=110, check=False)


def built(source: Path, place: Path, *script: str) -> Path:
    """Copy ``source`` to ``place`` and build its extensions there, by its ``setup.py`` or by ``script``."""
    shutil.copytree(source, place, ignore=shutil.ignore_patterns("*.c", "*.so", "build", "__pycache__"))
    run = python(place, *(script or ("setup.py",)), "-q", "build_ext", "--inplace")
    assert run.returncode == 0, run.stdout + run.stderr
    return place
