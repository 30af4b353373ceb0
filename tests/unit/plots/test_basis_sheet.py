"""The sheet of a basis on the tiny model: its rows, what its images are, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from float_core import Calibration, DirectionCalibration, DirectionLabel, MotionSequence, OptionError, basis_sheet, encode_identity
from float_core.pipeline.render import render_frames

CELL, CAPTION, LABEL = 96, 24, 250  # an image of 16 pixels is shown at 96, so that there is room for its name


@pytest.fixture
def identity(model, image):
    return encode_identity(model, image)


def calibrated(model):
    label = DirectionLabel("jaw_open", "jaw", 0.9, 0.3, "of full")
    directions = (DirectionCalibration((label,), 0.8, -1.0, 3.0, 0.5), *[DirectionCalibration((), 0.0, -1.0, 1.0, 0.5)] * 3)
    return replace(model, calibration=Calibration((), directions, (), ""))


def cell(sheet, row, column):
    """One image at its own 16 pixels."""
    top, left = row * (CELL + CAPTION), LABEL + column * CELL
    return sheet[:, top : top + CELL, left : left + CELL][:, 3::6, 3::6]


def shown(model, identity, direction, offset):
    """What the image should be, rendered on its own."""
    motion = identity.motion[:, None] + offset * model.basis[:, direction]
    return next(iter(render_frames(model, identity, MotionSequence(motion, 25.0)))).frames[0]


def test_every_direction_has_a_row_from_minus_to_plus(model, identity):
    seen = []
    sheet = basis_sheet(model, identity, on_progress=lambda *step: seen.append(step))
    assert sheet.shape == (3, 4 * (CELL + CAPTION), LABEL + 5 * CELL)
    assert sheet.dtype == torch.float32 and sheet.min() >= -1 and sheet.max() <= 1
    assert seen == [("sheet", k + 1, 4) for k in range(4)]
    for k in range(4):
        for column, offset in enumerate((-2.5, -1.25, 0.0, 1.25, 2.5)):  # without a calibration
            assert torch.allclose(cell(sheet, k, column), shown(model, identity, k, offset), atol=0.01)


def test_the_natural_range_times_extent(model, identity):
    model = calibrated(model)
    sheet = basis_sheet(model, identity, steps=3, extent=2.0, directions=[2, 0])
    assert sheet.shape == (3, 2 * (CELL + CAPTION), LABEL + 3 * CELL)
    for row, k, offsets in ((0, 2, (-2.0, 0.0, 2.0)), (1, 0, (-2.0, 0.0, 6.0))):
        for column, offset in enumerate(offsets):
            assert torch.allclose(cell(sheet, row, column), shown(model, identity, k, offset), atol=0.01)


def test_names_and_values_are_written_inside_of_their_places(model, identity):
    plain, named = basis_sheet(model, identity), basis_sheet(calibrated(model), identity)
    ink = [(sheet < 0).any(0) for sheet in (plain, named)]
    column = [mask[: CELL + CAPTION, :LABEL] for mask in ink]
    assert 0 < column[0].sum() < column[1].sum()  # λ0, and jaw_open (λ0)
    assert not column[1][:, -6:].any() and not column[1][-2:].any()
    caption = ink[0][CELL : CELL + CAPTION, LABEL:]
    assert caption[:, :CELL].any() and not caption[0].any() and not caption[-1].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 1}, "steps is 1"),
        ({"steps": 2.0}, "steps is 2.0"),
        ({"extent": 0}, "extent is 0"),
        ({"extent": float("nan")}, "extent is nan"),
        ({"directions": [4]}, "direction is 4; expected a whole number from 0 to 3"),
        ({"directions": []}, "directions is empty"),
    ],
)
def test_what_is_refused(model, identity, options, message):
    with pytest.raises(OptionError, match=message):
        basis_sheet(model, identity, **options)
