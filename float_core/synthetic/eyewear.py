"""Whether a face in a photograph wears glasses, and whether its eyes can be seen: by simple measures on the mesh, made to be right often.

A bridge across the nose and rims below the eyes are sharp lines where skin has none. Eyes behind dark glass show little contrast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .photo_controls import HeadPose
from .portraits import MeshLayout
from .triangle_raster import opening_triangles, paint_triangles

_GLASSES, _DARK_GLASSES = 0.1, 0.12  # of 783 portraits, all but a few with a score above wear glasses; the rest have deep wrinkles
_SEEN = 0.35  # contrast of eyes behind clear glass, relative to skin


@dataclass(frozen=True)
class Eyewear:
    """`lines`: how much bridge and rims stand out; `contrast` of the eye that is seen less well, 1 = as bright as skin."""

    lines: float
    contrast: float

    @property
    def glasses(self) -> bool:
        """Glasses, clear or dark: brows would bend them."""
        return self.lines > _GLASSES

    @property
    def hides_eyes(self) -> bool:
        """Dark or mirroring glasses."""
        return self.lines > _DARK_GLASSES and self.contrast < _SEEN

    @classmethod
    def of(cls, image: np.ndarray, points: np.ndarray, pose: HeadPose, layout: MeshLayout) -> Eyewear:
        """For an image (S, S, 3) uint8 with a mesh (N, 3) in half image widths."""
        light = image.mean(-1) / 255
        bridge = _patch(light, pose, (-0.07, 0.07), (-0.45, 0.05), 1.15).mean(1)
        around = np.convolve(np.pad(bridge, 6, "edge"), np.full(13, 1 / 13), "valid")
        across = float(np.abs(bridge - around).max() / max(bridge.mean(), 1e-3))
        below = [_patch(light, pose, (side * 0.46 - 0.1, side * 0.46 + 0.1), (-0.1, 0.25), 0.88) for side in (-1, 1)]
        rims = min(float(np.abs(np.diff(rows, 2, axis=0)).max(0).mean() / max(rows.mean(), 1e-3)) for rows in below)
        cheeks = np.median([_patch(light, pose, (side * 0.5 - 0.1, side * 0.5 + 0.1), (0.15, 0.35), 0.95) for side in (-1, 1)])
        pixels = (points[:, :2] + 1) / 2 * len(light)
        eyes = [light[paint_triangles(pixels[opening_triangles(eye.upper, eye.lower)], len(light)) >= 0] for eye in layout.eyes]
        contrast = min(float(np.subtract(*np.quantile(eye, (0.95, 0.05)))) if len(eye) > 10 else 0.0 for eye in eyes)
        return cls(across * rims**0.5, contrast / max(float(cheeks), 1e-3))


def _patch(light: np.ndarray, pose: HeadPose, wide: tuple[float, float], high: tuple[float, float], depth: float) -> np.ndarray:
    """(40, 9) values of an image (S, S) on a patch of the head's frame."""
    x, y = np.meshgrid(np.linspace(*wide, 9), np.linspace(*high, 40))
    place = pose.to_image(np.stack((x, y, np.full_like(x, depth)), -1))[..., :2]
    at = np.clip(((place + 1) / 2 * len(light)).astype(int), 0, len(light) - 1)
    return light[at[..., 1], at[..., 0]]
