"""Edits and curves through the API of a real ComfyUI, without a browser: read from files, and compared with the library's."""

from __future__ import annotations

import math

import pytest
import torch
from PIL import Image

import float_core
from float_core import MotionEdit

from .comfy_server import ComfyServer, Json, node_id
from .conftest import SHORT_SECONDS
from .motions import CLOSE, bundled, model_of, run_for_motions, same, source_of

FRAMES = math.ceil(SHORT_SECONDS * 25)


def curve_inputs(**changes: object) -> Json:
    """Inputs of FLOATLambdaCurve."""
    plain: Json = {"source": "keyframes", "curves": "[]", "direction": 0, "amount": 1.0, "attack": 0.02, "release": 0.15}
    return plain | changes


def test_edits_without_a_browser(server: ComfyServer, sampled: Json) -> None:
    """Sliders, a range, edits as text and a curve in one prompt."""
    text = '[{"direction": 2, "gain": 0.5}, {"direction": 5, "freeze": true}]'
    curves = '[{"direction": 3, "curve": {"keyframes": [[0, 0, "linear"], [0.4, 2]]}}]'
    sampled |= {
        "30": {"class_type": "FLOATLambdaCurve", "inputs": curve_inputs(curves=curves, amount=0.5)},
        "31": {
            "class_type": "LambdaEdit",
            "inputs": {
                **{f"lambda_{k:02d}": 0.0 for k in range(20)},
                "lambda_00": 1.5,
                "model": model_of(sampled),
                "motion": source_of(sampled),
                "edit": text,
                "preset": "none",
                "preset_strength": 1.0,
                "start": 0.12,
                "end": 0.48,
                "ease": 0.0,
                "outside_scale": 1.0,
                "edits": ["30", 0],
            },
        },
    }
    _, motions = run_for_motions(server, sampled, {"plain": source_of(sampled), "edited": ["31", 0]})
    ramp = float_core.LambdaCurve((float_core.Keyframe(0.0, 0.0, "linear"), float_core.Keyframe(0.4, 1.0)))
    edits = [
        MotionEdit(2, gain=0.5),
        MotionEdit(5, freeze=True),
        MotionEdit(0, 1.5, start=0.12, end=0.48),
        MotionEdit(3, curve=ramp),
    ]
    expected = float_core.edit_motion(bundled(), motions["plain"], edits)
    torch.testing.assert_close(motions["edited"].latents, expected.latents, **CLOSE)
    moved = (motions["edited"].latents - motions["plain"].latents) @ bundled().basis
    assert [round(value, 3) for value in moved[0, :, 0].tolist()] == [0.0] * 3 + [1.5] * 10 + [0.0] * (FRAMES - 13)
    assert moved[0, 5, 3] == pytest.approx(0.5, abs=1e-4)


def test_lists_of_floats_drive_a_direction(server: ComfyServer, sampled: Json) -> None:
    """One Python list over a FLOAT socket, a list output, and one number: all become the same edit as the library's."""
    numbers = "0, 1.5, -0.5, 3, 0.25, 0, 1"
    edit = {**{f"lambda_{k:02d}": 0.0 for k in range(20)}, "model": model_of(sampled), "motion": source_of(sampled)}
    edit |= {"edit": "", "preset": "none", "preset_strength": 1.0, "start": 0.0, "end": 0.0, "ease": 0.2, "outside_scale": 1.0}
    sampled |= {
        "20": {"class_type": "TestFloatsInOne", "inputs": {"numbers": numbers}},
        "21": {"class_type": "TestFloatsAsList", "inputs": {"numbers": numbers}},
        "22": {"class_type": "TestFloatsAsList", "inputs": {"numbers": "2.5"}},
    }
    wanted = {"plain": source_of(sampled)}
    for key in ("20", "21", "22"):
        sampled[f"curve-{key}"] = {
            "class_type": "FLOATLambdaCurve",
            "inputs": curve_inputs(source="values", direction=4, values=[key, 0], motion=source_of(sampled)),
        }
        sampled[f"edit-{key}"] = {"class_type": "LambdaEdit", "inputs": {**edit, "edits": [f"curve-{key}", 0]}}
        wanted[f"edited-{key}"] = [f"edit-{key}", 0]
    _, motions = run_for_motions(server, sampled, wanted)
    values = tuple(float(part) for part in numbers.split(","))
    expected = float_core.edit_motion(bundled(), motions["plain"], [MotionEdit(4, curve=float_core.LambdaCurve(values=values))])
    assert same(motions["edited-20"], motions["edited-21"])
    torch.testing.assert_close(motions["edited-20"].latents, expected.latents, **CLOSE)
    moved = (motions["edited-22"].latents - motions["plain"].latents) @ bundled().basis[:, 4]
    torch.testing.assert_close(moved, torch.full_like(moved, 2.5), rtol=0, atol=1e-4)


def test_the_curve_node_tells_the_browser_what_to_draw(server: ComfyServer, sampled: Json) -> None:
    sampled |= {
        "20": {
            "class_type": "FLOATLambdaCurve",
            "inputs": curve_inputs(
                source="loudness", audio=[node_id(sampled, "LoadAudio"), 0], motion=source_of(sampled), model=model_of(sampled)
            ),
        },
        "21": {"class_type": "PreviewImage", "inputs": {"images": ["20", 1]}},
    }
    run = server.run(sampled)
    assert run.error == ""
    (shown,) = next(data["output"]["float_curve"] for data in run.of("executed") if data["node"] == "20")
    assert shown["duration"] == pytest.approx(FRAMES / 25)
    assert shown["fps"] == 25
    assert len(shown["waveform"]) == 600
    assert 0 < max(shown["waveform"]) <= 1
    assert len(shown["names"]) == 20
    assert shown["names"][0] == float_core.direction_name(bundled().calibration, 0)
    assert preview_size(server, run.outputs["21"])[0] > 300


def preview_size(server: ComfyServer, output: Json) -> tuple[int, int]:
    (part,) = output["images"]
    with Image.open(server.base / "temp" / part["subfolder"] / part["filename"]) as image:
        return image.size
