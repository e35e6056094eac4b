"""Every code block in the documents runs, and so does every example in a docstring."""

import doctest
import inspect
from importlib import import_module
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from tests.meta.tree import ROOT, modules

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_python_block_of_a_document_runs(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a document run from top to bottom as one program, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for example in Sybil([PythonCodeBlockParser()]).parse(document):
        example.evaluate()


def test_the_readme_has_blocks_to_run() -> None:
    """A change of the mark-up cannot turn the test above into one that runs nothing."""
    readme = Sybil([PythonCodeBlockParser()]).parse(ROOT / "README.md")
    assert len(list(readme)) >= 3


@pytest.mark.parametrize("name", sorted(modules()))
def test_every_example_in_a_docstring_runs(name: str) -> None:
    """What stands behind ``>>>`` in a module, a class or a method gives the result that stands below it."""
    module = import_module(name)
    documented: list[object] = [module]
    for value in vars(module).values():
        if getattr(value, "__module__", None) == name:
            documented += [value, *(vars(value).values() if inspect.isclass(value) else ())]
    runner = doctest.DocTestRunner()
    for thing in documented:
        text = getattr(thing, "__doc__", None)
        if isinstance(text, str) and ">>>" in text:
            label = f"{name}.{getattr(thing, '__qualname__', '')}"
            runner.run(doctest.DocTestParser().get_doctest(text, dict(vars(module)), label, None, None))
    assert runner.summarize(verbose=False).failed == 0
