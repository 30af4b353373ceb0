"""The rig of the synthetic heads: 20 named controls with natural units, and the scale that makes each one a unit coefficient.

The bundled model's directions are supervised by this rig, so that lambda_i = rig_i / RIG_SCALES[i] has a true name.
Knows nothing of images, voices or networks.
"""

from __future__ import annotations

import torch
from torch import Tensor

# name: (standard deviation in natural units, sign under a left-right mirror)
_CONTROLS: dict[str, tuple[float, int]] = {
    "yaw": (10.0, -1),  # degrees, + = the head turns to the image's right
    "pitch": (7.0, 1),  # degrees, + = down
    "roll": (5.0, -1),  # degrees, + = clockwise in the image
    "shift_x": (0.06, -1),  # half image widths
    "shift_y": (0.05, 1),
    "scale": (0.08, 1),  # natural logarithm of the size
    "jaw_open": (0.3, 1),  # 0 closed, 1 wide open
    "lips_part": (0.3, 1),  # extra parting, negative = pressed
    "mouth_wide": (0.4, 1),  # + spread, - narrow
    "smile": (0.4, 1),  # + corners up
    "pucker": (0.4, 1),  # 0 to 1
    "upper_lip": (0.4, 1),  # + raised
    "lower_lip": (0.4, 1),  # + lowered, - tucked in
    "blink": (0.4, 1),  # 0 open, 1 closed
    "wink": (0.3, -1),  # image-left minus image-right closure
    "gaze_x": (0.4, -1),  # + = to the image's right
    "gaze_y": (0.4, 1),  # + = down
    "brow_inner": (0.4, 1),  # + raised
    "brow_outer": (0.4, 1),
    "jaw_side": (0.3, -1),
}
RIG_NAMES: tuple[str, ...] = tuple(_CONTROLS)
RIG_SCALES: tuple[float, ...] = tuple(scale for scale, _ in _CONTROLS.values())
MIRROR_SIGNS: tuple[int, ...] = tuple(sign for _, sign in _CONTROLS.values())
RIG_GROUPS: dict[str, str] = {
    **dict.fromkeys(("yaw", "pitch", "roll", "shift_x", "shift_y", "scale"), "head"),
    **dict.fromkeys(("jaw_open", "jaw_side"), "jaw"),
    **dict.fromkeys(("lips_part", "mouth_wide", "smile", "pucker", "upper_lip", "lower_lip"), "mouth"),
    **dict.fromkeys(("blink", "wink", "gaze_x", "gaze_y"), "eyes"),
    **dict.fromkeys(("brow_inner", "brow_outer"), "brows"),
}
RIG_UNITS: dict[str, str] = dict.fromkeys(RIG_NAMES, "of full") | {
    **dict.fromkeys(("yaw", "pitch", "roll"), "degrees"),
    **dict.fromkeys(("shift_x", "shift_y"), "half image widths"),
    "scale": "ln of the size",
}
# Range of each control that the renderer is made for, in natural units.
RIG_RANGES: dict[str, tuple[float, float]] = {
    "yaw": (-30, 30),
    "pitch": (-20, 20),
    "roll": (-18, 18),
    "shift_x": (-0.25, 0.25),
    "shift_y": (-0.25, 0.25),
    "scale": (-0.3, 0.3),
    "jaw_open": (0, 1),
    "lips_part": (-0.4, 1),
    "mouth_wide": (-1, 1.2),
    "smile": (-1, 1.3),
    "pucker": (0, 1.2),
    "upper_lip": (-1, 1),
    "lower_lip": (-1, 1),
    "blink": (-0.25, 1),
    "wink": (-1, 1),
    "gaze_x": (-1, 1),
    "gaze_y": (-1, 1),
    "brow_inner": (-1, 1.2),
    "brow_outer": (-1, 1.2),
    "jaw_side": (-1, 1),
}


def index(name: str) -> int:
    """Position of a control in a rig vector."""
    return RIG_NAMES.index(name)


def to_coefficients(rig: Tensor) -> Tensor:
    """Natural units (..., 20) to coefficients lambda (..., 20)."""
    return rig / rig.new_tensor(RIG_SCALES)


def clamp(rig: Tensor) -> Tensor:
    """Each control cut to the range that the renderer is made for."""
    low, high = (rig.new_tensor([RIG_RANGES[name][i] for name in RIG_NAMES]) for i in (0, 1))
    return torch.minimum(torch.maximum(rig, low), high)


def mirror(rig: Tensor) -> Tensor:
    """The rig of the left-right mirrored image."""
    return rig * rig.new_tensor(MIRROR_SIGNS)
