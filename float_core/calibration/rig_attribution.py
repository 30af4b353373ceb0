"""Which controls of the rig a motion direction moves, and how far: its measured field as a sum of the exact fields of the controls.

Plain least squares over all controls fails: the decoder's error of a few percent on a large motion (a head turn) is as large as a whole
small motion (an eyebrow), and controls that look alike cancel each other with large amounts of both signs. So controls are added one
after another, and only if they explain most of what is left *at their own place in the face*.
Knows fields, not networks and not faces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .rig_fields import RigFields

MIN_STRENGTH = 0.1  # weaker controls are left out
_FIRST, _FURTHER = 0.4, 0.65  # share of the unexplained motion at its own place that a control must explain
_STARTS = 4  # searches for each direction
_PRICE = 0.5  # of one more control, in the logarithm of what is left unexplained: fewer controls are preferred
_RIDGE = 1e-6  # of each control's own energy: without it, controls that look the same on these heads grow without bound
_STILL = 1e-3  # a direction that moves less than this share of the strongest one counts as still


@dataclass(frozen=True)
class Attribution:
    """What each of M directions moves, in terms of C controls.

    amounts: (M, C), how many typical spreads one unit of a direction moves each control; 0 for the others.
    strengths: (M, C), shares of the squared amounts, each amount weighted by how certain it is (`_gain`); shares below 0.1 become 0.
    fit: (M,) 0..1, the share of the direction's squared motion on the head that its controls explain (a weighted R^2).
    """

    amounts: Tensor
    strengths: Tensor
    fit: Tensor


@dataclass(frozen=True)
class _Products:
    """Weighted inner products: of the controls (C, C), of controls and directions (C, M), of each direction with itself (M,)."""

    controls: Tensor
    mixed: Tensor
    own: Tensor

    @classmethod
    def of(cls, fields: Tensor, measured: Tensor, weight: Tensor) -> _Products:
        """fields (P, C), measured (P, M), weight (P,), float64."""
        weighted = fields * weight[:, None]
        return cls(weighted.T @ fields, weighted.T @ measured, (measured.square() * weight[:, None]).sum(0))

    def left(self, amounts: Tensor, direction: int) -> float:
        """Energy of the direction that the amounts (C,) do not explain."""
        explained = 2 * amounts @ self.mixed[:, direction] - amounts @ self.controls @ amounts
        return float((self.own[direction] - explained).clamp_min(0))

    def solve(self, chosen: list[int], direction: int) -> Tensor:
        """The amounts (C,) of the chosen controls that explain the direction best; 0 for the others."""
        amounts = torch.zeros_like(self.mixed[:, direction])
        if chosen:
            gram = self.controls[chosen][:, chosen]
            amounts[chosen] = torch.linalg.solve(gram + _RIDGE * torch.diag(gram.diag()), self.mixed[chosen, direction])
        return amounts


def attribute(rig: RigFields, measured: Tensor) -> Attribution:
    """What each of M directions moves. `measured` (N, M, r, r, 2): the field of one unit of each direction on the heads of `rig`."""
    controls, directions = rig.fields.shape[1], measured.shape[1]
    fields, flat = (x.permute(0, 2, 3, 4, 1).reshape(-1, x.shape[1]).double() for x in (rig.fields, measured))
    weight = rig.weight[..., None].expand(*rig.weight.shape, 2).reshape(-1).double()
    whole = _Products.of(fields, flat, weight)
    # the weight of a control's own place: where it moves, and how much
    squared = rig.fields.square().sum(-1, keepdim=True).expand_as(rig.fields).permute(0, 2, 3, 4, 1).reshape(-1, controls).double()
    local = [_Products.of(fields, flat, weight * squared[:, c]) for c in range(controls)]
    amounts, strengths = (torch.zeros(directions, controls, dtype=torch.float64) for _ in range(2))
    fit = torch.zeros(directions, dtype=torch.float64)
    for k in range(directions):
        if whole.own[k] > _STILL**2 * whole.own.max():
            chosen = _choose(whole, local, k)
            amounts[k] = whole.solve(chosen, k)
            for c in chosen:
                strengths[k, c] = (amounts[k, c] * _gain(whole, local, k, [i for i in chosen if i != c], c)) ** 2
            strengths[k] /= strengths[k].sum().clamp_min(1e-30)
            weak = strengths[k] < MIN_STRENGTH
            amounts[k, weak] = strengths[k, weak] = 0
            fit[k] = 1 - whole.left(amounts[k], k) / whole.own[k]
    return Attribution(amounts.float(), strengths.float(), fit.clamp(0, 1).float())


def _choose(whole: _Products, local: list[_Products], direction: int) -> list[int]:
    """The controls that the direction moves: the best of several searches, because a wrong first control can end a search early."""
    energies = [whole.left(whole.solve([c], direction), direction) for c in range(len(local))]
    starts = sorted(range(len(local)), key=energies.__getitem__)[:_STARTS]
    found = [_search(whole, local, direction, start) for start in starts] + [_thin_out(whole, local, direction)]

    def cost(chosen: list[int]) -> float:
        left = whole.left(whole.solve(chosen, direction), direction) / float(whole.own[direction])
        return math.log(max(left, 1e-6)) + _PRICE * max(0, len(chosen) - 1)

    return min(found, key=cost)


def _thin_out(whole: _Products, local: list[_Products], direction: int) -> list[int]:
    """Starts with all controls and removes the one that is needed least at its own place, until all that are left are needed."""
    chosen = list(range(len(local)))
    while chosen:
        gains = {c: _gain(whole, local, direction, [i for i in chosen if i != c], c) for c in chosen}
        least = min(chosen, key=gains.__getitem__)
        if gains[least] >= (_FURTHER if len(chosen) > 1 else _FIRST):
            break
        chosen.remove(least)
    return chosen


def _search(whole: _Products, local: list[_Products], direction: int, start: int) -> list[int]:
    """Starts with one control and adds others: first what explains most of the whole motion, each tested at its own place."""
    chosen, refused = [start], set[int]()
    while (found := _next(whole, local, direction, chosen, refused)) is not None:
        chosen.append(found)
        for c in chosen[:-1]:  # an early control may only have stood in for a later one
            if _gain(whole, local, direction, [i for i in chosen if i != c], c) < _FURTHER:
                chosen.remove(c)
                refused.add(c)
    return chosen if len(chosen) > 1 or _gain(whole, local, direction, [], chosen[0]) >= _FIRST else []


def _next(whole: _Products, local: list[_Products], direction: int, chosen: list[int], refused: set[int]) -> int | None:
    rest = [c for c in range(len(local)) if c not in chosen and c not in refused]
    order = sorted(rest, key=lambda c: whole.left(whole.solve([*chosen, c], direction), direction))
    return next((c for c in order if _gain(whole, local, direction, chosen, c) >= _FURTHER), None)


def _gain(whole: _Products, local: list[_Products], direction: int, chosen: list[int], candidate: int) -> float:
    """The share that the candidate explains of what the chosen controls leave unexplained, at its own place."""
    before = local[candidate].left(whole.solve(chosen, direction), direction)
    after = local[candidate].left(whole.solve([*chosen, candidate], direction), direction)
    floor = 1e-6 * float(local[candidate].own[direction])  # below it nothing is left to explain
    return 1 - after / before if before > floor else 0.0
