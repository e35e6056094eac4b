"""What Cython code sees of the store: declarations without a layout, which hold from one version to the next."""

import shutil
from pathlib import Path

import pytest

from tests.from_cython.building import FACES, python
from tests.meta.tree import PACKAGE

PUBLIC = ("__init__.py", "store/__init__.py", "store/__init__.pxd", "store/direct.pxd")
REFUSED = {
    "a C class cannot derive from it": (
        "cdef class Mine(MemoryStore):\n    pass",
        "Base class 'MemoryStore' of type 'Mine' is final",
    ),
    "no call without the GIL": (
        'cdef int f(MemoryStore store) except -1 nogil:\n    return direct.remove(store, "n")',
        "Calling gil-requiring function not allowed without gil",
    ),
    "too few arguments": ("def f(MemoryStore store):\n    return direct.get(store)", "Call with wrong number of arguments"),
}


def test_the_public_declarations_are_enough(tmp_path: Path) -> None:
    """Cython needs none of the inner declarations, and its C includes none of the inner headers."""
    for name in PUBLIC:
        (tmp_path / "cano" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGE / name, tmp_path / "cano" / name)
    shutil.copy(FACES / "faces.pyx", tmp_path)
    run = python(tmp_path, "-m", "cython", "faces.pyx", path=tmp_path)
    assert run.returncode == 0, run.stderr
    assert '#include "_' not in (tmp_path / "faces.c").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused_when_it_is_compiled(case: str, tmp_path: Path) -> None:
    """Cython itself says what is wrong, before anything runs."""
    code, message = REFUSED[case]
    (tmp_path / "wrong.pyx").write_text(
        f"# cython: language_level=3\nfrom cano.store cimport MemoryStore, direct\n{code}\n", encoding="utf-8"
    )
    run = python(tmp_path, "-m", "cython", "wrong.pyx")
    assert run.returncode != 0
    assert message in run.stderr


def test_another_layout_of_the_store_needs_no_new_build(faces_folder: Path) -> None:
    """Compiled code takes a store with more fields, without a warning of a changed size: it knows none of them."""
    code = """\
import cano.store
class Larger(cano.store.MemoryStore):
    __slots__ = ("one", "two", "three")
assert Larger.__basicsize__ > cano.store.MemoryStore.__basicsize__
cano.store.MemoryStore = Larger
import faces
assert faces.get_int(Larger({"n": 3}), "n") == 3
"""
    run = python(faces_folder, "-W", "error", "-c", code)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("other", ["del functions['get_int']", "functions['get_int'] = functions['get_float']"])
def test_a_function_that_is_not_there_as_it_was_is_refused_by_name(other: str, faces_folder: Path) -> None:
    """Code that was compiled for other functions than this version has is not imported, rather than run astray."""
    run = python(faces_folder, "-c", f"from cano.store.direct import __pyx_capi__ as functions; {other}; import faces")
    assert run.returncode == 1
    assert "get_int" in run.stderr.splitlines()[-1]


def test_compiled_code_keeps_the_gil_off_and_is_no_burden_for_others(faces_folder: Path) -> None:
    """On a free-threaded build the import leaves the GIL off; and nothing that Python code imports loads the C functions."""
    code = """\
import sys, sysconfig, cano
assert "cano.store.direct" not in sys.modules
import faces
assert "cano.store.direct" in sys.modules
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    assert not sys._is_gil_enabled()
"""
    run = python(faces_folder, "-W", "error", "-c", code)
    assert (run.returncode, run.stderr) == (0, "")
