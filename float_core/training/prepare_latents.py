"""Prepared clips become motion latents, by the encoder of a trained model: for who wants to train on what the encoder sees.

    <folder>/NAME.npz        motion (T, D), waveform (16 kHz), emotion, speaker, held_out
Restartable.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..atomic_file import write_beside
from ..config import EMOTIONS
from ..errors import OptionError
from ..face.pixels import resize_square
from ..pixels import from_bytes
from ..progress import ProgressCallback, counted
from ..types import FloatModel
from .video_clips import load_clip, open_clips

_AT_ONCE = 8  # frames


def cache_latents(model: FloatModel, clips: str | Path, out: str | Path, *, on_progress: ProgressCallback | None = None) -> int:
    """Writes the latents of every prepared clip with a voice into `out`; returns how many there are."""
    out = Path(out)
    _, facts = open_clips(clips)
    facts = [one for one in facts if one.sound == "voice"]
    if not facts:
        raise OptionError(f"{clips} has no clips with a voice")
    out.mkdir(parents=True, exist_ok=True)
    for one in counted(facts, "latents", on_progress):
        path = out / f"{one.name}.npz"
        if path.exists():
            continue
        clip = load_clip(clips, one)
        assert clip.frames is not None and clip.waveform is not None
        with write_beside(path) as unfinished, unfinished.open("wb") as file:
            np.savez(
                file,
                motion=motion_latents(model, clip.frames),
                waveform=np.round(np.clip(clip.waveform, -1, 1) * 32767).astype(np.int16),
                emotion=EMOTIONS.index(one.emotion or "neutral"),
                speaker=one.speaker,
                held_out=one.split != "train",
            )
    return len(facts)


@torch.no_grad()
def motion_latents(model: FloatModel, frames: np.ndarray) -> np.ndarray:
    """w_{r->S} of frames (T, S, S, 3) uint8, (T, D) float32."""
    autoencoder, size = model.require("autoencoder"), model.config.autoencoder.size  # type: ignore[union-attr]
    found = []
    for part in torch.from_numpy(frames).permute(0, 3, 1, 2).split(_AT_ONCE):
        images = from_bytes(torch.stack([resize_square(image.float(), size) for image in part]))
        found.append(autoencoder.encode(images.to(model.device, model.dtype))[1].float() @ model.basis.T)
    return torch.cat(found).cpu().numpy()
