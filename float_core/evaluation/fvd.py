"""FVD (Unterthiner et al. 2018): the Frechet distance of features of short videos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .frechet import frechet_distance
from .network_metric import NetworkMetric, load_package

VideoFeatures = Callable[[np.ndarray], np.ndarray]  # videos (B, 16, S, S, 3) uint8 RGB -> (B, K)
_FRAMES = 16  # of a short video, as in the paper's table
_AT_ONCE = 4


class VideoDistance(NetworkMetric):
    """FVD of all clips, cut into videos of 16 frames, one after another; what is left at a clip's end is not looked at."""

    names = ("FVD",)

    def __init__(self, features: VideoFeatures) -> None:
        self._features = features
        self._made: list[np.ndarray] = []
        self._true: list[np.ndarray] = []

    def add(self, made: np.ndarray, true: np.ndarray, _voice: np.ndarray) -> None:
        """One clip; one of fewer than 16 frames adds nothing."""
        for frames, found in ((made, self._made), (true, self._true)):
            count = len(frames) // _FRAMES
            if count:
                found.append(self._features(frames[: count * _FRAMES].reshape(count, _FRAMES, *frames.shape[1:])))

    def result(self) -> dict[str, float]:
        """The distance over all clips so far, nan without any."""
        if not self._made or not self._true:
            return {"FVD": float("nan")}
        return {"FVD": frechet_distance(np.concatenate(self._made), np.concatenate(self._true))}


def i3d_features(device: torch.device) -> VideoFeatures:
    """The 400 logits of I3D trained on Kinetics, from the package cd-fvd, which downloads its weights. Raises OptionError if it is not
    installed."""
    package: Any = load_package("cdfvd.third_party.i3d.utils", "cd-fvd", "FVD")
    network = package.load_i3d_model(device)

    @torch.inference_mode()
    def features(videos: np.ndarray) -> np.ndarray:
        parts = [videos[n : n + _AT_ONCE] for n in range(0, len(videos), _AT_ONCE)]
        return torch.cat([network(package.preprocess_i3d(part).to(device)).cpu() for part in parts]).numpy()

    return features
