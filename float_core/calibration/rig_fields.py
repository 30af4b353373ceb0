"""Heads with known geometry, and the exact field of every control of the rig on them: motion directions are compared with these.

A field says for every pixel how far its source position moves when the target moves by one unit, in half image widths. Knows no networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..synthetic import rig as rigs
from ..synthetic.head_geometry import HeadShape, pixel_grid, surface_to_skin, view_to_surface
from ..synthetic.head_textures import HeadLook, TexturePool, sample_look
from ..synthetic.synthetic_faces import flow, region_masks, render

FIELD_SIZE = 64  # pixels: fields are smooth
_HALF_STEP = 0.5  # of a control's typical spread, in both directions
# Away from the limits of the renderer, so that every control can move both ways; frontal, so that a mirror changes nothing.
_REST = {"jaw_open": 0.15, "lips_part": 0.15, "blink": 0.1, "pucker": 0.1}


@dataclass(frozen=True)
class KnownHeads:
    """N heads with known geometry.

    shape: the geometry of the heads.
    look: their textures.
    rig: (N, 20), the controls in natural units.
    images: (N, 3, S, S) in [-1, 1].
    """

    shape: HeadShape
    look: HeadLook
    rig: Tensor
    images: Tensor

    @classmethod
    def sample(cls, count: int, size: int, seed: int = 0) -> KnownHeads:
        """Frontal heads with random shapes and looks, at `size` pixels."""
        generator = torch.Generator().manual_seed(seed)
        shape = HeadShape.sample(count, generator)
        look = sample_look(shape, TexturePool.make(generator, noises=8), generator)
        rig = torch.zeros(count, len(rigs.RIG_NAMES))
        for name, value in _REST.items():
            rig[:, rigs.index(name)] = value
        images = torch.cat([_render(shape, look, rig, i, size) for i in range(count)])
        return cls(shape, look, rig, images)

    def flow_grid(self, target: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """From the poses `target` (N, 20) back to the heads' own poses: the grid (N, r, r, 2), and where the source shows it (N, r, r)."""
        exact = flow(self.shape, self.look.hair_volume, self.rig, target, self.rig, size)
        return exact.grid, exact.weight


def _render(shape: HeadShape, look: HeadLook, rig: Tensor, index: int, size: int) -> Tensor:
    """One head: a batch at 512 pixels would need gigabytes."""
    one = HeadLook(*[value[index : index + 1] for value in vars(look).values()])
    own = rig[index : index + 1]
    return render(HeadShape(shape.values[index : index + 1]), one, own, own, size)


@dataclass(frozen=True)
class RigFields:
    """The exact fields of the rig on N heads.

    fields: (N, C, r, r, 2), one for each of the C controls, for one typical spread.
    weight: (N, r, r), sums to 1 on every head.
    """

    fields: Tensor
    weight: Tensor


def rig_fields(heads: KnownHeads, size: int = FIELD_SIZE) -> RigFields:
    """The exact fields at `size` pixels. The weight lets mouth, eyes, brows and jaw each count as much as the whole head."""
    fields, shown = zip(*(_control_field(heads, k, size) for k in range(len(rigs.RIG_NAMES))), strict=True)
    return RigFields(torch.stack(fields, 1), _region_weight(heads, torch.stack(shown).amin(0)))


def _control_field(heads: KnownHeads, control: int, size: int) -> tuple[Tensor, Tensor]:
    scale = rigs.RIG_SCALES[control]
    step = torch.zeros(len(rigs.RIG_NAMES))
    step[control] = _HALF_STEP * scale
    ahead, behind = rigs.clamp(heads.rig + step), rigs.clamp(heads.rig - step)
    (grid, shown), (other, shown_too) = heads.flow_grid(ahead, size), heads.flow_grid(behind, size)
    span = (ahead - behind)[:, control, None, None, None] / scale
    return (grid - other) / span, shown * shown_too


def _region_weight(heads: KnownHeads, shown: Tensor) -> Tensor:
    size = shown.shape[-1]
    surface = view_to_surface(heads.shape, heads.rig, pixel_grid(size).expand(len(heads.rig), -1, -1, -1))
    skin = surface_to_skin(heads.shape, heads.rig, surface.point)
    head = surface.inside > 0
    s, t = skin.point.unbind(-1)
    mouth, eyes = region_masks(heads.shape, skin, head)
    brows = (((s.abs() - 0.19) / 0.17) ** 2 + ((t - heads.shape.brow_y) / 0.07) ** 2 < 1) & head
    jaw = (t > heads.shape["mouth_y"] + 0.1) & (s.abs() < 0.35) & head
    parts = [part.float() * shown for part in (head, mouth, eyes, brows, jaw)]
    shares = [part / part.sum((1, 2), keepdim=True).clamp_min(1e-6) for part in parts]
    return sum(shares, start=torch.zeros_like(shown)) / len(shares)
