"""Build the interposed pthread of interposed.c, once per run of the tests."""

import os
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
from functools import cache
from pathlib import Path

FREE = not getattr(sys, "_is_gil_enabled", lambda: True)()  # without a GIL, who reads asks pthread for nothing while nobody writes


@cache
def interposed() -> str:
    """The path of the library to preload."""
    target = Path(tempfile.mkdtemp(prefix="cano-interposed-")) / "interposed.so"
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    source = Path(__file__).with_name("interposed.c")
    subprocess.run([*compiler, "-shared", "-fPIC", "-O1", "-o", target, source, "-ldl"], check=True)
    return str(target)


def preloaded(body: str, *arguments: str) -> str:
    """Run code in a process that has the interposed pthread, and return what it printed."""
    header = "import ctypes, sys\npthread = ctypes.CDLL(None)\nfrom cano.errors import *\nfrom cano.store import *\n"
    header += f"FREE = {FREE}\n"
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", header + textwrap.dedent(body), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "LD_PRELOAD": f"{os.environ.get('LD_PRELOAD', '')} {interposed()}".strip()},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
