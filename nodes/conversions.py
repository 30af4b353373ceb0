"""ComfyUI's IMAGE, AUDIO and FLOAT list values as float_core's types, and back. Knows their shapes and ranges; imports neither ComfyUI nor
networks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..float_core import AudioClip, AudioError, EmotionCondition, ImageError, OptionError

Value = TypeVar("Value")
MOST_ROWS = 200  # of an emotion's course: more than a node is wide


def image_to_pixels(image: Tensor) -> NDArray[np.uint8]:
    """The first image of an IMAGE (B, H, W, 3 or 4) in 0..1, as (H, W, 3 or 4) bytes."""
    if image.dim() != 4 or image.shape[0] == 0 or image.shape[3] not in (3, 4):
        raise ImageError(f"the IMAGE has shape {tuple(image.shape)}; expected (images, height, width, 3 or 4)")
    levels = image[0].detach().float().cpu().clamp(0, 1).mul(255).round()
    return levels.to(torch.uint8).numpy()


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
    """The first sound of an AUDIO, its channels mixed to one."""
    if audio is None:
        raise AudioError(
            "the AUDIO input is empty: there is no sound (a video without a sound track?). Connect a voice, such as Load Audio."
        )
    waveform = audio["waveform"]
    if waveform.dim() != 3 or 0 in waveform.shape:
        raise AudioError(f"the AUDIO has shape {tuple(waveform.shape)}; expected (sounds, channels, samples), at least one of each")
    return AudioClip(waveform[0].detach().float().cpu().mean(dim=0), int(audio["sample_rate"]))


def clip_seconds(clip: AudioClip | None) -> Fraction | None:
    """How long a sound lasts, exactly; None without one."""
    return None if clip is None else Fraction(len(clip.waveform), clip.sample_rate)


def floats_of(values: object) -> tuple[float, ...]:
    """Numbers as packs hand them over: one number, a list, a list in a list, an array or a tensor. Their order is kept."""
    listed = values.tolist() if isinstance(values, (Tensor, np.ndarray, np.generic)) else values
    if isinstance(listed, (list, tuple)):
        return tuple(number for part in listed for number in floats_of(part))
    if isinstance(listed, bool) or not isinstance(listed, (int, float)) or not math.isfinite(listed):
        raise OptionError(f"the values hold {listed!r}; expected finite numbers, or lists of them")
    return (float(listed),)


def directions_of_text(text: str) -> tuple[int, ...]:
    """ "0, 2, 5-7" as (0, 2, 5, 6, 7), each once, in that order."""
    found: dict[int, None] = {}
    for part in text.replace(";", ",").replace(" ", ",").split(","):
        first, _, last = part.partition("-")
        ends = (first, last if "-" in part else first)
        if not part:
            continue
        if not all(end.isdecimal() and len(end) < 5 for end in ends) or int(ends[0]) > int(ends[1]):
            raise OptionError(f"the list of directions holds {part!r}; expected numbers and ranges such as 0, 2, 5-7")
        found |= dict.fromkeys(range(int(ends[0]), int(ends[1]) + 1))
    return tuple(found)


def emotion_bars(emotion: EmotionCondition, fps: float) -> dict[str, Any]:
    """An emotion as the browser draws it: names, the clip's mean probabilities and, where they change, at most 200 rows with their times
    in seconds."""
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
