"""Extension list and build switches. All metadata is in pyproject.toml.

CANO_BUILD=release (the default), debug (no optimisation, assertions), sanitize (AddressSanitizer and UBSan), tsan (for an
interpreter with ThreadSanitizer) or gate (release, with the lock that systems without glibc get). None traces lines: a trace
function would run under the lock.
"""

import os
import sys
from pathlib import Path

from Cython.Distutils import build_ext as cython_build_ext
from setuptools import Extension, setup
from setuptools.errors import CCompilerError, ExecError, PlatformError

BUILDS = {
    "release": {"cflags": ["-O3", "-fvisibility=hidden"], "ldflags": [], "macros": [("CYTHON_WITHOUT_ASSERTIONS", "1")]},
    "debug": {"cflags": ["-O0", "-g", "-UNDEBUG"], "ldflags": [], "macros": []},
    "sanitize": {
        "cflags": ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined"],
        "ldflags": ["-fsanitize=address,undefined"],
        "macros": [],
    },
    "tsan": {"cflags": ["-O1", "-g", "-fsanitize=thread"], "ldflags": ["-fsanitize=thread"], "macros": []},
    "gate": {"cflags": ["-O3"], "ldflags": [], "macros": [("CANO_GATE", "1")]},
}
NEEDS = (
    "cano is a compiled extension: building it needs a C compiler with POSIX threads and the headers of this Python "
    "(Debian and Ubuntu: apt install build-essential python3-dev; macOS: xcode-select --install). "
    "There is no pure-Python version to fall back to."
)

choice = os.environ.get("CANO_BUILD", "release")
if choice not in BUILDS:
    sys.exit(f"CANO_BUILD={choice!r} is unknown: choose one of {', '.join(BUILDS)}")
if not sys.platform.startswith(("linux", "darwin")):
    sys.exit(f"cano builds on Linux and macOS, not on {sys.platform!r}: its store is guarded by a POSIX read-write lock. {NEEDS}")
build = BUILDS[choice]


class build_ext(cython_build_ext):  # noqa: N801 - the name of the command
    """Cython's own, with a sentence that says what is missing when the compiler is."""

    def finalize_options(self):
        super().finalize_options()
        self.cython_c_in_temp = True

    def build_extensions(self):
        try:
            super().build_extensions()
        except (CCompilerError, ExecError, PlatformError) as error:
            raise SystemExit(f"{error}\n\n{NEEDS}") from error


# In the order in which they import one another. A declaration may be compiled into any of them.
STEMS = [
    "_plain",
    "_copy",
    "_plan",
    "_check",
    "_reader",
    "_forms",
    "_key",
    "_core",
    "_request",
    "_commit",
    "_transaction",
    "_transact",
    "_operations",
    "_memory",
    "direct",
]
DECLARATIONS = sorted(str(path) for kind in ("*.pxd", "*.h") for path in Path("cano/store").glob(kind))


def extension(stem):
    return Extension(
        "cano.store." + stem,
        [f"cano/store/{stem}.pyx"],
        depends=DECLARATIONS,
        include_dirs=["cano/store"],
        define_macros=build["macros"],
        extra_compile_args=["-pthread", *build["cflags"]],
        extra_link_args=["-pthread", *build["ldflags"]],
    )


setup(ext_modules=[extension(stem) for stem in STEMS], cmdclass={"build_ext": build_ext})
