"""Clips for phase 2: log-mels, motion latents and emotions in memory, and random windows of them.

A folder of .npz clips holds `waveform` (16 kHz); either `rig` with `rest` (synthetic voices: exact motion, which a basis brings into the
latent space) or `motion` (T, D) (`cache_latents`: the frozen encoder on the frames of real clips); and optionally `emotion` (an index, or
7 weights). Knows nothing of losses and of the transformer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..atomic_file import write_beside
from ..audio.compact_encoder import MELS_PER_FRAME, CompactAudioEncoder
from ..audio.waveform import prepare
from ..config import EMOTIONS
from ..errors import OptionError
from ..progress import ProgressCallback, counted
from ..synthetic.espeak import Phoneme
from ..synthetic.rig import RIG_NAMES, to_coefficients
from ..synthetic.visemes import closure, segments
from ..types import AudioClip, FloatModel

# A face that speaks keeps a third of the expression in its portrait. All of it would freeze a smile; none would lose the person.
KEPT_EXPRESSION = 0.35
_EXPRESSION = ("smile", "mouth_wide", "brow_inner", "brow_outer", "blink", "upper_lip", "lower_lip")
_NEUTRAL = EMOTIONS.index("neutral")


@dataclass(frozen=True)
class MotionClip:
    """A clip of T frames.

    mel: (4 T, bands) float16, log-mel.
    motion: (T, D), motion latents.
    emotion: (7,), weights.
    rest: (M,), coefficients of the clip's own pose and of its face at rest; None if they are not known.
    closed: (T,), 1 where p, b or m close the lips.
    held_out: not for training.
    """

    mel: Tensor
    motion: Tensor
    emotion: Tensor
    rest: Tensor | None
    closed: np.ndarray
    held_out: bool


@dataclass(frozen=True)
class Windows:
    """B windows of W frames with P preceding frames. The first window of a clip has none: its mel and motion start with the clip.

    mel: (B, 4 (before + P + W + after), bands), log-mel.
    motion: (B, P + W, D), or (B, W, D) for first windows.
    emotion: (B, 7), weights.
    clips: the clip of each window.
    """

    mel: Tensor
    motion: Tensor
    emotion: Tensor
    clips: tuple[MotionClip, ...]


def load_clips(
    folder: str | Path, basis: Tensor, encoder: CompactAudioEncoder, *, on_progress: ProgressCallback | None = None
) -> list[MotionClip]:
    """All clips in a folder. `basis` (D, M) brings the rig of synthetic clips into the latent space."""
    paths = sorted(Path(folder).glob("*.npz"))
    if not paths:
        raise OptionError(f"{folder} holds no clips; expected a folder that synthesize_voices wrote")
    return [_load(path, basis, encoder) for path in counted(paths, "load clips", on_progress)]


def cache_latents(
    model: FloatModel, clips: Iterable[tuple[Tensor, AudioClip]], folder: str | Path, *, emotion: int | Tensor = _NEUTRAL
) -> Path:
    """Turns real clips, (frames (T, 3, S, S) at 25 fps, audio), into training material with the model's frozen encoder: one file each."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    autoencoder = model.require("autoencoder").eval()
    for index, (frames, audio) in enumerate(clips):
        with torch.no_grad():
            parts = [autoencoder.encode(part.to(model.device, model.dtype))[1].float() for part in frames.split(8)]
        motion = (torch.cat(parts) @ model.basis.T).cpu().numpy()
        waveform = prepare(audio)[0].numpy()
        with write_beside(folder / f"clip_{index:05d}.npz") as unfinished, unfinished.open("wb") as file:
            np.savez(file, motion=motion, waveform=waveform, emotion=np.asarray(emotion))
    return folder


def draw_windows(
    clips: Sequence[MotionClip], count: int, *, window: int, preceding: int, context: int, first: bool, generator: torch.Generator
) -> Windows:
    """`count` random windows. `context`: more frames of audio on each side; `first`: the first windows of clips, otherwise any place."""
    chosen = [clips[int(i)] for i in torch.randint(len(clips), (count,), generator=generator)]
    mels, motions = [], []
    for clip in chosen:
        last = max(0, len(clip.motion) - window)
        start = 0 if first else int(torch.randint(last + 1, (1,), generator=generator))
        before = 0 if first else preceding
        heard = (start - before - (0 if first else context), start + window + context)
        mels.append(cut(clip.mel, heard[0] * MELS_PER_FRAME, heard[1] * MELS_PER_FRAME).float())
        motions.append(cut_repeating(clip.motion, start - before, start + window))
    return Windows(torch.stack(mels), torch.stack(motions), torch.stack([c.emotion for c in chosen]), tuple(chosen))


def portrait_coefficients(rest: Tensor) -> Tensor:
    """Coefficients (..., M) of a portrait for a clip with this rest: the same pose, and an expression of which the clip keeps a part."""
    scale = torch.tensor([1 / KEPT_EXPRESSION if name in _EXPRESSION else 1.0 for name in RIG_NAMES])
    return rest * scale.to(rest)


def cut(sequence: Tensor, start: int, end: int) -> Tensor:
    """(T, C) from `start` to `end`; zeros beyond both ends, which are silence in a mel."""
    inside = sequence[max(start, 0) : max(end, 0)]
    return F.pad(inside, (0, 0, max(0, -start), end - max(start, 0) - len(inside)))


def cut_repeating(sequence: Tensor, start: int, end: int) -> Tensor:
    """(T, C) from `start` to `end`; beyond both ends the first and the last frame are repeated."""
    return sequence[torch.arange(start, end).clamp(0, len(sequence) - 1)]


def _load(path: Path, basis: Tensor, encoder: CompactAudioEncoder) -> MotionClip:
    with np.load(path, allow_pickle=False) as data:
        kept = bool(data["held_out"]) if "held_out" in data else False
        motion, rest = _motion(data, path, basis)
        with torch.no_grad():
            mel = encoder.mel(_waveform(data["waveform"]))[0]
        frames = min(len(motion), len(mel) // MELS_PER_FRAME)  # a video may be a frame longer or shorter than its audio
        closed = _closed(data, frames)
        return MotionClip(mel[: frames * MELS_PER_FRAME].half(), motion[:frames], _emotion(data), rest, closed, kept)


def _waveform(samples: np.ndarray) -> Tensor:
    scale = 32767.0 if samples.dtype == np.int16 else 1.0
    return torch.from_numpy(samples.astype(np.float32) / scale)[None]


def _motion(data: Any, path: Path, basis: Tensor) -> tuple[Tensor, Tensor | None]:
    if "motion" in data:
        return torch.from_numpy(data["motion"]).float(), None
    if "rig" not in data:
        raise OptionError(f"{path} has neither motion nor rig; expected a clip that cache_latents or synthesize_voices wrote")
    coefficients, rest = (to_coefficients(torch.from_numpy(data[name]).float()) for name in ("rig", "rest"))
    return coefficients @ basis.T, rest


def _closed(data: Any, frames: int) -> np.ndarray:
    if "phonemes" not in data:
        return np.zeros(frames)
    phonemes = [Phoneme(str(name), float(start), float(end)) for name, (start, end) in zip(data["phonemes"], data["times"], strict=True)]
    return closure(segments(phonemes), frames)


def _emotion(data: Any) -> Tensor:
    value = torch.from_numpy(np.asarray(data["emotion"])) if "emotion" in data else torch.tensor(_NEUTRAL)
    return value.float() if value.ndim else F.one_hot(value.long(), len(EMOTIONS)).float()
