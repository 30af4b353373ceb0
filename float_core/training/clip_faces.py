"""Two frames of one real clip are the third kind of pair: shards of frames as `face_dataset` keeps them, with the measured controls and the
masks of mouth and eyes, but without flows, which nobody knows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ..errors import OptionError
from ..progress import ProgressCallback
from ..synthetic import rig as rigs
from ..synthetic.face_dataset import write_clip_shards
from ..synthetic.portraits import MeshLayout
from .video_clips import ClipFacts, VideoClip, load_clip, open_clips

MASK_SIZE = 128
_MOUTH, _EYES = (1.3, 1.5), (1.35, 2.0)  # how much wider and taller than the lips and the lids a mask is
_TELLING = ("jaw_open", "lips_part", "mouth_wide", "blink", "gaze_x", "gaze_y", "brow_inner", "yaw", "pitch")


def write_clip_faces(
    folder: str | Path, clips: str | Path, *, frames: int = 6, size: int = 256, on_progress: ProgressCallback | None = None
) -> Path:
    """Of each prepared clip `frames` frames that differ much. Clips of the splits "valid" and "test" are marked as held out. Shards that
    are there are kept. Raises OptionError if the folder holds no clips, or none that is long enough."""
    layout, facts = open_clips(clips)
    facts = [clip for clip in facts if clip.frames >= frames]
    if not facts:
        raise OptionError(f"{clips} has no clip of {frames} frames or more")

    def draw(first: int, count: int, generator: torch.Generator) -> tuple[np.ndarray, dict[str, Tensor]]:
        heads = [_head_of(Path(clips), layout, one, frames, size, generator) for one in facts[first : first + count]]
        images = np.stack([image for image, _ in heads])
        return images, {name: torch.stack([fact[name] for _, fact in heads]) for name in heads[0][1]}

    write_clip_shards(Path(folder), len(facts), draw, on_progress)
    return Path(folder)


def _head_of(
    folder: Path, layout: MeshLayout, facts: ClipFacts, frames: int, size: int, generator: torch.Generator
) -> tuple[np.ndarray, dict[str, Tensor]]:
    clip = load_clip(folder, facts)
    chosen = different_frames(clip, frames, generator)
    assert clip.frames is not None
    pictures = [Image.fromarray(clip.frames[k]).resize((size, size), Image.Resampling.LANCZOS) for k in chosen]
    images = np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures])
    masks = [_masks(clip.points[k], layout) for k in chosen]
    return images, {
        "rig": torch.from_numpy(clip.rig[chosen]).float(),
        "mouth": torch.from_numpy(np.stack([mouth for mouth, _ in masks])),
        "eyes": torch.from_numpy(np.stack([eyes for _, eyes in masks])),
        "held_out": torch.tensor(facts.split != "train"),
    }


def different_frames(clip: VideoClip, count: int, generator: torch.Generator) -> np.ndarray:
    """Numbers (count,) of frames in which the face was seen: a random one, and each next one that is furthest in mouth, eyes and pose from
    those before."""
    which = np.flatnonzero(clip.seen) if clip.seen.sum() >= count else np.arange(len(clip.seen))
    columns = [rigs.index(name) for name in _TELLING]
    values = clip.rig[which][:, columns] / np.array(rigs.RIG_SCALES)[columns]
    chosen = [int(torch.randint(len(which), (1,), generator=generator))]
    distance = np.full(len(which), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.abs(values - values[chosen[-1]]).sum(1))
        distance[chosen] = -1
        chosen.append(int(distance.argmax()))
    return which[chosen]


def _masks(points: np.ndarray, layout: MeshLayout) -> tuple[np.ndarray, np.ndarray]:
    """Mouth and eyes, (MASK_SIZE, MASK_SIZE) bool: ellipses around lips and lids."""
    mouth = _ellipse(points[[*layout.lip_outer_upper, *layout.lip_outer_lower], :2], _MOUTH)
    left, right = (_ellipse(points[[*eye.upper, *eye.lower], :2], _EYES) for eye in (layout.left_eye, layout.right_eye))
    return mouth, left | right


def _ellipse(points: np.ndarray, larger: tuple[float, float]) -> np.ndarray:
    low, high = points.min(0), points.max(0)
    middle, half = (low + high) / 2, (high - low) / 2 * np.array(larger)
    half[1] = max(half[1], half[0] / 3)  # closed lids are more than a line
    box = [tuple((middle + sign * half + 1) / 2 * MASK_SIZE) for sign in (-1, 1)]
    image = Image.new("1", (MASK_SIZE, MASK_SIZE))
    ImageDraw.Draw(image).ellipse([*box[0], *box[1]], fill=1)
    return np.array(image)
