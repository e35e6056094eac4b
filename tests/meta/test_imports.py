"""Importing cano: every module alone, nothing that is not needed, nothing through the package root."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.meta.tree import PACKAGE, fresh, modules

# The package root is put there bare, so that nothing but the module itself decides what is loaded, and in which order.
ALONE = """
import importlib, types
root = types.ModuleType("cano")
root.__path__ = [{package!r}]
sys.modules["cano"] = root
importlib.import_module({module!r})
"""
# What somebody who only wants a store or a workflow must not pay for.
NEVER = {"sqlite3", "_sqlite3", "multiprocessing", "concurrent.futures.process", "http", "urllib.request", "email", "unittest"}
THROUGH_THE_ROOT = re.compile(r"^\s*(from cano import\b|import cano\s*($|,|#|as\b)|from \.+ import\b)", re.MULTILINE)
SOURCES = sorted(path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".pyx", ".pxd", ".pyi"})


def loaded_by(statement: str) -> set[str]:
    """Name the modules that ``statement`` adds to those of a bare start."""
    run = fresh(f"before = set(sys.modules)\n{statement}\nprint(*(set(sys.modules) - before))")
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def is_standard(module: str) -> bool:
    """Tell whether a module is the standard library's, or one that compiled modules make for the types they share."""
    return module.partition(".")[0] in sys.stdlib_module_names or module.startswith(("_cython_", "cython_runtime"))


@pytest.mark.parametrize("module", [name for name in modules() if name != "cano"])
def test_every_module_can_be_imported_alone_and_without_a_warning(module: str) -> None:
    """A module loads what it needs by itself, whoever imports it first."""
    run = fresh(ALONE.format(package=str(PACKAGE), module=module))
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_package_root_can_be_imported_alone_and_without_a_warning() -> None:
    """``import cano`` may be the first line of a program."""
    run = fresh("import cano")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_importing_cano_loads_the_standard_library_only() -> None:
    """``import cano`` loads no optional dependency and no database, whatever lies in the environment."""
    loaded = {module for module in loaded_by("import cano") if module.partition(".")[0] != "cano"}
    assert {module for module in loaded if not is_standard(module)} == set()
    assert loaded & NEVER == set()


def test_importing_cano_costs_little_more_than_importing_asyncio() -> None:
    """``import cano`` loads few modules beyond those of asyncio, dataclasses and typing, which the engine stands on."""
    ours = {module for module in loaded_by("import cano") if module.partition(".")[0] != "cano"}
    beyond = ours - loaded_by("import asyncio, dataclasses, typing")
    assert len(beyond) <= 20, sorted(beyond)


@pytest.mark.parametrize("module", sorted(modules()))
def test_all_names_what_is_there_and_once(module: str) -> None:
    """Every package has an ``__all__``, and every ``__all__`` is true; its order is ruff's to judge (RUF022)."""
    loaded = import_module(module)
    names = getattr(loaded, "__all__", None)
    if names is None:
        assert not hasattr(loaded, "__path__"), f"the package {module} has no __all__"
    else:
        assert sorted(names) == sorted(set(names))
        assert [name for name in names if not hasattr(loaded, name)] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_inside_imports_the_package_root(source: Path) -> None:
    """Inside, a name is imported from the room where it lives: every real import cycle runs through the root."""
    assert THROUGH_THE_ROOT.findall(source.read_text(encoding="utf-8")) == []
