"""The transformer and its guidance against the reference's numbers, at full size, in float32."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from float_core.motion_flow.guidance import GuidedVelocity, PreparedVelocity, WindowConditions

TOLERANCE = 1e-5


def _conditions(refweights, name: str, batch: int) -> WindowConditions:
    def draw(tag: str, *shape: int) -> torch.Tensor:
        return torch.from_numpy(refweights.noise(f"transformer.{name}.{tag}", (batch, *shape)))

    parts = draw("wa", 50, 512), draw("wr", 512), draw("we", 1, 7).softmax(-1), draw("prev_x", 10, 512), draw("prev_wa", 10, 512)
    return WindowConditions(*(part.float() for part in parts))


@pytest.mark.parametrize("name", ["plain", "guided", "guided_batch2"])
@torch.no_grad()
def test_velocity_of_all_frames(reference, refweights, relative_error, full_transformer, name):
    expected = np.load(reference / f"transformer_{name}.npz")
    batch, (audio_scale, _, emotion_scale) = int(expected["batch"]), expected["scales"].tolist()
    x = torch.from_numpy(refweights.noise(f"transformer.{name}.x", (batch, 50, 512))).float()
    conditions, t = _conditions(refweights, name, batch), float(expected["t"])
    plain = GuidedVelocity(full_transformer, conditions, audio_scale, emotion_scale)
    assert relative_error(plain.all_frames(x, t), expected["velocity"]) < TOLERANCE
    prepared = PreparedVelocity(full_transformer, conditions, audio_scale, emotion_scale, [0.0, t, 1.0])
    assert relative_error(prepared(x, t), expected["velocity"][:, -50:]) < TOLERANCE
