"""Estimates of the memory that the activations of a network take, without its weights: rough, and rather too high than too low.

They are for float32, whatever dtype the networks compute in.
"""

from __future__ import annotations

from ..motion_flow.guidance import TABLE_BYTES
from ..types import FloatModel
from .long_audio import LONGEST_WHOLE

FLOAT = 4  # bytes of a float32
MAPS = 8  # feature maps of the finest resolution at once: 4.1 to 4.5 were measured, the rest is for the convolutions of a GPU
AUDIO_BYTES_PER_SECOND = 24 * 2**20  # wav2vec2's first convolutions: 512 channels at 3200 Hz, a few at once
BRANCHES = 3  # guidance passes side by side
TOKEN_VECTORS = 32  # of the hidden size, for each frame of one pass: queries, keys, values, the four of the MLP, and their inputs


def frame_memory(model: FloatModel, frames: int = 1) -> int:
    """Bytes for encoding or decoding so many frames at once.

    >>> import float_core
    >>> frame_memory(float_core.load_model("mini"), frames=4) // 2**20
    64
    """
    config = model.require("autoencoder").config
    return MAPS * config.channels[-1] * config.size**2 * FLOAT * frames


def audio_memory(seconds: float, window_seconds: float | None = None) -> int:
    """Bytes for an audio network that gets `seconds` of audio: in windows of `window_seconds`, or of 60 s if that is None.

    >>> audio_memory(600) // 2**20
    1440
    """
    return int(AUDIO_BYTES_PER_SECOND * min(seconds, window_seconds or LONGEST_WHOLE))


def sampling_memory(model: FloatModel, steps: int) -> int:
    """Bytes for sampling one window in so many steps: its tokens, and the shifts, scales and gates (six in each block, two at the end) that
    are computed before the loop, for all steps or for as many as fit.

    >>> import float_core
    >>> sampling_memory(float_core.load_model("mini"), steps=10) // 2**20
    51
    """
    config = model.require("transformer").config
    vector = BRANCHES * config.tokens * config.hidden_size * FLOAT
    step = (6 * config.depth + 2) * vector
    return TOKEN_VECTORS * vector + max(min(steps * step, TABLE_BYTES), step)
