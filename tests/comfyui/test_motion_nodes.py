"""The motion nodes in a real ComfyUI: their results are read from files and compared with the library's, number for number."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch

import float_core
from float_core import MotionSequence

from .comfy_server import ComfyServer, Json, node, node_id
from .conftest import SHORT_SECONDS, UNTRAINED
from .motions import CLOSE, bundled, model_of, run_for_motions, same, source_of
from .test_lambda_curve import preview_size

FRAMES = math.ceil(SHORT_SECONDS * 25)


def test_plots_and_the_basis_sheet_are_images(server: ComfyServer, sampled: Json) -> None:
    identity = [node_id(sampled, "EncodeSourceIdentity"), 0]
    sampled |= {
        "20": {"class_type": "FLOATMotionPlot", "inputs": {"model": model_of(sampled), "motion": source_of(sampled)}},
        "21": {"class_type": "FLOATBasisSheet", "inputs": {"model": model_of(sampled), "identity": identity, "steps": 2, "extent": 1.0}},
        "22": {"class_type": "PreviewImage", "inputs": {"images": ["20", 0]}},
        "23": {"class_type": "PreviewImage", "inputs": {"images": ["21", 0]}},
    }
    run = server.run(sampled)
    assert run.error == ""
    assert preview_size(server, run.outputs["22"])[0] > 300
    width, height = preview_size(server, run.outputs["23"])
    assert height > 2 * width, "twenty rows of two"


MODELLED = {"FLOATTakeDirections", "FLOATMirrorMotion", "FLOATSmoothMotion", "FLOATRetargetMotion"}
UNSMOOTHED: Json = {"head": 0, "jaw": 0, "mouth": 0, "eyes": 0, "brows": 0, "other": 0, "outside": 0, "repair_seams": False}
CHAIN: dict[str, tuple[str, Json]] = {  # name: node, its widgets; all work on the sampled motion
    "trimmed": ("FLOATTrimMotion", {"start": 0.08, "end": 0.4}),
    "looped": ("FLOATLoopMotion", {"crossfade": 0.2, "repeats": 3}),
    "stretched": ("FLOATStretchMotion", {"speed": 0.7}),
    "resampled": ("FLOATResampleMotion", {"fps": 29.97}),
    "mirrored": ("FLOATMirrorMotion", {"around": "mean"}),
    "smoothed": (
        "FLOATSmoothMotion",
        {"head": 0.1, "jaw": 0, "mouth": 0, "eyes": 0, "brows": 0.2, "other": 0, "outside": 0, "repair_seams": False},
    ),
    "joined": ("FLOATJoinMotion", {"crossfade": 0.12}),
    "mixed": ("FLOATMixMotion", {"weight": 0.3}),
    "taken": ("FLOATTakeDirections", {"group": "head", "directions": "", "weight": 1.0}),
    "listed": ("FLOATTakeDirections", {"group": "listed below", "directions": "6, 8-9", "weight": 0.5}),
}


def test_each_motion_node_does_what_the_library_does(server: ComfyServer, sampled: Json) -> None:
    source, model = source_of(sampled), model_of(sampled)
    two = {"FLOATJoinMotion": ("first", "second"), "FLOATMixMotion": ("first", "second"), "FLOATTakeDirections": ("motion", "other")}
    for name, (kind, widgets) in CHAIN.items():
        first, *second = two.get(kind, ("motion",))
        sampled[name] = {"class_type": kind, "inputs": {**widgets, first: source, **{key: ["mirrored", 0] for key in second}}}
        if kind in MODELLED:
            sampled[name]["inputs"]["model"] = model
    _, found = run_for_motions(server, sampled, {"plain": source, **{name: [name, 0] for name in CHAIN}})
    core, plain, mirrored = bundled(), found["plain"], found["mirrored"]
    groups = [float_core.motion.direction_group(core.calibration, k) for k in range(20)]
    seconds = {k: {"head": 0.1, "brows": 0.2}[group] for k, group in enumerate(groups) if group in ("head", "brows")}
    expected = {
        "trimmed": float_core.trim_motion(plain, 0.08, 0.4),
        "looped": float_core.loop_motion(plain, crossfade=0.2, repeats=3),
        "stretched": float_core.stretch_motion(plain, 0.7),
        "resampled": float_core.resample_motion(plain, Fraction(30000, 1001)),
        "mirrored": float_core.mirror_motion(core, plain, around="mean"),
        "smoothed": float_core.smooth_motion(core, plain, seconds),
        "joined": float_core.join_motions(plain, mirrored, crossfade=0.12),
        "mixed": float_core.mix_motions(plain, mirrored, 0.3),
        "taken": float_core.take_directions(core, plain, mirrored, float_core.motion.directions_of(core.calibration, "head")),
        "listed": float_core.take_directions(core, plain, mirrored, (6, 8, 9), weight=0.5),
    }
    for name, motion in expected.items():
        assert found[name].fps == motion.fps, name
        torch.testing.assert_close(found[name].latents, motion.latents, **CLOSE, msg=lambda text, name=name: f"{name}: {text}")
        assert name == "trimmed" or not same(motion, plain), name


def test_another_face_makes_the_same_movements_from_its_own_pose(server: ComfyServer, sampled: Json) -> None:
    model = model_of(sampled)
    sampled |= {
        "20": {"class_type": "LoadImage", "inputs": {"image": "float_drawn_face.jpg"}},
        "21": {"class_type": "EncodeSourceIdentity", "inputs": {"model": model, "image": ["20", 0]}},
    }
    for mode in ("relative", "absolute"):
        inputs = {"model": model, "motion": source_of(sampled), "identity": ["21", 0], "mode": mode, "strength": 1.0}
        sampled[mode] = {"class_type": "FLOATRetargetMotion", "inputs": inputs}
    _, found = run_for_motions(server, sampled, {"plain": source_of(sampled), "relative": ["relative", 0], "absolute": ["absolute", 0]})
    assert torch.equal(found["absolute"].latents, found["plain"].latents)
    shift = found["relative"].latents - found["plain"].latents
    assert shift[0, 0].abs().max() > 0.1, "another pose"
    torch.testing.assert_close(shift, shift[:, :1].expand_as(shift), **CLOSE)
    source = found["relative"].source
    assert source is not None
    assert found["plain"].source is not None
    torch.testing.assert_close(shift[:, 0], source - found["plain"].source, **CLOSE)


def test_a_constant_timeline_and_a_mix_equal_the_constant_emotion(server: ComfyServer, sampled: Json) -> None:
    def motion(kind: str, inputs: Json) -> MotionSequence:
        prompt = {**sampled, "20": {"class_type": kind, "inputs": inputs}}
        prompt[node_id(prompt, "SampleMotionLatents")]["inputs"]["emotion"] = ["20", 0]
        return run_for_motions(server, prompt, {"sampled": source_of(prompt)})[1]["sampled"]

    mix = dict.fromkeys(float_core.EMOTIONS, 0.0)
    chosen = motion("Speech2Emotion", {"model": model_of(sampled), "emotion": "happy"})
    features = [node_id(sampled, "AudioFeatures"), 0]
    timeline = motion("FLOATEmotionTimeline", {"audio_features": features, "timeline": "0 happy\n0.3 happy", "transition": 0.2})
    assert same(timeline, chosen)
    assert same(motion("FLOATEmotionMix", mix | {"happy": 0.4}), chosen)
    changing = motion("FLOATEmotionTimeline", {"audio_features": features, "timeline": "0 happy\n0.3 sad", "transition": 0.1})
    assert not same(changing, chosen)
    assert not same(motion("FLOATEmotionMix", mix), chosen)


def test_emotions_are_told_to_the_browser(server: ComfyServer, sampled: Json) -> None:
    sampled[node_id(sampled, "Speech2Emotion")]["inputs"]["emotion"] = "sad"
    run, _ = run_for_motions(server, sampled, {"sad": source_of(sampled)})
    told = [data["output"]["float_emotion"] for data in run.of("executed") if data["node"] == node_id(sampled, "Speech2Emotion")]
    assert told == [[{"names": list(float_core.EMOTIONS), "probabilities": [0, 0, 0, 0, 0, 1, 0], "times": [], "rows": []}]]


@pytest.mark.parametrize(("window", "rows"), [(0.0, 0), (0.25, FRAMES)])
def test_the_emotion_of_a_voice_is_heard_at_once_or_in_windows(server: ComfyServer, sampled: Json, window: float, rows: int) -> None:
    node(sampled, "LoadFLOAT")["model"] = UNTRAINED
    node(sampled, "Speech2Emotion").update(emotion="from the voice", window=window, overlap=0.5)
    key = node_id(sampled, "Speech2Emotion")
    sampled["20"] = {
        "class_type": "FLOATSaveMotion",
        "inputs": {"model": model_of(sampled), "motion": source_of(sampled), "filename_prefix": f"tests/{window}", "notes": ""},
    }
    run = server.run(sampled)
    assert run.error == "", run.error
    (told,) = (data["output"]["float_emotion"][0] for data in run.of("executed") if data["node"] == key)
    assert sum(told["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert len(told["rows"]) == len(told["times"]) == rows
    assert told["times"] == pytest.approx([i / 25 for i in range(rows)])
    if rows:
        assert told["rows"][0] != told["rows"][-1], "the emotion follows the voice"
    assert any("happy" in note and "%" in note for note in run.notes)
