"""The module of faces, compiled once for all tests."""

import importlib.util
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

from tests.from_cython.building import FACES, SETUP, built


@pytest.fixture(scope="session")
def faces_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the faces outside the checkout, and give the folder."""
    return built(FACES, tmp_path_factory.mktemp("from_cython") / "faces", "-c", SETUP)


@pytest.fixture(scope="session")
def faces(faces_folder: Path) -> ModuleType:
    """Import them."""
    spec = importlib.util.spec_from_file_location("faces", faces_folder / f"faces{sysconfig.get_config_var('EXT_SUFFIX')}")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
