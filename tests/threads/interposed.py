"""Build the interposed pthread of interposed.c, once per run of the tests."""

import os
import subprocess
import sysconfig
import tempfile
from functools import cache
from pathlib import Path


@cache
def interposed() -> str:
    """The path of the library to preload."""
    target = Path(tempfile.mkdtemp(prefix="cano-interposed-")) / "interposed.so"
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    source = Path(__file__).with_name("interposed.c")
    subprocess.run([*compiler, "-shared", "-fPIC", "-O1", "-o", target, source, "-ldl"], check=True)
    return str(target)
