"""Crops of faces whose points are known, written once as parts of a few hundred: what the landmark network learns from.

Prepared portraits as they are and moved by the photo rig, frames of prepared clips, drawn heads (faces without points), and images
without a face: textures, and portraits whose face is covered up. People who are held out are never in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

from ..atomic_file import write_beside
from ..errors import OptionError
from ..face.landmark_points import OVAL, POINTS
from ..pixels import to_bytes
from ..progress import ProgressCallback, counted
from ..synthetic.head_geometry import HeadShape
from ..synthetic.head_textures import TexturePool, sample_look
from ..synthetic.photo_controls import eye_opening, fit_pose, lip_gap, pose_controls, pose_of_controls
from ..synthetic.photo_faces import sample_controls
from ..synthetic.photo_rig import PhotoRig
from ..synthetic.portraits import MeshLayout, Portrait, load_portrait, open_portraits
from ..synthetic.rig import RIG_NAMES
from ..synthetic.synthetic_faces import render, sample_rigs
from .video_clips import ClipFacts, load_clip, open_clips

SIZE = 192  # pixels a side of a sample
KINDS = ("photos", "moved", "clips", "drawn", "faceless")
FIELDS = ("points", "pose", "openings", "frame", "face")
_HELD_OUT = 24  # one portrait of so many
_PORTRAITS, _CLIPS, _BLOCK = 24, 12, 96  # a part: portraits, clips, drawn heads or textures
_CLIP_FRAMES = 3000  # about so many frames of clips altogether
_FACE_MIDDLE, _FACE_HALF = np.array([0.0, 0.12, 0.6]), 1.38  # of a usual face's outline, in head units


@dataclass(frozen=True, eq=False)
class Samples:
    """`images` (n, SIZE, SIZE, 3) uint8 RGB. Of each: `points` (n, N, 2) in [-1, 1], N as in POINTS, NaN where they are not known;
    `pose` (n, 3): yaw, pitch, roll in degrees; `openings` (n, 3): lips in head units, left and right lid as height over width; `frame`
    (n, 4): the face's middle, half its size and its roll in radians, in [-1, 1]; `face` (n,): whether there is one; `kind` (n,): the place
    in KINDS."""

    images: np.ndarray
    points: np.ndarray
    pose: np.ndarray
    openings: np.ndarray
    frame: np.ndarray
    face: np.ndarray
    kind: np.ndarray


def is_held_out(person: str) -> bool:
    """Whether a person of the portraits is kept back for measuring: decided by a hash of the name, so that nobody moves."""
    return int(hashlib.sha256(f"landmarks:{person}".encode()).hexdigest()[:12], 16) % _HELD_OUT == 0


def face_frame(points: np.ndarray, roll: float) -> np.ndarray:
    """(4,): the middle, half the size and the roll (radians) of a face with points (N, 2) as in POINTS, seen upright by its roll."""
    outline = points[[POINTS.index(number) for number in OVAL]] @ _turned(-roll).T
    low, high = outline.min(0), outline.max(0)
    middle = (low + high) / 2 @ _turned(roll).T
    return np.array([*middle, (high - low).max() / 2, roll], np.float32)


def mesh_facts(mesh: np.ndarray, layout: MeshLayout) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """points (N, 2), pose (3,), openings (3,) and frame (4,) of a mesh (478, 3) in half image widths. Raises OptionError for another."""
    if len(mesh) <= max(POINTS):
        raise OptionError(f"the mesh has {len(mesh)} points; expected MediaPipe's 478, irises included")
    pose = fit_pose(mesh, layout)
    head = pose.to_head(mesh.astype(np.float64))
    angles = pose_controls(pose)
    lids = [eye_opening(head, eye) * float(np.sum(head[list(eye.lower), 1] - head[list(eye.upper), 1]) > 0) for eye in layout.eyes]
    points = mesh[list(POINTS), :2].astype(np.float32)
    turns = np.array([angles[name] for name in ("yaw", "pitch", "roll")], np.float32)
    return points, turns, np.array([lip_gap(head, layout), *lids], np.float32), face_frame(points, np.radians(angles["roll"]))


def write_samples(
    out: str | Path, portraits: str | Path, clips: str | Path | None = None, *, frames: int = 4, on_progress: ProgressCallback | None = None
) -> Path:
    """Writes the parts that are not there yet into `out`. `frames`: of each portrait by the photo rig, beside the photograph itself.

    Raises OptionError if a folder holds no prepared material."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    parts = dict(_parts(Path(portraits), None if clips is None else Path(clips), frames))
    for name in counted(list(parts), "samples", on_progress):
        if not (out / f"{name}.npy").exists():
            generator = torch.Generator().manual_seed(int(hashlib.sha256(name.encode()).hexdigest()[:12], 16))
            _write_part(out / name, list(parts[name](generator)))
    return out


def read_samples(folder: str | Path) -> Samples:
    """All parts of a folder, in memory."""
    paths = sorted(Path(folder).glob("*.npy"))
    if not paths:
        raise OptionError(f"{folder} holds no samples of faces; expected *.npy with *.npz beside them")
    facts = [np.load(path.with_suffix(".npz"), allow_pickle=False) for path in paths]
    images = np.concatenate([np.load(path, allow_pickle=False) for path in paths])
    kinds = [np.full(len(fact["face"]), KINDS.index(path.stem.split("_")[0])) for path, fact in zip(paths, facts, strict=True)]
    return Samples(images=images, kind=np.concatenate(kinds), **{name: np.concatenate([fact[name] for fact in facts]) for name in FIELDS})


Sample = tuple[np.ndarray, dict[str, np.ndarray]]
Draw = Callable[[torch.Generator], Iterator[Sample]]
Item = TypeVar("Item")


def _parts(portraits: Path, clips: Path | None, frames: int) -> Iterator[tuple[str, Draw]]:
    """Names of all parts, and what draws each."""
    layout, names = open_portraits(portraits)
    blocks = _blocks([name for name in names if not is_held_out(name)], _PORTRAITS)
    for number, some in enumerate(blocks):
        yield f"photos_{number:04d}", partial(_photos, portraits, some, layout)
    for number in range(-(-len(blocks) // 12)):
        yield f"faceless_{number:04d}", _textures
    for number in range(-(-len(blocks) // 30)):
        yield f"drawn_{number:04d}", _drawn
    if clips is not None:
        clip_layout, facts = open_clips(clips)
        train = [clip for clip in facts if clip.split == "train"]
        each = min(20, max(5, _CLIP_FRAMES // max(1, len(train))))
        for number, some_clips in enumerate(_blocks(train, _CLIPS)):
            yield f"clips_{number:04d}", partial(_of_clips, clips, some_clips, clip_layout, each)
    for number, some in enumerate(blocks if frames else ()):
        yield f"moved_{number:04d}", partial(_moved, portraits, some, layout, frames)


def _blocks(items: list[Item], size: int) -> list[list[Item]]:
    return [items[first : first + size] for first in range(0, len(items), size)]


def _photos(folder: Path, names: list[str], layout: MeshLayout, generator: torch.Generator) -> Iterator[Sample]:
    for name in names:
        portrait = load_portrait(folder, name)
        small = np.array(Image.fromarray(portrait.image).resize((SIZE, SIZE), Image.Resampling.LANCZOS))
        yield _sample(small, portrait.points, layout)
        if torch.rand((), generator=generator) < 0.3:
            yield _covered(small, portrait, generator)


def _moved(folder: Path, names: list[str], layout: MeshLayout, frames: int, generator: torch.Generator) -> Iterator[Sample]:
    for name in names:
        rig = PhotoRig(load_portrait(folder, name), layout)
        for controls in sample_controls(rig.rest, frames + 1, generator)[1:]:
            moved = rig.move(controls)
            image = to_bytes(rig.image(rig.look(moved, 2 * SIZE), SIZE)).permute(1, 2, 0).numpy()
            yield _sample(image, moved.pose.to_image(rig.mesh.in_head(moved.controls)), layout)


def _of_clips(folder: Path, clips: list[ClipFacts], layout: MeshLayout, each: int, generator: torch.Generator) -> Iterator[Sample]:
    """`each`: frames of a clip, beside those in which lips and lids are the most and the least open."""
    for facts in clips:
        clip = load_clip(folder, facts)
        seen = np.flatnonzero(clip.seen)
        lips, lids = clip.tracks[seen, 0], clip.tracks[seen, 1:3].min(1)
        extreme = [lips.argmax(), lips.argmin(), lids.argmin()]
        some = torch.randint(len(seen), (each,), generator=generator).tolist()
        for number in seen[sorted({*map(int, extreme), *some})]:
            image = Image.fromarray(clip.frames[number]).resize((SIZE, SIZE), Image.Resampling.LANCZOS)  # type: ignore[index]
            yield _sample(np.array(image), clip.points[number], layout)


def _drawn(generator: torch.Generator) -> Iterator[Sample]:
    """Drawn heads: faces, though their points are not MediaPipe's. Their frame is that of a usual face at their pose."""
    pool = TexturePool.make(generator, 12)
    for _ in range(_BLOCK // 16):
        shape = HeadShape.sample(16, generator)
        base, rig = sample_rigs(generator, 16, 1)
        images = to_bytes(render(shape, sample_look(shape, pool, generator), base, rig[:, 0], SIZE, generator)).permute(0, 2, 3, 1).numpy()
        for image, controls in zip(images, rig[:, 0].tolist(), strict=True):
            named = dict(zip(RIG_NAMES, controls, strict=True))
            pose = pose_of_controls(named)
            frame = np.array([*pose.to_image(_FACE_MIDDLE)[:2], _FACE_HALF * pose.unit, np.radians(named["roll"])], np.float32)
            yield image, _facts(frame=frame, pose=np.array([named[name] for name in ("yaw", "pitch", "roll")], np.float32))


def _textures(generator: torch.Generator) -> Iterator[Sample]:
    """Noise of natural spectra and photographs without people, cut at random, recolored."""
    pool = TexturePool.make(generator, 16, size=512)
    for _ in range(_BLOCK):
        texture = to_bytes(pool.draw(generator, 1)[0] * 2 - 1).permute(1, 2, 0).numpy()
        side = int(48 * (10 ** float(torch.rand((), generator=generator))))
        x, y = (int(v) for v in torch.randint(0, 512 - side + 1, (2,), generator=generator))
        image = Image.fromarray(texture).resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=(x, y, x + side, y + side))
        yield np.array(image), _facts(face=False)


def _covered(image: np.ndarray, portrait: Portrait, generator: torch.Generator) -> Sample:
    """The portrait with another place of it, or a color, where its face was: hair, neck and clothes, but no face."""
    points = (portrait.points[list(POINTS), :2] + 1) * (SIZE / 2)
    outline = points[[POINTS.index(number) for number in OVAL]]
    grown = (outline - outline.mean(0)) * 1.06 + outline.mean(0)
    mask = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in grown], fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(2))
    cover = Image.fromarray(image).filter(ImageFilter.GaussianBlur(6 + 30 * float(torch.rand((), generator=generator))))
    if torch.rand((), generator=generator) < 0.5:  # what is beside the face, on both sides
        cover = Image.fromarray(np.roll(image[:, ::-1], SIZE // 2, 1))
    filled = Image.composite(cover, Image.fromarray(image), mask)
    return np.array(filled), _facts(frame=face_frame(portrait.points[list(POINTS), :2], 0.0), face=False)


def _sample(image: np.ndarray, mesh: np.ndarray, layout: MeshLayout) -> Sample:
    points, pose, openings, frame = mesh_facts(mesh, layout)
    return image, _facts(points, pose, openings, frame)


def _facts(
    points: np.ndarray | None = None,
    pose: np.ndarray | None = None,
    openings: np.ndarray | None = None,
    frame: np.ndarray | None = None,
    face: bool = True,
) -> dict[str, np.ndarray]:
    """The facts of one sample; what is not known is NaN, a frame that means nothing is the middle of the image."""
    return {
        "points": np.full((len(POINTS), 2), np.nan, np.float32) if points is None else points,
        "pose": np.full(3, np.nan, np.float32) if pose is None else pose,
        "openings": np.full(3, np.nan, np.float32) if openings is None else openings,
        "frame": np.array([0, 0, 0.6, 0], np.float32) if frame is None else frame,
        "face": np.array(face),
    }


def _turned(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _write_part(stem: Path, samples: list[Sample]) -> None:
    """The facts first: a part that has its images is whole."""
    with write_beside(stem.with_suffix(".npz")) as unfinished, unfinished.open("wb") as file:
        columns: dict[str, Any] = {name: np.stack([facts[name] for _, facts in samples]) for name in FIELDS}
        np.savez(file, **columns)
    with write_beside(stem.with_suffix(".npy")) as unfinished, unfinished.open("wb") as file:
        np.save(file, np.stack([image for image, _ in samples]))
