"""The contract and the tests speak of the same rules."""

import builtins
import re

from cano import errors
from cano.errors import CanoError
from tests.meta.tree import ROOT

CONTRACT = ROOT / "docs" / "contract.md"


def cited(text: str) -> set[str]:
    """Find the rules that a text cites: ``store 2``, ``engine 1, 3 and 11``, ``ST-7``, ``D6:``."""
    found = set(re.findall(r"\b(?:ST|RS|TK|WF|ER|SJ)-\d+\b|\b[A-L]\d\b(?=[:,)])", text))
    for room, numbers in re.findall(r"\b(engine|store) (\d+(?:(?:, | and )\d+)*)\b", text):
        found.update(f"{room} {number}" for number in re.findall(r"\d+", numbers))
    return found


def rules() -> tuple[set[str], set[str]]:
    """Return the numbers of the rules and cases, and of the rules of the original, that the contract holds."""
    contract = CONTRACT.read_text(encoding="utf-8")
    ours = set(re.findall(r"\*\*((?:engine|store) \d+) ·", contract)) | set(re.findall(r"^\| ([A-L]\d) \|", contract, re.MULTILINE))
    rows = re.findall(r"^\| ((?:[A-Z]{2}-\d+(?:, )?)+) \|", contract, re.MULTILINE)
    return ours, {rule for row in rows for rule in row.split(", ")}


def test_every_rule_that_a_test_cites_stands_in_the_contract() -> None:
    """A reader who meets the number of a rule in a test finds the rule in docs/contract.md."""
    ours, originals = rules()
    assert len(ours) > 30
    assert len(originals) > 20
    for path in (ROOT / "tests").rglob("*.py"):
        unknown = cited(path.read_text(encoding="utf-8")) - ours - originals
        assert not unknown, f"{path.relative_to(ROOT)} cites {', '.join(sorted(unknown))}"


def test_every_rule_of_the_contract_is_cited_by_a_test() -> None:
    """A rule or case that no test cites is a promise that nothing holds."""
    ours, _ = rules()
    held = set().union(*(cited(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("test_*.py")))
    assert sorted(ours - held) == []


def test_every_error_has_its_line_in_the_documents() -> None:
    """docs/errors.md names each error that can be raised, with the built-in that it also is, and no other."""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    lines = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", page, re.MULTILINE))
    leaves = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, CanoError)}
    branches = {"CanoError", "StoreError", "ConfigurationError", "ResourceError", "WorkflowError"}
    assert sorted(lines) == sorted(leaves.keys() - branches)
    for name, built_in in lines.items():
        assert issubclass(leaves[name], getattr(builtins, built_in)), name
