"""Training material with no download: a folder with synthetic faces and synthetic voices.

<out>/faces/   shards of rendered heads (face_dataset)
<out>/voices/  spoken clips with exact motion (synthetic_voices)
"""

from __future__ import annotations

from pathlib import Path

from ..errors import OptionError
from ..progress import ProgressCallback
from .face_dataset import write_faces
from .synthetic_voices import synthesize_voices


def synthesize(
    out: str | Path,
    *,
    heads: int = 1024,
    frames: int = 4,
    size: int = 256,
    voices: int = 1200,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Writes `heads` heads with `frames` poses each at `size` pixels, and `voices` spoken clips; 0 leaves a kind out.

    Faces that are already there are kept, so that an interrupted call goes on. Raises OptionError for negative counts.
    """
    if heads < 0 or voices < 0:
        raise OptionError(f"heads={heads}, voices={voices}; expected 0 or more")
    out = Path(out)
    if heads:
        write_faces(out / "faces", heads=heads, frames=frames, size=size, seed=seed, on_progress=on_progress)
    if voices:
        synthesize_voices(out / "voices", count=voices, seed=seed, on_progress=on_progress)
    return out
