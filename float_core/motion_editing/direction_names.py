"""What users call a direction: its name and group from the calibration. Knows no network and no file."""

from __future__ import annotations

from ..types import Calibration, DirectionLabel

_SECOND = 0.5  # a second label is part of the name from this share of the first one's strength on


def direction_name(calibration: Calibration | None, direction: int) -> str:
    """Such as "yaw (λ7)", or "smile + jaw_open (λ3)" where a second control moves at least half as much as the first; "λ3" where the
    calibration has no label for the direction, or there is no calibration."""
    labels = _labels(calibration, direction)
    if not labels:
        return f"λ{direction}"
    named = [labels[0].name] + [label.name for label in labels[1:2] if label.strength >= _SECOND * labels[0].strength]
    return f"{' + '.join(named)} (λ{direction})"


def direction_group(calibration: Calibration | None, direction: int) -> str:
    """One of "head", "jaw", "mouth", "eyes" and "brows", whichever the direction's labels belong to most; "other" where it has none."""
    totals: dict[str, float] = {}
    for label in _labels(calibration, direction):
        totals[label.group] = totals.get(label.group, 0.0) + label.strength
    return max(totals, key=lambda group: totals[group]) if totals else "other"


def directions_of(calibration: Calibration | None, group: str) -> tuple[int, ...]:
    """The directions of a group, in their order; none without a calibration."""
    count = 0 if calibration is None else len(calibration.directions)
    return tuple(k for k in range(count) if direction_group(calibration, k) == group)


def _labels(calibration: Calibration | None, direction: int) -> tuple[DirectionLabel, ...]:
    if calibration is None or not 0 <= direction < len(calibration.directions):
        return ()
    return calibration.directions[direction].labels
