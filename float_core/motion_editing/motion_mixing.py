"""Motion from several sources: mixing two motions, taking directions from another one, mirroring, and moving a motion to another portrait.

Needs a basis and a calibration, no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from ..argument_checks import check_motion, check_number, check_source
from ..basis_fingerprint import basis_fingerprint, same_basis
from ..errors import CalibrationError, OptionError
from ..types import FloatModel, LambdaCurve, MotionSequence, SourceIdentity
from .curves import evaluate_curve
from .edit_checks import check_directions
from .motion_edits import basis_like
from .motion_timing import check_pair


def mix_motions(first: MotionSequence, second: MotionSequence, weight: float | LambdaCurve) -> MotionSequence:
    """(1 - weight) * first + weight * second. `weight` is 0..1, or a curve over the time of the first motion, clamped to 0..1.

    The result is as long as the first motion; a shorter second one is held at its last frame. Weight 0 gives the tensor of the first.

    >>> still, moved = (MotionSequence(torch.full((1, 25, 64), value), fps=25.0) for value in (0.0, 1.0))
    >>> mix_motions(still, moved, weight=0.25).latents.mean().item()
    0.25
    """
    check_pair(first, second)
    if weight == 0:
        return first
    one = first.latents
    other = _as_long_as(one, second.latents.to(one))
    return replace(first, latents=torch.lerp(one, other, _weights(weight, first).to(one)[:, None]))


def take_directions(
    model: FloatModel, motion: MotionSequence, other: MotionSequence, directions: Sequence[int], *, weight: float | LambdaCurve = 1.0
) -> MotionSequence:
    """The motion with the coefficients of `directions` taken from `other`; everything else is kept. A shorter `other` is held at its last
    frame. `weight`, 0..1 or a curve, takes them only in part. `motion.directions_of(model.calibration, "mouth")` gives the directions
    of a group.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> still = MotionSequence(torch.zeros(1, 25, 64), fps=25.0)
    >>> turned = float_core.edit_motion(model, still, [float_core.MotionEdit(k, offset=1.0) for k in (0, 6)])
    >>> taken = take_directions(model, still, turned, directions=[0])
    >>> (taken.latents[0, 0] @ model.basis > 0.5).nonzero().flatten().tolist()
    [0]
    """
    check_motion(model, motion)
    check_pair(motion, other)
    chosen = check_directions(model, directions)
    if not chosen or weight == 0:
        return motion
    w = motion.latents
    basis = basis_like(model, w)[:, chosen]
    change = (_as_long_as(w, other.latents.to(w)) - w) @ basis
    return replace(motion, latents=w + (_weights(weight, motion).to(w)[:, None] * change) @ basis.T)


def mirror_motion(model: FloatModel, motion: MotionSequence, *, around: Literal["reference", "mean"] = "reference") -> MotionSequence:
    """The motion with left and right swapped, as the model's calibration has measured it. What lies outside the basis is kept.

    `around` "reference": the whole pose is mirrored, so that a head turned left looks right. "mean": the mean pose stays, and the motion
    around it is mirrored. Raises CalibrationError without a calibration.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> turned = MotionSequence(model.basis.T[None, :1], fps=25.0)  # one frame, yaw = 1
    >>> (mirror_motion(model, turned).latents[0, 0] @ model.basis)[0].round().item()
    -1.0
    """
    check_motion(model, motion)
    if around not in ("reference", "mean"):
        raise OptionError(f"around is {around!r}; expected 'reference' or 'mean'")
    calibration = model.calibration
    if calibration is None or not calibration.mirror:
        raise CalibrationError("the model has no calibration, so how its directions are mirrored is not known")
    if not same_basis(calibration.fingerprint, basis_fingerprint(model.basis)):
        raise CalibrationError("the calibration belongs to another basis than the model's")
    w = motion.latents
    basis = basis_like(model, w)
    coefficients = w @ basis
    if around == "mean":
        coefficients = coefficients - coefficients.mean(1, keepdim=True)
    mirrored = coefficients @ torch.tensor(calibration.mirror, device=w.device, dtype=w.dtype).T
    return replace(motion, latents=w + (mirrored - coefficients) @ basis.T)


def retarget_motion(
    model: FloatModel,
    motion: MotionSequence,
    identity: SourceIdentity,
    *,
    mode: Literal["relative", "absolute"] = "relative",
    strength: float = 1.0,
) -> MotionSequence:
    """The motion on another portrait, `identity` (B = 1, or one for each motion).

    "relative": what the motion adds to the pose of its own portrait (`motion.source`, or else its first frame) is added to the pose of
    the new portrait. "absolute": the head takes the poses of the motion. `strength` scales the motion; 0 keeps the portrait still.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> identity = float_core.encode_identity(model, torch.zeros(1, 3, 256, 256))
    >>> motion = MotionSequence(torch.randn(1, 25, 64), fps=25.0)
    >>> retargeted = retarget_motion(model, motion, identity)
    >>> torch.equal(retargeted.source, identity.motion)
    True
    """
    check_motion(model, motion)
    if mode not in ("relative", "absolute"):
        raise OptionError(f"mode is {mode!r}; expected 'relative' or 'absolute'")
    check_number("strength", strength)
    w = motion.latents
    target = check_source(model, identity, len(w)).to(w)
    reference = target if mode == "absolute" else motion.source.to(w) if motion.source is not None else w[:, 0]
    shift = (target - reference)[:, None]
    if strength != 1:
        w = target[:, None] + strength * (w - reference[:, None])
    elif bool(shift.any()):
        w = w + shift
    return replace(motion, latents=w, source=target.expand(len(w), -1))


def _as_long_as(one: Tensor, other: Tensor) -> Tensor:
    missing = max(0, one.shape[1] - other.shape[1])
    return torch.cat([other[:, : one.shape[1]], other[:, -1:].expand(-1, missing, -1)], dim=1)


def _weights(weight: float | LambdaCurve, motion: MotionSequence) -> Tensor:
    """(T,) in 0..1."""
    if isinstance(weight, LambdaCurve):
        return evaluate_curve(weight, motion.latents.shape[1], motion.fps).clamp(0, 1)
    return torch.full((motion.latents.shape[1],), check_number("weight", weight, low=0, high=1))
