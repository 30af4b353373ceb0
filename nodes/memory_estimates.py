"""How much memory activations take, so that ComfyUI can make room before the work starts. Rough, and on the safe side."""

BYTES_PER_PIXEL = 2048  # of a decoded frame in float32: about eight feature maps of 32 channels at the finest resolution, twice
SOUND_BYTES_PER_SECOND = 24 * 2**20  # wav2vec2's first convolutions: 512 channels at 3200 Hz, in float32, a few at once
SAMPLING_BYTES = 512 * 2**20  # one window of 60 frames, three guidance passes


def frame_memory(size: int, frames: int = 1) -> int:
    """Bytes for encoding or decoding so many frames of size x size at once."""
    return BYTES_PER_PIXEL * size * size * frames


def sound_memory(seconds: float) -> int:
    """Bytes for an audio network over a sound of that length."""
    return int(SOUND_BYTES_PER_SECOND * seconds)
