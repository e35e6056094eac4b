"""examples/from_cython: a project of its own, which finds cano as an installed package, and docs/cython.md, which shows it."""

import re
from pathlib import Path

import pytest

from tests.from_cython.building import EXAMPLE, built, python
from tests.meta.tree import PACKAGE, ROOT

PRINTED = """\
alarms: 2, latest: 44.5
above the limit: [31.0, 44.5]
alarms: 3, stored: 5
TypeMismatch: key 'limit': expected float, found int
KeyNotFound: key 'limit' is not in the store
"""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the example outside the checkout."""
    return built(EXAMPLE, tmp_path_factory.mktemp("outside") / "example")


def test_the_example_builds_outside_the_checkout_and_prints_what_it_promises(example: Path) -> None:
    """Values, errors and their facts reach Python from C, without a warning."""
    run = python(example, "-W", "error", "main.py")
    assert (run.stdout, run.stderr, run.returncode) == (PRINTED, "", 0)


def test_the_measurement_runs(example: Path) -> None:
    """Each way to a value that loops.pyx knows has its line."""
    run = python(example, "-W", "error", "measure.py", "10")
    assert (run.stderr, run.returncode) == ("", 0)
    ways = set(re.findall(r"^def (\w+)", (example / "loops.pyx").read_text(encoding="utf-8"), re.MULTILINE)) - {"nothing"}
    assert set(re.findall(r"`(\w+)`", run.stdout)) == ways


def test_the_document_shows_the_example_as_it_is() -> None:
    """The code in docs/cython.md is the code that the tests build."""
    page = (ROOT / "docs" / "cython.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```cython\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert block == (EXAMPLE / "watch.pyx").read_text(encoding="utf-8")


def test_the_document_lists_every_function_as_it_is_declared() -> None:
    """The table in docs/cython.md has the C signature of each function, and no other."""
    page = (ROOT / "docs" / "cython.md").read_text(encoding="utf-8")
    declared = re.findall(r"^cdef (.+)$", (PACKAGE / "store" / "direct.pxd").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(declared) == 10
    table = page.partition("| C signature |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE) == declared
