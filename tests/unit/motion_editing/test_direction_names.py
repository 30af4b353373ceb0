"""Names and groups of directions, from calibrations made by hand."""

import pytest

from float_core import Calibration, DirectionCalibration, DirectionLabel, direction_name
from float_core.motion_editing import direction_group, directions_of


def direction(*labels: tuple[str, str, float]) -> DirectionCalibration:
    return DirectionCalibration(tuple(DirectionLabel(name, group, share, 1.0, "") for name, group, share in labels), 0.5, -1, 1, 0.5)


CALIBRATION = Calibration(
    (),
    (
        direction(("yaw", "head", 0.9)),
        direction(("smile", "mouth", 0.4), ("jaw_open", "jaw", 0.35), ("pucker", "mouth", 0.25)),
        direction(("jaw_open", "jaw", 0.6), ("lips_part", "mouth", 0.2), ("blink", "eyes", 0.1)),
        direction(),
        direction(("jaw_open", "jaw", 0.4), ("upper_lip", "mouth", 0.3), ("smile", "mouth", 0.3)),
    ),
    (),
    "",
)


@pytest.mark.parametrize(
    ("k", "name", "group"),
    [
        (0, "yaw (λ0)", "head"),
        (1, "smile + jaw_open (λ1)", "mouth"),
        (2, "jaw_open (λ2)", "jaw"),
        (3, "λ3", "other"),
        (4, "jaw_open + upper_lip (λ4)", "mouth"),  # the group is what all labels together say
        (5, "λ5", "other"),  # beyond the basis
    ],
)
def test_names_and_groups(k, name, group):
    assert direction_name(CALIBRATION, k) == name
    assert direction_group(CALIBRATION, k) == group


def test_directions_of_a_group():
    assert directions_of(CALIBRATION, "mouth") == (1, 4)
    assert directions_of(CALIBRATION, "brows") == ()
    assert directions_of(CALIBRATION, "other") == (3,)


def test_without_a_calibration():
    assert direction_name(None, 7) == "λ7"
    assert direction_group(None, 7) == "other"
    assert directions_of(None, "head") == ()
