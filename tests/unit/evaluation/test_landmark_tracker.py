"""The landmark network as a tracker: its values in the order of the tracks, frames without a face left out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from float_core.evaluation import landmark_tracker
from float_core.face.landmarks import FaceLandmarks


def test_tracks_hold_what_the_network_reads(monkeypatch):
    sizes = []

    def read(images):
        sizes.append(len(images))
        assert images.shape[1:] == (3, 24, 24) and images.dtype == torch.float32
        gray = (images.mean((1, 2, 3)) + 1) / 2
        pose = torch.stack([10 * gray, 20 * gray, 30 * gray], 1)
        lids = torch.stack([gray / 2, gray / 4], 1)
        return FaceLandmarks(torch.zeros(len(gray), 1, 2), torch.zeros(len(gray), 1), pose, gray, lids, (gray < 0.9).float())

    monkeypatch.setattr(landmark_tracker, "read_landmarks", read)
    levels = np.array([*np.linspace(0, 200, 40), 255, 100])
    frames = np.broadcast_to(levels.astype(np.uint8)[:, None, None, None], (42, 24, 24, 3))
    tracks = landmark_tracker.landmark_tracker(torch.device("cpu"))(frames)
    assert sizes == [32, 10] and np.flatnonzero(~tracks.seen).tolist() == [40]
    gray = levels.astype(np.uint8) / 255
    gray[40] = (gray[39] + gray[41]) / 2
    assert tracks.lips == pytest.approx(gray, abs=1e-5) and tracks.lids[:, 1] == pytest.approx(gray / 4, abs=1e-5)
    assert tracks.pose[:, 2] == pytest.approx(30 * gray, abs=1e-4)
