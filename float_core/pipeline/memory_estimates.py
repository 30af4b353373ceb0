"""How much memory the activations of a network take, beside its weights. Rough, and on the safe side: to make room before the work starts.

Tensors that pass between the public functions are float32, and so are these estimates, whatever the networks compute in.
"""

from __future__ import annotations

from ..motion_flow.guidance import TABLE_BYTES
from ..types import FloatModel
from .long_audio import LONGEST_WHOLE

FLOAT = 4  # bytes of a float32
MAPS = 8  # feature maps of the finest resolution at once: 4.1 to 4.5 were measured, the rest is for a GPU's convolutions
AUDIO_BYTES_PER_SECOND = 24 * 2**20  # wav2vec2's first convolutions: 512 channels at 3200 Hz, a few at once
BRANCHES = 3  # guidance passes side by side
TOKEN_VECTORS = 32  # of the hidden size, at once for each frame of one pass: queries, keys, values, the MLP's four, and what they come from


def frame_memory(model: FloatModel, frames: int = 1) -> int:
    """Bytes for encoding or decoding so many frames at once."""
    config = model.require("autoencoder").config
    return MAPS * config.channels[-1] * config.size**2 * FLOAT * frames


def audio_memory(seconds: float, window_seconds: float | None = None) -> int:
    """Bytes for an audio network on an audio of that length, of which it hears `window_seconds` at once, or as much as it ever does."""
    return int(AUDIO_BYTES_PER_SECOND * min(seconds, window_seconds or LONGEST_WHOLE))


def sampling_memory(model: FloatModel, steps: int) -> int:
    """Bytes for sampling one window: its tokens, and the shifts, scales and gates (six a block, two at the end) that stand ready for all
    steps, or for as many as there is room for."""
    config = model.require("transformer").config
    vector = BRANCHES * config.tokens * config.hidden_size * FLOAT
    step = (6 * config.depth + 2) * vector
    return TOKEN_VECTORS * vector + max(min(steps * step, TABLE_BYTES), step)
