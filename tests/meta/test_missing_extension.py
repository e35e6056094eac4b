"""Without its compiled store cano is not there, and says what to do."""

import shutil
from pathlib import Path

from tests.meta.tree import PACKAGE, fresh


def test_a_missing_extension_is_an_import_error_that_says_how_to_build_it(tmp_path: Path) -> None:
    """A source tree that was never built names the command, the compiler, and that there is no pure-Python version."""
    shutil.copytree(PACKAGE, tmp_path / "cano", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for statement in ("import cano", "import cano.store"):
        run = fresh(statement, path=tmp_path)
        assert run.returncode == 1
        last = run.stderr.strip().splitlines()[-1]
        assert last.startswith("ImportError: cano's compiled store is missing: run 'pip install .'")
        assert "compiler" in last
        assert "no pure-Python version" in last


def test_an_extension_of_another_python_counts_as_missing(tmp_path: Path) -> None:
    """A file that was compiled for another interpreter is not loaded, and the same error says what to do."""
    shutil.copytree(PACKAGE, tmp_path / "cano", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (tmp_path / "cano" / "store" / "_memory.cpython-310-x86_64-linux-gnu.so").write_bytes(b"not for you")
    run = fresh("import cano.store", path=tmp_path)
    assert run.returncode == 1
    assert "cano's compiled store is missing" in run.stderr
