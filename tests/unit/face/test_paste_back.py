"""Pasting frames back where the crop came from."""

import pytest
import torch

from float_core.errors import OptionError
from float_core.face.crop import prepare_image
from float_core.face.paste_back import paste_back
from float_core.types import CropTransform

INSIDE = CropTransform((10, 5, 50, 45), height=60, width=80, size=40)


def test_middle_is_the_frame_and_outside_the_image():
    frames, image = torch.full((2, 3, 40, 40), 0.5), torch.full((1, 3, 60, 80), -0.5)
    result = paste_back(frames, image, INSIDE, feather=0.2)
    assert result.shape == (2, 3, 60, 80)
    assert torch.allclose(result[:, :, 15:35, 20:40], torch.tensor(0.5))
    assert torch.equal(result[:, :, 45:], image[:, :, 45:].expand(2, -1, -1, -1))
    assert torch.equal(image, torch.full_like(image, -0.5))


def test_the_edge_rises_smoothly():
    row = paste_back(torch.ones(1, 3, 40, 40), -torch.ones(1, 3, 60, 80), INSIDE, feather=0.25)[0, 0, 25, 9:31]
    steps = row.diff()
    assert (steps >= -1e-6).all() and steps.max() < 0.5


@pytest.mark.parametrize("size", [20, 40, 64])
def test_the_image_pasted_into_itself_stays_itself(size):
    x = torch.linspace(-1, 1, 80)[None].expand(60, 80)
    image = torch.stack([x, -x, x * 0.3])[None]
    crop = torch.nn.functional.interpolate(image[:, :, 5:45, 10:50], (size, size), mode="bicubic", antialias=True)
    transform = CropTransform(INSIDE.square, 60, 80, size)
    assert (paste_back(crop, image, transform) - image).abs().max() < 0.03


def test_a_crop_beyond_the_border_is_cut_and_not_feathered_there():
    transform = CropTransform((-10, -10, 30, 30), height=60, width=80, size=40)
    result = paste_back(torch.ones(1, 3, 40, 40), -torch.ones(1, 3, 60, 80), transform, feather=0.1)
    assert (result[0, :, 0, :20] == 1).all() and (result[0, :, 30:] == -1).all()


def test_wrong_sizes_are_refused():
    with pytest.raises(OptionError):
        paste_back(torch.ones(1, 3, 40, 40), torch.ones(1, 3, 61, 80), INSIDE)
    with pytest.raises(OptionError):
        paste_back(torch.ones(1, 3, 40, 40), torch.ones(1, 3, 60, 80), INSIDE, feather=0.9)


@pytest.mark.parametrize("roll", [20.0, -75.0, 180.0])
def test_a_turned_crop_is_turned_back(roll):
    y, x = torch.meshgrid(torch.linspace(-1, 1, 120), torch.linspace(-1, 1, 160), indexing="ij")
    pixels = (torch.stack([x, y, x * y], -1) * 60 + 128).byte().numpy()
    transform = CropTransform((50, 30, 110, 90), height=120, width=160, size=60, roll=roll)
    crop = prepare_image(pixels, 60, crop=transform)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
    assert (paste_back(crop.image, image, transform) - image).abs().max() < 0.03
    marked = paste_back(torch.ones(1, 3, 60, 60), image, transform, feather=0)
    changed = (marked - image).abs().amax((0, 1)) > 0.1
    assert int(changed.sum()) == pytest.approx(60 * 60, rel=0.06), "as large as the crop, turned"
    assert changed[60, 80] and not changed[:15].any()
