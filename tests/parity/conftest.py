"""What the parity tests share: the reference's weights by name, and networks too large to fill for every test."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch

from float_core.config import FLOAT_512
from float_core.motion_flow.transformer import FlowMatchingTransformer


@pytest.fixture(scope="session")
def refweights(reference) -> ModuleType:
    """The reference's own module of deterministic weights and inputs."""
    spec = importlib.util.spec_from_file_location("refweights", reference / "refweights.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def relative_error() -> Callable[[torch.Tensor, np.ndarray], float]:
    """norm(result - expected) / norm(expected)."""

    def measure(result: torch.Tensor, expected: np.ndarray) -> float:
        return float(np.linalg.norm(result.double().numpy() - expected) / np.linalg.norm(expected))

    return measure


@pytest.fixture(scope="session")
def full_transformer(refweights) -> FlowMatchingTransformer:
    """The transformer at the released size with the reference's weights (600 MB, filled once)."""
    with torch.device("meta"):
        network = FlowMatchingTransformer(FLOAT_512.transformer)
    weights = {name: torch.from_numpy(refweights.tensor(f"fmt.{name}", p.shape)).float() for name, p in network.named_parameters()}
    network.load_state_dict(weights, strict=True, assign=True)
    return network.eval()
