"""The crop rule against the reference's worked cases, and our resizing against OpenCV's, which the rule is defined by."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from float_core.face.crop import crop_square, cut_square, prepare_image
from float_core.face.pixels import resize_square

DATA = Path(os.environ.get("FLOAT_REFERENCE") or Path(__file__).parent / "data")
CASES = json.loads((DATA / "crop_cases.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['width']}x{case['height']}")
def test_the_rule_gives_the_worked_squares(case):
    square = crop_square(case["box"])
    assert list(square) == case["square"]
    assert [(square[0] + square[2]) // 2, (square[1] + square[3]) // 2] == case["centre"]
    assert (square[2] - square[0]) // 2 == case["half"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['width']}x{case['height']}")
def test_a_box_by_hand_goes_through_the_same_rule(case):
    image = np.full((case["height"], case["width"], 3), 255, np.uint8)
    crop = prepare_image(image, 64, crop=case["box"])
    assert list(crop.transform.square) == case["square"]
    outside = case["square"][0] <= -4 or case["square"][2] >= case["width"] + 4
    assert bool((crop.image == -1).any()) == outside


@pytest.mark.parametrize("side", [40, 97, 128, 200, 311, 512])
def test_resizing_is_opencvs(side):
    import cv2

    size = 128
    image = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    ours = resize_square(cut_square(image, (0, 0, side, side)), size).permute(1, 2, 0)
    theirs = torch.from_numpy(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_CUBIC)).float()
    assert (ours - theirs).abs().max() <= 1  # OpenCV rounds in fixed point
    assert (ours != theirs).float().mean() < 0.05
