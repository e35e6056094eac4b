"""Puts what was measured into the documents: between its marks in the text, and as pictures. All else in them stays.

A mark is a comment with the name of a part of ``benchmarks/parts.py``, or with the label of a row for a single figure.
"""

import re
from pathlib import Path

from benchmarks import builds as two_builds
from benchmarks.builds import Builds, read_builds
from benchmarks.parts import part
from benchmarks.pictures import PICTURES
from benchmarks.results import Results, read

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/performance.md")
FOLDER = ROOT / "docs" / "pictures"
MEASURED = "cpython-3.13.0-linux-x86_64"  # the results that the documents show
BESIDE = "cpython-3.11.7-linux-x86_64"  # and those that stand beside them

MARKED = re.compile(r"(<!-- measured: (?P<name>.+?) -->)(?P<shown>.*?)(<!-- end -->)", re.DOTALL)


def filled(text: str, results: Results, beside: Results | None, builds: Builds | None = None) -> str:
    """Put the parts between their marks."""

    def between(name: str) -> str:
        return two_builds.part(name, builds) if name in two_builds.TABLES else part(results, beside, name)

    return MARKED.sub(lambda found: f"{found[1]}{between(found['name'])}{found[4]}", text)


def pictures(results: Results, builds: Builds | None) -> dict[str, str]:
    """Draw all pictures, those of the two builds if both were measured."""
    drawn = {name: draw(results) for name, draw in PICTURES.items()}
    return drawn | ({name: draw(builds) for name, draw in two_builds.PICTURES.items()} if builds else {})


def write() -> list[str]:
    """Fill all pages and draw all pictures; return the names of those that have changed."""
    results, beside, builds = read(MEASURED), read(BESIDE), read_builds()
    if results is None:
        return []
    new = {ROOT / name: filled((ROOT / name).read_text(encoding="utf-8"), results, beside, builds) for name in PAGES}
    new |= {FOLDER / f"{name}.svg": drawn for name, drawn in pictures(results, builds).items()}
    FOLDER.mkdir(exist_ok=True)
    changed = []
    for path, text in new.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path.relative_to(ROOT).as_posix())
    return changed
