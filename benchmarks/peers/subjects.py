"""What is measured: each engine in the forms in which its users have it, with the names that the table gives them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Any

from benchmarks.peers.job import Run, SyncRun, Wait
from cano._version import __version__

IN_FLIGHT = 10_000
LOOP = "hand-written loop"
OURS = "cano"


@dataclass(frozen=True, slots=True)
class Subject:
    """A form of an engine: which calls it is made of, what each run has of its own, and the module and function that make it.

    ``package`` is the distribution whose version is shown. A form without coroutines can wait only where ``held`` names a function
    that makes the two halves of a run. ``flies`` is false where one object serves all runs, so that one is under way at a time.
    """

    label: str
    api: str
    own: str
    module: str
    build: str = "build"
    package: str = ""
    sync: bool = False
    held: str = ""
    flies: bool = True

    @property
    def weighs(self) -> bool:
        """Say whether many runs of it can be under way at once."""
        return self.flies and (bool(self.held) or not self.sync)

    def make(self, name: str) -> Any:
        """Find a function of its module, which imports the engine."""
        return getattr(import_module(f"benchmarks.peers.{self.module}"), name)

    def run(self, wait: Wait) -> Run:
        """Make its run, for one with coroutines."""
        made: Run = self.make(self.build)(wait)
        return made

    def run_sync(self) -> SyncRun:
        """Make its run, for one without coroutines."""
        made: SyncRun = self.make(self.build)()
        return made

    def halves(self) -> tuple[Callable[[int], object], Callable[[object], int]]:
        """Make the two halves of its run."""
        made: tuple[Callable[[int], object], Callable[[object], int]] = self.make(self.held)()
        return made

    def version(self) -> str:
        """Say which version is measured; the loop has none."""
        if self.package == OURS:
            return __version__
        return version(self.package) if self.package else ""


SUBJECTS = (
    Subject(LOOP, "`await` in a `while`", "a dict", "by_loop"),
    Subject("cano, one store", "`orchestrate`", "nothing", "in_cano", "build_shared", OURS, flies=False),
    Subject("cano, a store each", "`orchestrate(resources=...)`", "a store", "in_cano", "build", OURS),
    Subject("cano, a store demanded", "the same, `per_run(of=...)`", "a store", "in_cano", "build_brought", OURS),
    Subject("PocketFlow, sync", "`Flow.run`", "a dict", "in_pocketflow", "build_sync", "pocketflow", sync=True),
    Subject("PocketFlow", "`AsyncFlow.run_async`", "a dict", "in_pocketflow", "build", "pocketflow"),
    Subject(
        "transitions, sync, one model",
        "`Machine`",
        "nothing",
        "in_transitions",
        "build_sync_shared",
        "transitions",
        sync=True,
        flies=False,
    ),
    Subject(
        "transitions, sync", "`Machine`", "a model", "in_transitions", "build_sync", "transitions", sync=True, held="build_held"
    ),
    Subject("transitions, one model", "`AsyncMachine`", "nothing", "in_transitions", "build_shared", "transitions", flies=False),
    Subject("transitions", "`AsyncMachine`", "a model", "in_transitions", "build", "transitions"),
    Subject("Burr, one application", "`Application.arun`", "nothing", "in_burr", "build_shared", "apache-burr", flies=False),
    Subject("Burr", "`abuild`, `Application.arun`", "an application", "in_burr", "build", "apache-burr"),
    Subject("pydantic-graph", "`GraphBuilder`, `Graph.run`", "a dataclass", "in_pydantic_graph", "build", "pydantic-graph"),
    Subject("LangGraph", "`StateGraph`, `ainvoke`", "a dict", "in_langgraph", "build", "langgraph"),
    Subject("llama-index-workflows", "`Workflow.run`", "a context", "in_llama_index", "build", "llama-index-workflows"),
)
