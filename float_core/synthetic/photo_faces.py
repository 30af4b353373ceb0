"""Photographs that move, as training material: heads of real people at random controls, with the exact flow between all their frames.

A head is one portrait, in a slightly different crop each time; its first frame is the photograph itself, since that is what a user gives.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..pixels import to_bytes
from . import rig as rigs
from .photo_rig import PhotoRig
from .portraits import held_out, load_portrait, open_portraits, reframe
from .synthetic_faces import sample_rigs

_ZOOM = 1.15  # a portrait is framed up to this much narrower
# standard deviation and furthest distance of a frame's pose from the photograph's: depth and what is hidden allow no more
_POSES = {
    "yaw": (6.5, 15.0),
    "pitch": (4.5, 10.0),
    "roll": (3.5, 11.0),
    "shift_x": (0.03, 0.08),
    "shift_y": (0.03, 0.08),
    "scale": (0.04, 0.1),
}


def photo_heads(
    folder: str | Path, frames: int, size: int, flow_size: int, sources: int, heads: int
) -> Callable[[int, int, torch.Generator], tuple[np.ndarray, dict[str, Tensor]]]:
    """A function (first, count, generator) that draws heads first ... first + count - 1 of `heads` from prepared portraits: images (count,
    frames, 3, size, size) uint8, and facts about them as `face_dataset` keeps them, with flows from the first `sources` frames. Raises
    OptionError if the folder holds no prepared portraits."""
    layout, names = open_portraits(folder)

    def draw(first: int, count: int, generator: torch.Generator) -> tuple[np.ndarray, dict[str, Tensor]]:
        images = np.empty((count, frames, 3, size, size), np.uint8)
        facts: list[dict[str, Tensor]] = []
        for k in range(count):
            portrait = load_portrait(Path(folder), names[(first + k) * len(names) // heads])
            zoom, x, y = torch.rand(3, generator=generator).tolist()
            rig = PhotoRig(reframe(portrait, 1 + (_ZOOM - 1) * zoom, (2 * x - 1, 2 * y - 1)), layout)
            images[k], fact = draw_head(rig, sample_controls(rig.rest, frames, generator), size, flow_size, sources)
            facts.append(fact | {"held_out": torch.tensor(held_out(portrait.identity))})
        return images, {name: torch.stack([fact[name] for fact in facts]) for name in facts[0]}

    return draw


def sample_controls(rest: np.ndarray, frames: int, generator: torch.Generator) -> np.ndarray:
    """Controls (frames, 20) around those of a photograph: first these, then any expression in a pose that is not far away."""
    _, drawn = sample_rigs(generator, 1, frames)
    controls = drawn[0].numpy()
    for name, (spread, furthest) in _POSES.items():
        i = rigs.index(name)
        away = spread * torch.randn(frames, generator=generator).numpy()
        controls[:, i] = rest[i] + np.clip(away, -furthest, furthest)
    controls[0] = rest
    return controls


def control_sheets(folder: str | Path, people: int, size: int) -> dict[str, list[Tensor]]:
    """Sheets to look at, by group of the rig. Some prepared portraits have a row (columns, 3, size, size) each: the portrait as it is, then
    each control of the group at its lowest and at its highest; for the head, of the values that are drawn for training."""
    layout, names = open_portraits(folder)
    chosen = [names[k * len(names) // min(people, len(names))] for k in range(min(people, len(names)))]
    sheets: dict[str, list[Tensor]] = {group: [] for group in rigs.RIG_GROUPS.values()}
    for name in chosen:
        rig = PhotoRig(load_portrait(Path(folder), name), layout)
        for group, rows in sheets.items():
            members = [name for name in rigs.RIG_NAMES if rigs.RIG_GROUPS[name] == group]
            frames = [rig.rest, *(extreme for name in members for extreme in _extremes(rig.rest, name))]
            rows.append(torch.stack([rig.draw(controls, size).image for controls in frames]))
    return sheets


def _extremes(rest: np.ndarray, name: str) -> list[np.ndarray]:
    i = rigs.index(name)
    low, high = rigs.RIG_RANGES[name]
    if name in _POSES:
        low, high = rest[i] - _POSES[name][1], rest[i] + _POSES[name][1]
    return [np.where(np.arange(len(rest)) == i, value, rest) for value in (low, high)]


def draw_head(
    rig: PhotoRig, controls: np.ndarray, size: int, flow_size: int, sources: int | None = None
) -> tuple[np.ndarray, dict[str, Tensor]]:
    """Images (K, 3, size, size) uint8 of one head at controls (K, 20), and at `flow_size`: `grid` and `weight` [target, source, y, x] of
    the flows from the first `sources` of them (by default all), masks `mouth`, `eyes`, `face`, `hair` [target, y, x]; `rig` (K, 20)."""
    moved = [rig.move(one) for one in controls]
    fine = [rig.look(one, 2 * size) for one in moved]
    coarse = [rig.look(one, flow_size) for one in moved]
    images = torch.stack([rig.image(look, size) for look in fine])
    flows = [[rig.flow(target, source) for source in fine[:sources]] for target in coarse]
    masks = torch.stack([rig.masks(look) for look in coarse]) > 0.5
    facts = {
        "rig": torch.from_numpy(np.stack([one.controls for one in moved])),
        "grid": torch.stack([torch.stack([grid.half() for grid, _ in row]) for row in flows]),
        "weight": torch.stack([torch.stack([shown.bool() for _, shown in row]) for row in flows]),
        **dict(zip(("mouth", "eyes", "face", "hair"), masks.unbind(1), strict=True)),
    }
    return to_bytes(images).numpy(), facts
