"""FID (Heusel et al. 2017): the Frechet distance of image features, over all frames. E-FID and P-FID are the same on the expression and
the pose of a 3D face model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .frechet import frechet_distance
from .network_metric import NetworkMetric, load_package

FrameFeatures = Callable[[np.ndarray], np.ndarray]  # frames (T, S, S, 3) uint8 RGB -> (T, K)
_AT_ONCE = 16


class FrameDistance(NetworkMetric):
    """The Frechet distance of what `features` finds in the frames of all clips; `name`: of the measure."""

    def __init__(self, name: str, features: FrameFeatures) -> None:
        self.names = (name,)
        self._features = features
        self._made: list[np.ndarray] = []
        self._true: list[np.ndarray] = []

    def add(self, made: np.ndarray, true: np.ndarray, _voice: np.ndarray) -> None:
        """One clip."""
        self._made.append(self._features(made))
        self._true.append(self._features(true))

    def result(self) -> dict[str, float]:
        """The distance over all clips so far."""
        return {self.names[0]: frechet_distance(np.concatenate(self._made), np.concatenate(self._true))}


def inception_features(device: torch.device) -> FrameFeatures:
    """The 2048 features of the Inception network that FID is defined by, from the package pytorch-fid, which downloads its weights. Raises
    OptionError if it is not installed."""
    package: Any = load_package("pytorch_fid.inception", "pytorch-fid", "FID")
    network = package.InceptionV3([package.InceptionV3.BLOCK_INDEX_BY_DIM[2048]]).eval().to(device)

    @torch.inference_mode()
    def features(frames: np.ndarray) -> np.ndarray:
        parts = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).split(_AT_ONCE)
        return torch.cat([network(part.to(device).float() / 255)[0].flatten(1).cpu() for part in parts]).numpy()

    return features
