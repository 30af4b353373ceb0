"""The pack under a name of its own, as ComfyUI loads it, but without a ComfyUI."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
NAME = "custom_nodes_float_pack"


@pytest.fixture(scope="session")
def pack() -> ModuleType:
    """The root package; its parts are imported below this name."""
    spec = importlib.util.spec_from_file_location(NAME, ROOT / "__init__.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    return module
