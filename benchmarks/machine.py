"""What a figure was measured on: the machine, its load, and the interpreter. A ratio without these is worth nothing."""

import os
import platform
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass, field
from pathlib import Path
from timeit import Timer

BUSY = 0.5  # processes that wanted to run beside us in the last minute
PATIENCE = 180  # seconds to wait for a machine that was busy just now, with our own set-up for example
UNDISTURBED = 0.98  # of its core
STEADY = 1.15  # times the best time of a fixed loop


def pin() -> str:
    """Keep this process on one core, where the system allows it, and say so."""
    if sys.platform != "linux":
        return "not pinned (this system has no call for it)"
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return f"pinned to core {core}"


def unpin() -> None:
    """Let this process run on every core, where threads are to meet."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


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


def quiet(patience: float) -> bool:
    """Wait for at most ``patience`` seconds until hardly anybody else has run in the last minute."""
    until = time.monotonic() + patience
    while os.getloadavg()[0] >= BUSY:
        if time.monotonic() >= until:
            return False
        time.sleep(2)
    return True


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
    def here(cls, busy: str = "") -> "Machine":
        """Look at this machine, and pin this process; ``busy`` says how busy it is where something better than its load does."""
        system = f"{platform.system()} {platform.release()} {platform.machine()}"
        return cls(cpu(), system, interpreter(), busy or load(), pin())


def slug() -> str:
    """Name the file that the figures of this kind of machine and interpreter go to; ``t`` behind the version says: no GIL."""
    version = platform.python_version() + sys.abiflags
    return f"{sys.implementation.name}-{version}-{platform.system()}-{platform.machine()}".lower()


@dataclass(slots=True)
class Watch:
    """Looks, while the run goes on, whether the machine stays the same: it times a fixed loop now and then."""

    beats: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)
    worked: float = field(default_factory=time.process_time)

    def beat(self) -> None:
        """Time the loop; the best of three, so that one interruption is none."""
        self.beats.append(min(Timer("for i in loop: pass", globals={"loop": range(20_000)}).repeat(3, 1)))

    def share(self) -> float:
        """Say which part of its core this process has had so far, alone and on one thread."""
        return (time.process_time() - self.worked) / (time.perf_counter() - self.began)

    def spread(self) -> float:
        """Say how many times its best time the loop took at worst; 1 is a machine that never changed."""
        return max(self.beats) / min(self.beats)
