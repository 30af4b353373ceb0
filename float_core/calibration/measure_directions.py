"""Measures what the directions of a model's basis do: the model's decoder moves heads of known geometry along each direction, and the
result is compared with the 20 controls of the synthetic rig.

Only flows are compared. What a decoder paints instead of moves (teeth, the inside of a mouth, a closing lid) is not in them. The natural
range of the directions comes from sampled motion (`NaturalRange`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..basis_fingerprint import basis_fingerprint
from ..errors import OptionError
from ..progress import ProgressCallback
from ..synthetic import rig as rigs
from ..types import Calibration, DirectionCalibration, DirectionLabel, FloatModel
from .mirror_matrix import mirror_matrix
from .natural_range import NaturalRange, rounded
from .rig_attribution import Attribution, attribute
from .rig_fields import FIELD_SIZE, KnownHeads, RigFields, rig_fields

_MOVED = 0.025  # how far the strongest direction moves a head here, in half image widths: small for a head, large for noise
_REACH = 2.5  # where a range ends that is guessed from the image, in typical spreads
_CHUNK = 4  # directions decoded at once


def calibrate(
    model: FloatModel, *, heads: int = 12, seed: int = 0, ranges: NaturalRange | None = None, on_progress: ProgressCallback | None = None
) -> Calibration:
    """Names, signs, strengths and the mirror matrix of all M directions.

    heads: how many rendered heads are measured; each takes about 3 s for the bundled model on one CPU core.
    seed: decides which heads.
    ranges: the natural ranges, as from `sampled_range`. None = guessed from how far a direction moves the image; the provenance says so.
    on_progress: stage "directions", in heads.

    Raises OptionError for fewer than 1 head, and CheckpointError for a model without an auto-encoder.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> calibration = float_core.calibration.calibrate(model)  # doctest: +SKIP
    >>> float_core.calibration.save_calibration(calibration, "mini.calibration.json")  # doctest: +SKIP
    """
    if heads < 1:
        raise OptionError(f"heads is {heads}; expected at least 1 (12 give steady figures)")
    size = model.require("autoencoder").config.size
    known = KnownHeads.sample(heads, size, seed)
    rig = rig_fields(known, min(size, FIELD_SIZE))
    measured = measure_fields(model, known, rig, on_progress)
    found = attribute(rig, measured)
    ranges = ranges or _range_by_displacement(found)
    directions = tuple(
        DirectionCalibration(_labels(found, k), round(float(found.fit[k]), 4), ranges.low[k], ranges.high[k], ranges.spread[k])
        for k in range(measured.shape[1])
    )
    mirror = tuple(map(rounded, mirror_matrix(rig, measured, found)))
    provenance = (
        f"What directions do: decoder flows of {model.provenance.file.replace(chr(92), '/').rsplit('/', 1)[-1]} on {heads} rendered heads "
        f"(seed {seed}), as sums of the 20 rig controls' exact flows. Range: {ranges.source}."
    )
    return Calibration(basis_fingerprint(model.basis), directions, mirror, provenance)


def _labels(found: Attribution, direction: int) -> tuple[DirectionLabel, ...]:
    strengths, amounts = found.strengths[direction], found.amounts[direction]
    there = [c for c in strengths.argsort(descending=True).tolist() if strengths[c] > 0]
    return tuple(
        DirectionLabel(
            name := rigs.RIG_NAMES[c],
            rigs.RIG_GROUPS[name],
            round(float(strengths[c]), 4),
            float(f"{float(amounts[c]) * rigs.RIG_SCALES[c]:.4g}"),
            rigs.RIG_UNITS[name],
        )
        for c in there
    )


@torch.no_grad()
def measure_fields(model: FloatModel, heads: KnownHeads, rig: RigFields, on_progress: ProgressCallback | None = None) -> Tensor:
    """(N, M, r, r, 2): how far the source position of every pixel moves for one unit of a direction, around the head's own coefficients.

    This is half the difference of the decoder's finest grid (the sum of all levels) between a step forward and a step back. The step is the
    same for all directions: with it the strongest one moves the head by 0.025, within a factor of 2."""
    count, size = len(heads.images), rig.weight.shape[-1]
    step, fields = 0.3, []
    for _ in range(4):  # the unit of a coefficient differs from model to model
        fields = [_fields(model, heads.images[:1], size, step)]
        moved = float(_moved(rig.weight[:1], fields[0][None]).max()) * step
        if moved < 1e-7 or 0.5 < _MOVED / moved < 2:
            break
        step *= min(100.0, _MOVED / moved)
    for i in range(1, count):
        if on_progress is not None:
            on_progress("directions", i, count)
        fields.append(_fields(model, heads.images[i : i + 1], size, step))
    if on_progress is not None:
        on_progress("directions", count, count)
    return torch.stack(fields)


def _fields(model: FloatModel, image: Tensor, size: int, step: float) -> Tensor:
    """(M, r, r, 2) of one head."""
    networks = model.require("autoencoder")
    identity, coefficients, skips = networks.encode(image.to(model.device))
    steps = step * torch.eye(model.basis.shape[1], device=model.device)
    fields = []
    for some in steps.split(_CHUNK):
        moved = identity + (coefficients + torch.cat((some, -some))) @ model.basis.T  # w_{S->r} + Q (lambda +- step)
        _, grids, _ = networks.decode(moved, skips, return_flows=True)
        ahead, behind = grids[-1].float().chunk(2)
        fields.append(_pooled((ahead - behind) / (2 * step), size).cpu())
    return torch.cat(fields)


def _pooled(field: Tensor, size: int) -> Tensor:
    return F.adaptive_avg_pool2d(field.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)


def _moved(weight: Tensor, measured: Tensor) -> Tensor:
    """(M,): root mean square of what one unit of each direction moves, in half image widths."""
    return (measured.square().sum(-1) * weight[:, None]).sum((2, 3)).mean(0).sqrt()


def _range_by_displacement(found: Attribution) -> NaturalRange:
    """The offset at which a direction moves its main control by 2.5 typical spreads, within a factor of 3 of the median of all directions;
    for directions without labels, that median."""
    most = found.amounts.abs().amax(1)
    reach = torch.where(most > 0, _REACH / most.clamp_min(1e-6), torch.nan)
    usual = reach.nanmedian().nan_to_num(1.0)
    high = torch.minimum(torch.maximum(reach.nan_to_num(usual.item()), usual / 3), usual * 3)
    source = f"guessed without sampled motion: where a direction has moved its main control by {_REACH} typical spreads"
    return NaturalRange(rounded(-high), rounded(high), rounded(high / 2.33), source)  # +-2.33 deviations hold 98 % of a normal distribution
