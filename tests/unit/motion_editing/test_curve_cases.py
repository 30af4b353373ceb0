"""evaluate_curve on the cases that the browser's curve_math.js is held to as well, so that the editor draws what the motion gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from float_core import edits_from_text
from float_core.motion_editing import evaluate_curve

CASES = json.loads((Path(__file__).parents[2] / "web" / "curve_cases.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_same_numbers_as_in_the_browser(case: dict[str, Any]) -> None:
    (edit,) = edits_from_text(json.dumps([{"direction": 0, "curve": {"keyframes": case["keyframes"]}}]))
    assert edit.curve is not None
    values = evaluate_curve(edit.curve, case["frames"], case["fps"])
    assert torch.allclose(values, torch.tensor(case["values"]), rtol=0, atol=2e-6)
