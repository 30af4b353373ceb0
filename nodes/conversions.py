"""ComfyUI's IMAGE and AUDIO as float_core's types, and back. Knows their shapes and ranges; imports neither ComfyUI nor networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..float_core import AudioClip, AudioError, EmotionCondition, ImageError, mix_to_mono
from ..float_core.pixels import to_rows

Value = TypeVar("Value")
MOST_ROWS = 200  # of an emotion over time: more than a node is wide


def image_to_pixels(image: Tensor) -> NDArray[np.uint8]:
    """The first image of an IMAGE (B, H, W, 3 or 4) in 0..1, as (H, W, 3 or 4) bytes."""
    if image.dim() != 4 or image.shape[0] == 0 or image.shape[3] not in (3, 4):
        raise ImageError(f"the IMAGE has shape {tuple(image.shape)}; expected (images, height, width, 3 or 4)")
    return to_rows(image_to_frames(image[:1])[0])


def frames_to_image(frames: Tensor) -> Tensor:
    """Frames (n, 3, H, W) in [-1, 1] as an IMAGE (n, H, W, 3) in 0..1."""
    return frames.movedim(1, 3).add(1).div(2).clamp(0, 1)


def image_to_frames(image: Tensor) -> Tensor:
    """An IMAGE (n, H, W, 3) in 0..1 as frames (n, 3, H, W) in [-1, 1]."""
    return image.float().clamp(0, 1).mul(2).sub(1).movedim(3, 1)


def drawing_to_image(drawing: Image.Image) -> Tensor:
    """A drawn image, such as a plot, as an IMAGE (1, H, W, 3) in 0..1."""
    return torch.from_numpy(np.asarray(drawing.convert("RGB"), dtype=np.float32) / 255)[None]


def audio_to_clip(audio: Mapping[str, Any] | None) -> AudioClip:
    """The first audio of an AUDIO, its channels mixed to one."""
    track = audio_to_track(audio)
    return replace(track, waveform=mix_to_mono(track.waveform))


def audio_to_track(audio: Mapping[str, Any] | None) -> AudioClip:
    """The first audio of an AUDIO with all its channels, for a video."""
    if audio is None:
        raise AudioError(
            "the AUDIO input is empty: there is no audio, as in a video without an audio track. Connect a node such as Load Audio."
        )
    waveform = audio["waveform"]
    if waveform.dim() != 3 or 0 in waveform.shape:
        raise AudioError(f"the AUDIO has shape {tuple(waveform.shape)}; expected (batch, channels, samples), at least one of each")
    return AudioClip(waveform[0].detach().float().cpu(), int(audio["sample_rate"]))


def clip_seconds(clip: AudioClip | None) -> Fraction | None:
    """How long audio lasts, exactly; None without any."""
    return None if clip is None else Fraction(clip.samples, clip.sample_rate)


def emotion_bars(emotion: EmotionCondition, fps: float) -> dict[str, Any]:
    """An emotion as the browser draws it: names, mean probabilities and, where they change, at most 200 rows with their times."""
    rows = emotion.probabilities[0].cpu()
    shown = {"names": list(emotion.names), "probabilities": rows.mean(dim=0).tolist(), "times": [], "rows": []}
    if len(rows) > 1:
        kept = torch.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).round().long()
        shown |= {"times": (kept / fps).tolist(), "rows": rows[kept].tolist()}
    return shown


def moved(value: Value, device: torch.device) -> Value:
    """A float_core dataclass with its tensors, and its tuples of tensors, on that device."""
    assert is_dataclass(value) and not isinstance(value, type)
    changes: dict[str, Any] = {}
    for name in (field.name for field in fields(value)):
        part = getattr(value, name)
        if isinstance(part, Tensor):
            changes[name] = part.to(device)
        elif isinstance(part, tuple) and part and isinstance(part[0], Tensor):
            changes[name] = tuple(tensor.to(device) for tensor in part)
    return replace(value, **changes)
