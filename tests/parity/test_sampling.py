"""Three windows of the released sampling run against the reference's numbers, through the public function."""

from __future__ import annotations

import numpy as np
import torch

from float_core.config import FLOAT_512, ModelConfig
from float_core.pipeline.sample import sample_motion
from float_core.types import AudioFeatures, EmotionCondition, FloatModel, Provenance, SamplingOptions, SourceIdentity


def test_137_frames(reference, refweights, relative_error, full_transformer):
    expected = np.load(reference / "sampling_137.npz")
    frames, points = int(expected["frames"]), int(expected["points"])
    audio_scale, _, emotion_scale = expected["scales"].tolist()

    def draw(tag: str, *shape: int) -> torch.Tensor:
        return torch.from_numpy(refweights.noise(f"sampling_137.{tag}", shape))

    config = ModelConfig("float-512", transformer=FLOAT_512.transformer)
    model = FloatModel(config, Provenance("reference weights", "", "", ""), transformer=full_transformer)
    zeros = torch.zeros(1, 512)
    identity = SourceIdentity(zeros, torch.zeros(1, 20), draw("r_s", 1, 512).float(), ())
    emotion = EmotionCondition(draw("we", 1, 1, 7).softmax(-1).float())
    noise = torch.stack([draw(f"x0.{n}", 1, 50, 512) for n in range(3)]).float()
    options = SamplingOptions(steps=points - 1, audio_guidance=audio_scale, emotion_guidance=emotion_scale)
    result = sample_motion(model, identity, AudioFeatures(draw("wa", 1, frames, 512).float(), 25.0), emotion, options, noise=noise)
    assert result.latents.shape == (1, frames, 512) and result.latents.dtype == torch.float32 and result.fps == 25.0
    error = relative_error(result.latents[0], expected["motion"])
    assert error < 1e-5
