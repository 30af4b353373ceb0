"""LSE-D and LSE-C (Prajwal et al. 2020): how near SyncNet's features of mouth and sound are, and how sure it is of their delay.

They change by 0.4 to 1.2 with the encoding of a video, so that they only compare within one table of one codec.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ..errors import CheckpointError
from .network_metric import NetworkMetric, load_package

SyncFeatures = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]  # frames, voice -> mouth (T, K), sound (T, K), in step
_SHIFT = 15  # frames, to each side
_SIZE, _FRAMES, _MFCC = 224, 5, 20  # of SyncNet: pixels; frames and sound features (100 a second) that it sees at once
_AT_ONCE = 16
_FULL = 32768  # of a 16 bit sample


class LipSyncError(NetworkMetric):
    """Means over clips of `sync_error`."""

    names = ("LSE-D", "LSE-C")

    def __init__(self, features: SyncFeatures) -> None:
        self._features = features
        self._found: list[tuple[float, float]] = []

    def add(self, made: np.ndarray, _true: np.ndarray, voice: np.ndarray) -> None:
        """One clip; one that is too short for SyncNet adds nothing."""
        mouth, sound = self._features(made, voice)
        if len(mouth):
            self._found.append(sync_error(mouth, sound))

    def result(self) -> dict[str, float]:
        """The means over all clips so far, nan without any."""
        means = np.mean(self._found, axis=0).tolist() if self._found else [float("nan")] * 2
        return dict(zip(self.names, means, strict=True))


def sync_error(mouth: np.ndarray, sound: np.ndarray) -> tuple[float, float]:
    """LSE-D = min over shifts s of -15 to 15 of D(s), D(s) = mean over t of |mouth(t) - sound(t + s)|, sound 0 beyond its ends; LSE-C =
    the median of D - its minimum."""
    padded = np.pad(sound, ((_SHIFT, _SHIFT), (0, 0)))
    distances = [np.linalg.norm(mouth - padded[s : s + len(mouth)], axis=1).mean() for s in range(2 * _SHIFT + 1)]
    return float(min(distances)), float(np.median(distances) - min(distances))


def syncnet_features(weights: Path, device: torch.device) -> SyncFeatures:
    """SyncNet from the package syncnet-python, with the user's own weights: the published syncnet_v2.model. Raises OptionError if the
    package is not installed, CheckpointError for another file."""
    package: Any = load_package("syncnet_python.SyncNetModel", "syncnet-python", "LSE")
    speech: Any = load_package("python_speech_features", "python-speech-features", "LSE")
    network = package.S(1024).eval()
    try:
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"{weights} does not hold SyncNet's weights: {error}. Give the published file syncnet_v2.model") from error
    network.to(device)

    @torch.inference_mode()
    def features(frames: np.ndarray, voice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pixels = torch.from_numpy(np.ascontiguousarray(frames[..., ::-1])).permute(0, 3, 1, 2).float()  # its channels are blue, green, red
        small = F.interpolate(pixels, (_SIZE, _SIZE), mode="bilinear", antialias=True)
        sound = torch.from_numpy(speech.mfcc(np.round(voice * (_FULL - 1)).astype(np.int16), 16000).T.astype(np.float32))
        count = min(len(small) - _FRAMES, (sound.shape[1] - _MFCC) // 4) + 1
        mouths, sounds = [], []
        for start in range(0, max(count, 0), _AT_ONCE):
            places = range(start, min(count, start + _AT_ONCE))
            clips = torch.stack([small[t : t + _FRAMES].transpose(0, 1) for t in places])
            spoken = torch.stack([sound[None, :, 4 * t : 4 * t + _MFCC] for t in places])
            mouths.append(network.forward_lip(clips.to(device)).cpu())
            sounds.append(network.forward_aud(spoken.to(device)).cpu())
        nothing = torch.zeros(0, 1024)
        return torch.cat([nothing, *mouths]).numpy(), torch.cat([nothing, *sounds]).numpy()

    return features
