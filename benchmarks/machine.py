"""What a figure was measured on: the machine, its load, and the interpreter. A ratio without these is worth nothing."""

import os
import platform
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

BUSY = 0.5  # processes that wanted to run beside us in the last minute


def pin() -> str:
    """Keep this process on one core, where the system allows it, and say so."""
    if sys.platform != "linux":
        return "not pinned (this system has no call for it)"
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return f"pinned to core {core}"


def cpu() -> str:
    """Name the processor's model."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if sys.platform == "darwin":
        return subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=True
        ).stdout.strip()
    return platform.processor() or platform.machine()


def interpreter() -> str:
    """Name the interpreter, and whether it was built with profile-guided optimisation: that doubles the speed of Python code."""
    flags = str(sysconfig.get_config_var("CONFIG_ARGS"))
    built = "built with" if "--enable-optimizations" in flags else "built without"
    threads = ", free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return f"{platform.python_implementation()} {platform.python_version()}{threads}, {built} profile-guided optimisation"


def load() -> str:
    """Say how busy the machine was in the last minute, before the first case."""
    before = os.getloadavg()[0]
    verdict = "quiet" if before < BUSY else "BUSY: take the figures as rough"
    return f"load {before:.2f} on {os.cpu_count()} cores before the run ({verdict})"


@dataclass(frozen=True, slots=True)
class Machine:
    """What is known before the run begins."""

    cpu: str
    system: str
    interpreter: str
    load: str
    pinned: str

    @classmethod
    def here(cls) -> "Machine":
        """Look at this machine, and pin this process."""
        system = f"{platform.system()} {platform.release()} {platform.machine()}"
        return cls(cpu(), system, interpreter(), load(), pin())

    @property
    def slug(self) -> str:
        """Name the file that the figures of this kind of machine and interpreter go to."""
        return f"{sys.implementation.name}-{platform.python_version()}-{platform.system()}-{platform.machine()}".lower()
