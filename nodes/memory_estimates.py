"""How much memory the work takes, so that ComfyUI can make room before it starts, and a user is warned. Rough, and on the safe side.

The arithmetic only: knows no ComfyUI, no device and no network but by its sizes.
"""

from __future__ import annotations

from ..float_core.config import AutoencoderConfig, TransformerConfig

FLOAT = 4  # bytes of a float32, whatever the networks compute in
MAPS = 8  # feature maps of the finest resolution at once: 4.1 to 4.5 were measured, the rest is for a GPU's convolutions
SOUND_BYTES_PER_SECOND = 24 * 2**20  # wav2vec2's first convolutions: 512 channels at 3200 Hz, in float32, a few at once
LONGEST_SOUND = 60.0  # seconds that an audio network hears at once: a longer clip is heard in windows
BRANCHES = 3  # guidance passes side by side
TABLE_BYTES = 256 * 2**20  # float_core's bound for what stands ready of the shifts, scales and gates of all steps
TOKEN_VECTORS = 32  # of the hidden size, at once for each frame of one pass: queries, keys, values, the MLP's four, and what they come from


def frame_memory(config: AutoencoderConfig, frames: int = 1) -> int:
    """Bytes for encoding or decoding so many frames at once."""
    return MAPS * config.channels[-1] * config.size**2 * FLOAT * frames


def sound_memory(seconds: float, longest: float = LONGEST_SOUND) -> int:
    """Bytes for an audio network over a sound of that length, of which it hears at most `longest` seconds at once."""
    return int(SOUND_BYTES_PER_SECOND * min(seconds, longest))


def sampling_memory(config: TransformerConfig, steps: int) -> int:
    """Bytes for sampling one window: its tokens, and the shifts, scales and gates (six a block, two at the end) that stand ready for all
    steps, or for as many as there is room for."""
    vector = BRANCHES * config.tokens * config.hidden_size * FLOAT
    return TOKEN_VECTORS * vector + max(min(steps * (6 * config.depth + 2) * vector, TABLE_BYTES), (6 * config.depth + 2) * vector)


def image_memory(frames: int, size: int) -> int:
    """Bytes of an IMAGE (frames, size, size, 3)."""
    return frames * size * size * 3 * FLOAT
