"""Faces on disk: writes shards of drawn heads and of photographs that move, and draws batches of source and target frames.

A shard is two files: images as uint8 (heads, frames, 3, S, S), and the poses with the exact flows between them. Shards depend only on
the seed and their number, so that several processes may write one set and an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..atomic_file import write_beside
from ..errors import OptionError
from ..pixels import from_bytes, to_bytes
from ..progress import ProgressCallback, counted
from . import rig as rigs
from .head_geometry import HeadShape
from .head_textures import TexturePool, sample_look
from .photo_faces import photo_heads
from .portraits import open_portraits
from .synthetic_faces import Flow, flow, render, sample_rigs

SHARD_HEADS = 32
_BLOCK = 8  # heads rendered at once
DrawHeads = Callable[[int, int, torch.Generator], tuple[np.ndarray, dict[str, Tensor]]]  # (first, count, generator): images and facts
_FLOW_SIZE = 64  # of drawn heads, whose flows are smooth: finer levels are compared after pooling
_PHOTO_FLOW_SIZE = 128  # lids and lips of a photograph have edges
_PHOTO_SOURCES = 3  # frames of a photograph's head that others may be made from: the photograph itself and two more
_STEMS = {"drawn": "faces", "photo": "faces_photo", "clip": "faces_clip"}


@dataclass(frozen=True)
class FacePairs:
    """Source and target frames of B heads: images (B, 3, r, r) in [-1, 1], rigs (B, 20) in natural units, and the exact flow."""

    source: Tensor
    target: Tensor
    source_rig: Tensor
    target_rig: Tensor
    flow: Flow

    def to(self, device: torch.device) -> FacePairs:
        """All of it on a device."""
        flow = Flow(*(getattr(self.flow, field.name).to(device) for field in fields(Flow)))
        return FacePairs(self.source.to(device), self.target.to(device), self.source_rig.to(device), self.target_rig.to(device), flow)


def write_faces(
    folder: str | Path, *, heads: int, frames: int = 4, size: int = 256, seed: int = 0, on_progress: ProgressCallback | None = None
) -> Path:
    """Renders `heads` heads with `frames` poses each. Existing shards are kept. Raises OptionError for sizes below 1."""
    _check(heads, frames, size)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pool = TexturePool.make(torch.Generator().manual_seed(seed))
    write_shards(
        folder,
        _STEMS["drawn"],
        heads,
        lambda first, count, generator: _drawn_heads(count, frames, size, pool, generator),
        seed,
        on_progress,
    )
    return folder


def write_photo_faces(
    folder: str | Path,
    portraits: str | Path,
    *,
    heads: int | None = None,
    frames: int = 4,
    size: int = 256,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """As `write_faces`, of the prepared portraits in a folder: `heads` of them, by default each once. Both kinds may share a folder."""
    people = len(open_portraits(portraits)[1])
    heads = people if heads is None else heads
    _check(heads, frames, size)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    draw = photo_heads(portraits, frames, size, _PHOTO_FLOW_SIZE, _PHOTO_SOURCES, heads)
    write_shards(folder, _STEMS["photo"], heads, draw, seed, on_progress)
    return folder


def write_clip_shards(folder: Path, heads: int, draw: DrawHeads, on_progress: ProgressCallback | None) -> None:
    """As `write_shards`, of the kind "clip"."""
    folder.mkdir(parents=True, exist_ok=True)
    write_shards(folder, _STEMS["clip"], heads, draw, 0, on_progress)


def shards_of(folder: str | Path, kind: str) -> list[Path]:
    """The image files of one kind of faces."""
    return [path for path in sorted(Path(folder).glob(f"{_STEMS[kind]}_*.npy")) if path.stem.rsplit("_", 1)[0] == _STEMS[kind]]


def write_shards(folder: Path, stem: str, heads: int, draw: DrawHeads, seed: int, on_progress: ProgressCallback | None) -> None:
    """Writes the shards of a set that are not there and that no other process is at work on; `draw` makes heads by their numbers."""
    count = -(-heads // SHARD_HEADS)
    for shard in counted(range(count), stem.replace("_", " "), on_progress):
        path = folder / f"{stem}_{shard:05d}.npy"
        claim = path.with_suffix(".claim")
        if not path.exists() and _claim(claim):
            try:
                first = shard * SHARD_HEADS
                generator = torch.Generator().manual_seed(seed * 1_000_003 + shard)
                _write_shard(path, *draw(first, min(SHARD_HEADS, heads - first), generator))
            finally:
                claim.unlink()


def _check(heads: int, frames: int, size: int) -> None:
    if heads < 1 or frames < 2 or size < 16:
        raise OptionError(f"heads={heads}, frames={frames}, size={size}; expected at least 1 head, 2 frames and 16 pixels")


def _claim(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:  # another process is at work on this shard
        return False
    return True


def _write_shard(path: Path, images: np.ndarray, facts: dict[str, Tensor]) -> None:
    with write_beside(path.with_suffix(".safetensors")) as unfinished:
        save_file({name: value.contiguous() for name, value in facts.items()}, unfinished)
    with write_beside(path) as unfinished, unfinished.open("wb") as file:  # last: a shard with images is whole
        np.save(file, images)


def _drawn_heads(heads: int, frames: int, size: int, pool: TexturePool, generator: torch.Generator) -> tuple[np.ndarray, dict[str, Tensor]]:
    images = np.empty((heads, frames, 3, size, size), np.uint8)
    facts: dict[str, list[Tensor]] = {}
    for first in range(0, heads, _BLOCK):
        count = min(_BLOCK, heads - first)
        shape = HeadShape.sample(count, generator)
        look = sample_look(shape, pool, generator)
        base, rig = sample_rigs(generator, count, frames)
        for k in range(frames):
            image = render(shape, look, base, rig[:, k], size, generator)
            images[first : first + count, k] = to_bytes(image).numpy()
        for name, value in {"rig": rig, **_all_flows(shape, look.hair_volume, base, rig)}.items():
            facts.setdefault(name, []).append(value)
    return images, {name: torch.cat(values) for name, values in facts.items()}


def _all_flows(shape: HeadShape, hair_volume: Tensor, base: Tensor, rig: Tensor) -> dict[str, Tensor]:
    """Flows between all frames of each head, [head, target, source, y, x], and the targets' masks, small enough to keep in memory."""
    frames = rig.shape[1]
    every = [[flow(shape, hair_volume, base, rig[:, t], rig[:, s], _FLOW_SIZE) for s in range(frames)] for t in range(frames)]
    return {
        "grid": torch.stack([torch.stack([f.grid.half() for f in row], 1) for row in every], 1),
        "weight": torch.stack([torch.stack([f.weight.bool() for f in row], 1) for row in every], 1),
        "mouth": torch.stack([row[0].mouth.bool() for row in every], 1),
        "eyes": torch.stack([row[0].eyes.bool() for row in every], 1),
    }


class FaceDataset:
    """The shards of one kind, read from disk where they are needed: "drawn" heads, "photo" heads, or heads of "clip"s, whose flows are
    not known. Heads that are marked as held out are never drawn for training; where none is marked, the last `hold_out` ones are not."""

    def __init__(self, folder: str | Path, kind: str = "drawn", *, hold_out: int = 32) -> None:
        paths = shards_of(folder, kind)
        if not paths:
            raise OptionError(f"{folder} has no {_STEMS[kind]}_*.npy; expected a folder with {kind} faces")
        self._shards = [np.load(path, mmap_mode="r") for path in paths]
        self._facts = [safe_open(path.with_suffix(".safetensors"), framework="pt") for path in paths]
        self._places = [(shard, row) for shard, data in enumerate(self._shards) for row in range(len(data))]
        self.names = set(self._facts[0].keys())
        self.rig = self._whole("rig")
        self.heads, self.frames = self.rig.shape[:2]
        marked = self._whole("held_out") if "held_out" in self.names else torch.zeros(self.heads, dtype=torch.bool)
        if not marked.any():
            marked = torch.arange(self.heads) >= max(1, self.heads - hold_out)
        self.train_heads, self.held_out = (torch.nonzero(which).flatten() for which in (~marked, marked))
        self.sources = self._facts[0].get_slice("grid").get_shape()[2] if "grid" in self.names else self.frames

    def _whole(self, name: str) -> Tensor:
        return torch.cat([facts.get_tensor(name) for facts in self._facts])

    def _read(self, name: str, heads: Sequence[int], *frames: Sequence[int]) -> Tensor:
        """One fact of each head, at the frames that are given for it."""
        parts = []
        for head, *at in zip(heads, *frames, strict=True):
            shard, row = self._places[head]
            place = (row, *at)
            parts.append(self._facts[shard].get_slice(name)[place])
        return torch.stack(parts).float()

    def _images(self, heads: Sequence[int], frames: Sequence[int], size: int) -> Tensor:
        rows = [self._shards[self._places[h][0]][self._places[h][1], k] for h, k in zip(heads, frames, strict=True)]
        images = from_bytes(torch.from_numpy(np.stack(rows)))
        return F.avg_pool2d(images, images.shape[-1] // size) if size < images.shape[-1] else images

    def pairs(self, heads: Sequence[int], source: Sequence[int], target: Sequence[int], size: int) -> FacePairs:
        """The pairs (head, source frame, target frame) at `size` pixels. Where the flow is not known, its weight is 0."""
        mouth, eyes = (self._read(name, heads, target) for name in ("mouth", "eyes"))
        if "grid" in self.names:
            grid, weight = (self._read(name, heads, target, source) for name in ("grid", "weight"))
        else:
            grid, weight = mouth.new_zeros(*mouth.shape, 2), torch.zeros_like(mouth)
        seen, wanted = (self._images(heads, frames, size) for frames in (source, target))
        seen_rig, wanted_rig = (self.rig[torch.as_tensor(heads), torch.as_tensor(frames)] for frames in (source, target))
        return FacePairs(seen, wanted, seen_rig, wanted_rig, Flow(grid, weight, mouth, eyes))

    def draw(self, generator: torch.Generator, count: int, size: int, same_frame: float = 0.1) -> FacePairs:
        """Random training pairs, mirrored and recolored at random; `same_frame`: share whose target is the source itself. Half of the
        sources are the first frame, which of a photograph is the photograph itself."""
        heads = self.train_heads[torch.randint(len(self.train_heads), (count,), generator=generator)]
        source = torch.randint(self.sources, (count,), generator=generator)
        source = source * (torch.rand(count, generator=generator) >= 0.5)
        step = torch.randint(1, self.frames, (count,), generator=generator)
        step = step * (torch.rand(count, generator=generator) >= same_frame)
        pairs = self.pairs(heads.tolist(), source.tolist(), ((source + step) % self.frames).tolist(), size)
        pairs = _mirrored(pairs) if torch.rand((), generator=generator) < 0.5 else pairs
        return _recolored(pairs, generator)


@dataclass(frozen=True)
class Shares:
    """How often a batch is of each kind of faces.

    photo: photographs that the rig moves.
    clip: frames of real clips.
    drawn: drawn heads.
    """

    photo: float = 0.75
    clip: float = 0.15
    drawn: float = 0.1


class MixedFaces:
    """All kinds of faces in a folder. Every batch is of one kind."""

    def __init__(self, folder: str | Path, shares: Shares) -> None:
        wanted = {kind: share for kind, share in asdict(shares).items() if share > 0}
        self.kinds = {kind: FaceDataset(folder, kind) for kind in wanted if shards_of(folder, kind)}
        if not self.kinds:
            raise OptionError(f"{folder} has no faces of the kinds {', '.join(wanted)}; expected a folder that `synthesize` wrote")
        self._shares = torch.tensor([wanted[kind] for kind in self.kinds])

    def draw(self, generator: torch.Generator, count: int, size: int, same_frame: float = 0.1) -> FacePairs:
        """A random batch of one kind, chosen by the shares."""
        kind = int(torch.multinomial(self._shares, 1, generator=generator))
        return list(self.kinds.values())[kind].draw(generator, count, size, same_frame)

    def held_out_pairs(self, count: int, size: int) -> FacePairs:
        """First and second frame of heads that are never trained on, of the kind with the largest share."""
        data = self.kinds[max(self.kinds, key=lambda kind: float(self._shares[list(self.kinds).index(kind)]))]
        heads = data.held_out[:count].tolist() or [0]
        return data.pairs(heads, [0] * len(heads), [1] * len(heads), size)


def _mirrored(pairs: FacePairs) -> FacePairs:
    exact = pairs.flow
    grid = exact.grid.flip(2) * exact.grid.new_tensor([-1.0, 1.0])
    turned = Flow(grid, exact.weight.flip(2), exact.mouth.flip(2), exact.eyes.flip(2))
    return FacePairs(pairs.source.flip(3), pairs.target.flip(3), rigs.mirror(pairs.source_rig), rigs.mirror(pairs.target_rig), turned)


def _recolored(pairs: FacePairs, generator: torch.Generator) -> FacePairs:
    """The same random contrast and tint on source and target."""
    count = len(pairs.source)
    gain = 1 + 0.25 * (2 * torch.rand(count, 1, 1, 1, generator=generator) - 1) + 0.1 * torch.randn(count, 3, 1, 1, generator=generator)
    offset = 0.15 * torch.randn(count, 1, 1, 1, generator=generator)
    source, target = ((image * gain + offset).clamp(-1, 1) for image in (pairs.source, pairs.target))
    return FacePairs(source, target, pairs.source_rig, pairs.target_rig, pairs.flow)
