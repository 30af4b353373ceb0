"""Training material: a folder with synthetic faces and synthetic voices. Without portraits it needs no data at all.

<out>/faces/   shards of drawn heads, and of photographs that move (face_dataset)
<out>/voices/  spoken clips with exact motion (synthetic_voices)
"""

from __future__ import annotations

from pathlib import Path

from ..errors import OptionError
from ..progress import ProgressCallback
from .face_dataset import write_faces, write_photo_faces
from .synthetic_voices import synthesize_voices


def synthesize(
    out: str | Path,
    *,
    heads: int = 1024,
    frames: int = 4,
    size: int = 256,
    voices: int = 1200,
    portraits: str | Path | None = None,
    portrait_heads: int | None = None,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Writes `heads` drawn heads with `frames` poses each at `size` pixels, and `voices` spoken clips; 0 leaves a kind out. `portraits`: a
    folder of prepared portraits, of which `portrait_heads` heads are made to move (by default each portrait once).

    Faces that are already there are kept, so that an interrupted call goes on. Raises OptionError for negative counts.
    """
    if heads < 0 or voices < 0:
        raise OptionError(f"heads={heads}, voices={voices}; expected 0 or more")
    out = Path(out)
    if heads:
        write_faces(out / "faces", heads=heads, frames=frames, size=size, seed=seed, on_progress=on_progress)
    if portraits is not None:
        write_photo_faces(out / "faces", portraits, heads=portrait_heads, frames=frames, size=size, seed=seed, on_progress=on_progress)
    if voices:
        synthesize_voices(out / "voices", count=voices, seed=seed, on_progress=on_progress)
    return out
