"""The name and the group of a direction, from the calibration. Knows no network and no file."""

from __future__ import annotations

from ..types import Calibration, DirectionLabel

_SECOND = 0.5  # a second label is part of the name if it has at least this share of the strength of the first


def direction_name(calibration: Calibration | None, direction: int) -> str:
    """A name such as "yaw (λ7)", or "smile + jaw_open (λ3)" if the second control moves at least half as much as the first. It is "λ3" if
    there is no calibration, or if it has no label for the direction.

    >>> direction_name(None, 3)
    'λ3'
    """
    labels = _labels(calibration, direction)
    if not labels:
        return f"λ{direction}"
    named = [labels[0].name] + [label.name for label in labels[1:2] if label.strength >= _SECOND * labels[0].strength]
    return f"{' + '.join(named)} (λ{direction})"


def direction_group(calibration: Calibration | None, direction: int) -> str:
    """The part of the face that a direction moves most: "head", "jaw", "mouth", "eyes" or "brows"; "other" if it has no label.

    >>> import float_core
    >>> direction_group(float_core.load_model("mini").calibration, 0)
    'head'
    """
    totals: dict[str, float] = {}
    for label in _labels(calibration, direction):
        totals[label.group] = totals.get(label.group, 0.0) + label.strength
    return max(totals, key=lambda group: totals[group]) if totals else "other"


def directions_of(calibration: Calibration | None, group: str) -> tuple[int, ...]:
    """The directions of a group, in the order of the basis; none without a calibration.

    >>> import float_core
    >>> directions_of(float_core.load_model("mini").calibration, "jaw")
    (6, 19)
    """
    count = 0 if calibration is None else len(calibration.directions)
    return tuple(k for k in range(count) if direction_group(calibration, k) == group)


def _labels(calibration: Calibration | None, direction: int) -> tuple[DirectionLabel, ...]:
    if calibration is None or not 0 <= direction < len(calibration.directions):
        return ()
    return calibration.directions[direction].labels
