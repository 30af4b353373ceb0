"""CSIM: does the face keep its identity? The cosine of face descriptors of each frame and of the clip's first true frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .network_metric import NetworkMetric, load_package

FaceDescriptor = Callable[[np.ndarray], np.ndarray]  # frames (T, S, S, 3) uint8 RGB -> (T, K)
_SIZE = 160
_STEP = 3  # every third frame is looked at
_AT_ONCE = 16


class IdentitySimilarity(NetworkMetric):
    """Mean over clips of the mean over frames t of <d(t), d(0)> / (|d(t)| |d(0)|), d(0) of the clip's first true frame."""

    names = ("CSIM",)

    def __init__(self, descriptor: FaceDescriptor) -> None:
        self._descriptor = descriptor
        self._found: list[float] = []

    def add(self, made: np.ndarray, true: np.ndarray, _voice: np.ndarray) -> None:
        """One clip."""
        person, others = self._descriptor(true[:1])[0], self._descriptor(made[::_STEP])
        sizes = np.linalg.norm(person) * np.linalg.norm(others, axis=1)
        self._found.append(float((others @ person / np.maximum(sizes, 1e-12)).mean()))

    def result(self) -> dict[str, float]:
        """The mean over all clips so far."""
        return {"CSIM": float(np.mean(self._found)) if self._found else float("nan")}


def facenet_descriptor(device: torch.device) -> FaceDescriptor:
    """The 512 numbers of FaceNet trained on VGGFace2, from the package facenet-pytorch, which downloads its weights: not the ArcFace of the
    paper's table. Raises OptionError if it is not installed."""
    package: Any = load_package("facenet_pytorch", "facenet-pytorch", "CSIM")
    network = package.InceptionResnetV1(pretrained="vggface2").eval().to(device)

    @torch.inference_mode()
    def descriptor(frames: np.ndarray) -> np.ndarray:
        parts = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).split(_AT_ONCE)
        small = (F.interpolate(part.to(device).float(), (_SIZE, _SIZE), mode="bilinear", antialias=True) for part in parts)
        return torch.cat([network((part - 127.5) / 128).cpu() for part in small]).numpy()

    return descriptor
