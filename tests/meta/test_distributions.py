"""What is built: a complete sdist, a wheel that holds what a user needs, and a build that says what it lacks (pitfalls L1, L3)."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from cano._version import __version__
from tests.meta.tree import ROOT

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(400)]  # The extensions are compiled, twice.

# What a build reads. Neither tests nor git nor compiled files: a build that needs more would fail here.
SOURCES = ("cano", "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGELOG.md", "LICENSE")


def tree(place: Path) -> Path:
    """Lay out the sources of the project in a new folder, outside the checkout and without what was ever built."""
    place.mkdir(exist_ok=True)
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
        else:
            shutil.copy(ROOT / name, place)
    return place


def python(place: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run this Python in ``place``, with its own folder kept off the path, so that only what is installed can be imported."""
    return subprocess.run(
        [sys.executable, "-P", *words],
        cwd=place,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that CANO_DIST names, or build an sdist, and a wheel from that sdist, unpacked elsewhere."""
    if "CANO_DIST" in os.environ:
        return Path(os.environ["CANO_DIST"])
    work = tmp_path_factory.mktemp("dist")
    here = tree(work / "tree")
    run = python(here, "-m", "build", "--no-isolation", "--sdist", "--outdir", str(work / "dist"))
    assert run.returncode == 0, run.stdout + run.stderr
    with tarfile.open(next((work / "dist").glob("*.tar.gz"))) as archive:
        archive.extractall(work / "unpacked", filter="data")
    # Only what is in it counts here, so that it is made as fast as it can be. The gate gives the release by CANO_DIST.
    wheel = ("-m", "build", "--no-isolation", "--wheel", "--outdir", str(work / "dist"))
    run = python(next((work / "unpacked").iterdir()), *wheel, CANO_BUILD="debug")
    assert run.returncode == 0, run.stdout + run.stderr
    return work / "dist"


@pytest.fixture(scope="module")
def sdist(distributions: Path) -> set[str]:
    """List the files of the sdist, without the folder that holds them all."""
    (path,) = distributions.glob("cano-*.tar.gz")
    assert path.name == f"cano-{__version__}.tar.gz"
    with tarfile.open(path) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Iterator[ZipFile]:
    """Open the wheel."""
    (path,) = distributions.glob("cano-*.whl")
    assert path.name.startswith(f"cano-{__version__}-cp3{sys.version_info.minor}-")
    with ZipFile(path) as archive:
        yield archive


def package_files(*suffixes: str) -> set[str]:
    """List the source files of the package that end in one of these."""
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / "cano").rglob("*") if path.suffix in suffixes}


def test_the_sdist_holds_every_source_of_the_package(sdist: set[str]) -> None:
    """Python, Cython, C headers, stubs, marker, metadata and licence are in it: a build needs no git."""
    assert package_files(".py", ".pyx", ".pxd", ".pyi", ".h") <= sdist
    assert {"setup.py", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "cano/py.typed"} <= sdist


def test_the_sdist_holds_nothing_generated_and_nothing_for_developers(sdist: set[str]) -> None:
    """No C that Cython wrote, no compiled file, no test, example or benchmark."""
    assert {name for name in sdist if name.endswith((".c", ".so", ".pyc"))} == set()
    assert {name.partition("/")[0] for name in sdist if "/" in name} == {"cano", "cano.egg-info"}


def test_the_wheel_holds_each_extension_with_its_stub_and_its_declarations(wheel: ZipFile) -> None:
    """For each ``.pyx`` there is one compiled file; each public one has a ``.pyi``, and ``cimport`` finds its ``.pxd``."""
    names = set(wheel.namelist())
    stems = {name.removesuffix(".pyx") for name in package_files(".pyx")}
    assert stems
    assert {name.partition(".")[0] for name in names if name.endswith(".so")} == stems
    assert package_files(".py", ".pyi", ".pxd", ".h") <= names
    assert {f"{stem}.pyi" for stem in stems} <= names


def test_the_wheel_marks_the_package_as_typed(wheel: ZipFile) -> None:
    """``py.typed`` at the root counts for every package below it."""
    assert "cano/py.typed" in wheel.namelist()


def test_the_wheel_holds_no_sources_of_the_build_and_nothing_for_developers(wheel: ZipFile) -> None:
    """No ``.c``, no ``.pyx``, no tests, no benchmarks, no examples; the licence is there."""
    names = wheel.namelist()
    assert {name for name in names if name.endswith((".c", ".pyx", ".pyc"))} == set()
    assert {name.partition("/")[0] for name in names} == {"cano", f"cano-{__version__}.dist-info"}
    assert f"cano-{__version__}.dist-info/licenses/LICENSE" in names


def test_the_wheel_needs_no_other_package(wheel: ZipFile) -> None:
    """Every requirement in the metadata belongs to an extra."""
    metadata = wheel.read(f"cano-{__version__}.dist-info/METADATA").decode()
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:")]
    assert required
    assert [line for line in required if "extra ==" not in line] == []


@pytest.mark.parametrize("compiler", ["/bin/false", "no-such-compiler"])
def test_a_build_without_a_compiler_says_what_is_needed(compiler: str, tmp_path: Path) -> None:
    """Where the compiler fails or is not there, the last words name it, the headers, and how to get both; no traceback."""
    run = python(tree(tmp_path), "setup.py", "build_ext", "--build-lib", "out", CC=compiler)
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    assert run.stderr.rstrip().endswith("There is no pure-Python version to fall back to.")
    assert "needs a C compiler with POSIX threads and the headers of this Python" in run.stderr


def test_an_unknown_kind_of_build_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    """A misspelt CANO_BUILD builds nothing rather than something else."""
    run = python(tree(tmp_path), "setup.py", "build_ext", CANO_BUILD="fast")
    assert run.returncode != 0
    assert run.stderr.strip() == "CANO_BUILD='fast' is unknown: choose one of release, debug, sanitize, tsan, gate"


def test_a_platform_without_posix_locks_is_refused_with_the_reason(tmp_path: Path) -> None:
    """On Windows the build stops before it compiles anything, and says which systems there are."""
    before = "import runpy, setuptools, sys, Cython.Distutils"  # which look at the platform themselves
    run = python(tree(tmp_path), "-c", f"{before}; sys.platform = 'win32'; runpy.run_path('setup.py')")
    assert run.returncode != 0
    assert "cano builds on Linux and macOS, not on 'win32'" in run.stderr
    assert "Traceback" not in run.stderr
