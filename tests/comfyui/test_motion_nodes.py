"""The motion nodes in a real ComfyUI, through the API and without a browser: their results are read from files and compared with the
library's, number for number."""

from __future__ import annotations

import math
import wave
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from PIL import Image

import float_core
from float_core import MotionEdit, MotionSequence

from .comfy_server import ComfyServer, Json, node, node_id
from .conftest import SHORT_SECONDS, UNTRAINED, write_voice
from .motions import bundled, run_for_motions, saved_path, without_video
from .test_talk import read_video, saved_video

FRAMES = math.ceil(SHORT_SECONDS * 25)
CLOSE = {"rtol": 0.0, "atol": 1e-5}  # the server computes with other threads


@pytest.fixture
def sampled(talk: Json) -> Json:
    """A prompt that ends with the sampled motion."""
    del talk[node_id(talk, "LambdaEdit")]
    return without_video(talk)


def source_of(prompt: Json) -> list[str | int]:
    return [node_id(prompt, "SampleMotionLatents"), 0]


def model_of(prompt: Json) -> list[str | int]:
    return [node_id(prompt, "LoadFLOAT"), 0]


def same(one: MotionSequence, other: MotionSequence) -> bool:
    return one.fps == other.fps and torch.equal(one.motion, other.motion)


def test_save_and_load_give_the_same_motion(server: ComfyServer, sampled: Json) -> None:
    run, saved = run_for_motions(server, sampled, {"first": source_of(sampled)})
    path = saved_path(run, "save-first")
    assert path.parent == server.base / "output" / "tests"
    assert saved["first"].motion.shape == (1, FRAMES, bundled().basis.shape[0])
    file = f"tests/{path.name} [output]"
    loading = {
        "1": {"class_type": "LoadFLOAT", "inputs": node(sampled, "LoadFLOAT")},
        "2": {"class_type": "FLOATLoadMotion", "inputs": {"model": ["1", 0], "file": file}},
    }
    again, loaded = run_for_motions(server, loading, {"again": ["2", 0]})
    assert same(loaded["again"], saved["first"])
    assert any("first, from a test" in note for note in again.notes)
    choices = server.get("/object_info/FLOATLoadMotion")["FLOATLoadMotion"]["input"]["required"]["file"][1]["options"]
    assert file in choices


def test_a_file_that_was_replaced_is_loaded_again(server: ComfyServer, sampled: Json) -> None:
    path = server.base / "input" / "replaced.safetensors"
    loading = {
        "1": {"class_type": "LoadFLOAT", "inputs": node(sampled, "LoadFLOAT")},
        "2": {"class_type": "FLOATLoadMotion", "inputs": {"model": ["1", 0], "file": path.name}},
    }
    for value in (0.25, 0.5):
        float_core.save_motion(path, bundled(), MotionSequence(torch.full((1, 3, bundled().basis.shape[0]), value), 25.0))
        _, loaded = run_for_motions(server, loading, {"replaced": ["2", 0]})
        assert torch.equal(loaded["replaced"].motion, torch.full_like(loaded["replaced"].motion, value))


def test_a_motion_of_another_model_is_refused(server: ComfyServer, sampled: Json) -> None:
    _, saved = run_for_motions(server, sampled, {"mine": source_of(sampled)})
    float_core.save_motion(server.base / "input" / "mine.safetensors", bundled(), saved["mine"])
    loading = {
        "1": {"class_type": "LoadFLOAT", "inputs": {**node(sampled, "LoadFLOAT"), "model": UNTRAINED}},
        "2": {"class_type": "FLOATLoadMotion", "inputs": {"model": ["1", 0], "file": "mine.safetensors"}},
        "3": {"class_type": "FLOATSaveMotion", "inputs": {"model": ["1", 0], "motion": ["2", 0], "filename_prefix": "x", "notes": ""}},
    }
    error = server.run(loading).error
    assert "CheckpointError" in error
    assert "another basis" in error


@pytest.mark.parametrize(
    "file",
    ["../server.log", "../../etc/passwd [output]", "/etc/passwd", "gone.safetensors", "float_voice.wav", "../outside.safetensors [input]"],
)
def test_files_elsewhere_are_refused_before_the_run(server: ComfyServer, sampled: Json, file: str) -> None:
    (server.base / "outside.safetensors").write_bytes(b"nothing")
    loading = {
        "1": {"class_type": "LoadFLOAT", "inputs": node(sampled, "LoadFLOAT")},
        "2": {"class_type": "FLOATLoadMotion", "inputs": {"model": ["1", 0], "file": file}},
        "3": {"class_type": "FLOATSaveMotion", "inputs": {"model": ["1", 0], "motion": ["2", 0], "filename_prefix": "x", "notes": ""}},
    }
    refused = server.run(loading).refused
    assert refused is not None
    assert "input or output folder" in str(refused) or "no file" in str(refused)


def test_nothing_is_saved_outside_the_output_folder(server: ComfyServer, sampled: Json) -> None:
    sampled["9"] = {
        "class_type": "FLOATSaveMotion",
        "inputs": {"model": model_of(sampled), "motion": source_of(sampled), "filename_prefix": "../escaped/x", "notes": ""},
    }
    assert "outside" in server.run(sampled).error
    assert not (server.base / "escaped").exists()


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
    torch.testing.assert_close(motions["edited"].motion, expected.motion, **CLOSE)
    moved = (motions["edited"].motion - motions["plain"].motion) @ bundled().basis
    assert [round(value, 3) for value in moved[0, :, 0].tolist()] == [0.0] * 3 + [1.5] * 10 + [0.0] * (FRAMES - 13)
    assert moved[0, 5, 3] == pytest.approx(0.5, abs=1e-4)


def curve_inputs(**changes: object) -> Json:
    """Inputs of FLOATLambdaCurve."""
    plain: Json = {"source": "keyframes", "curves": "[]", "direction": 0, "amount": 1.0, "attack": 0.02, "release": 0.15}
    return plain | changes


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
    torch.testing.assert_close(motions["edited-20"].motion, expected.motion, **CLOSE)
    moved = (motions["edited-22"].motion - motions["plain"].motion) @ bundled().basis[:, 4]
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
    with Image.open(server.base / "temp" / part["subfolder"] / part["filename"]) as picture:
        return picture.size


def test_plots_and_the_basis_sheet_are_pictures(server: ComfyServer, sampled: Json) -> None:
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
    groups = [float_core.direction_group(core.calibration, k) for k in range(20)]
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
        "taken": float_core.take_directions(core, plain, mirrored, float_core.directions_of(core.calibration, "head")),
        "listed": float_core.take_directions(core, plain, mirrored, (6, 8, 9), weight=0.5),
    }
    for name, motion in expected.items():
        assert found[name].fps == motion.fps, name
        torch.testing.assert_close(found[name].motion, motion.motion, **CLOSE, msg=lambda text, name=name: f"{name}: {text}")
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
    assert torch.equal(found["absolute"].motion, found["plain"].motion)
    shift = found["relative"].motion - found["plain"].motion
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


def write_odd_voice(path: Path, samples: int) -> Fraction:
    """A voice of exactly that many samples; its length."""
    write_voice(path, samples / 22050 + 0.01)
    with wave.open(str(path)) as source:
        parameters, sound = source.getparams(), source.readframes(samples)
    with wave.open(str(path), "wb") as target:
        target.setparams(parameters)
        target.writeframes(sound)
    return Fraction(samples, 22050)


@pytest.mark.parametrize(
    ("fps", "rate"), [(23.976, Fraction(24000, 1001)), (10.0, Fraction(10)), (60.0, Fraction(60)), (37.5, Fraction(75, 2))]
)
def test_odd_rates_and_lengths_give_exact_frame_counts(server: ComfyServer, talk: Json, fps: float, rate: Fraction) -> None:
    seconds = write_odd_voice(server.base / "input" / "odd.wav", 8821)  # 0.40005 s: one sample more than ten frames at 25
    node(talk, "LoadAudio")["audio"] = "odd.wav"
    node(talk, "DecodeVideo")["fps"] = fps
    frames, found, _ = read_video(saved_video(server, server.run(talk), talk))
    assert len(frames) == math.ceil(seconds * rate)
    assert found == pytest.approx(float(rate), abs=1e-6)


def test_without_a_sound_the_motion_keeps_its_length_at_another_rate(server: ComfyServer, talk: Json) -> None:
    del node(talk, "DecodeVideo")["audio"]
    node(talk, "DecodeVideo")["fps"] = 50.0
    frames, rate, sound = read_video(saved_video(server, server.run(talk), talk))
    assert (len(frames), rate, sound) == (2 * FRAMES, 50, 0.0)


def test_a_rate_that_no_video_has_is_refused(server: ComfyServer, talk: Json) -> None:
    node(talk, "DecodeVideo")["fps"] = 5.0
    assert "10 to 120" in server.run(talk).error
