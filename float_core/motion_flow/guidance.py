"""Incremental classifier-free guidance (paper section 3.2): audio and emotion, each with its own scale.

Wraps the transformer into `velocity(x, t)`; knows nothing of solvers, noise or how windows follow one another.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .transformer import FlowMatchingTransformer

# (audio kept, emotion kept) of the passes v(0, 0), v(w_a, 0), v(w_a, w_e).
_BRANCHES = ((False, False), (True, False), (True, True))


@dataclass(frozen=True)
class WindowConditions:
    """What one window is sampled under: `audio` w_a (B, W, Da), `source_motion` w_r (B, D), `emotion` w_e (B, 1 or P+W, 7),
    `preceding_motion` (B, P, D), `preceding_audio` (B, P, Da)."""

    audio: Tensor
    source_motion: Tensor
    emotion: Tensor
    preceding_motion: Tensor
    preceding_audio: Tensor


def branch_weights(audio_scale: float, emotion_scale: float) -> dict[tuple[bool, bool], float]:
    """The weight of every pass that is needed, by (audio kept, emotion kept).

    v = v(0,0) + a (v(w_a,0) - v(0,0)) + e (v(w_a,w_e) - v(w_a,0)) = (1-a) v(0,0) + (a-e) v(w_a,0) + e v(w_a,w_e): a pass of weight
    zero is left out, which leaves one for a = e = 1 and two for a = e, for a = 1 and for e = 0.
    """
    weights = (1.0 - audio_scale, audio_scale - emotion_scale, emotion_scale)
    return {branch: weight for branch, weight in zip(_BRANCHES, weights, strict=True) if weight != 0.0}


class GuidedVelocity:
    """`velocity(x, t)` of a window under guidance. The passes go through the transformer as one batch; `passes` is their number.

    Left out of a pass are w_a of the current frames and w_e of all frames; the preceding frames and w_r stay.
    """

    def __init__(
        self, transformer: FlowMatchingTransformer, conditions: WindowConditions, audio_scale: float, emotion_scale: float
    ) -> None:
        weights = branch_weights(audio_scale, emotion_scale)
        self.passes = len(weights)
        self._transformer = transformer
        self._weights = conditions.audio.new_tensor(list(weights.values()), dtype=torch.float32).view(-1, 1, 1, 1)
        self._audio = self._stack([conditions.audio if audio else torch.zeros_like(conditions.audio) for audio, _ in weights])
        self._emotion = self._stack([conditions.emotion if emotion else torch.zeros_like(conditions.emotion) for _, emotion in weights])
        self._source_motion = self._stack([conditions.source_motion] * self.passes)
        self._preceding_motion = self._stack([conditions.preceding_motion] * self.passes)
        self._preceding_audio = self._stack([conditions.preceding_audio] * self.passes)

    def _stack(self, parts: list[Tensor]) -> Tensor:
        return torch.cat(parts).to(self._transformer.dtype)

    def all_frames(self, x: Tensor, t: float) -> Tensor:
        """Velocity of the P preceding and W current frames: (B, W, D) -> (B, P+W, D), in the precision of `x`."""
        velocity = self._transformer(
            x.to(self._transformer.dtype).repeat(self.passes, 1, 1),
            t,
            self._audio,
            self._source_motion,
            self._emotion,
            self._preceding_motion,
            self._preceding_audio,
        )
        passes = velocity.to(x.dtype).unflatten(0, (self.passes, -1))
        return (passes * self._weights).sum(0)

    def __call__(self, x: Tensor, t: float) -> Tensor:
        """Velocity of the current frames: (B, W, D) -> (B, W, D)."""
        return self.all_frames(x, t)[:, self._transformer.config.preceding :]
