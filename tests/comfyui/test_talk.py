"""The shipped workflow in a real ComfyUI: a video, its progress, the cache, the interrupt."""

from __future__ import annotations

import json
import math
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from .comfy_server import REPOSITORY, ComfyServer, Json, Run, node, node_id
from .conftest import LONG_SECONDS, SHORT_SECONDS, UNTRAINED, write_voice

SIZE, FPS = 256, 25
INTERRUPT_SECONDS = 2.0
HEARD_SECONDS = 600.0  # of audio, which takes a moment even with small networks
MOVING = 0.2  # mean change from the first frame, in levels of 255


def saved_video(server: ComfyServer, run: Run, prompt: Json) -> Path:
    assert run.refused is None, run.refused
    assert run.error == ""
    (saved,) = run.outputs[node_id(prompt, "SaveVideo")]["images"]
    return server.base / "output" / saved["subfolder"] / saved["filename"]


def read_video(path: Path) -> tuple[np.ndarray, float, float]:
    """Frames (T, H, W, 3), frames a second, and seconds of audio."""
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(stream)])
        rate = float(stream.average_rate)
    with av.open(str(path)) as video:
        audio_seconds = sum(frame.samples / frame.sample_rate for frame in video.decode(audio=0)) if video.streams.audio else 0.0
    return frames, rate, audio_seconds


def test_the_template_is_complete_and_refers_to_what_is_shipped(server: ComfyServer) -> None:
    workflow = json.loads((REPOSITORY / "workflows" / "talk.json").read_text())
    kinds = {part["type"] for part in workflow["nodes"]}
    assert kinds - set(server.object_info) == {"MarkdownNote"}
    for part in workflow["nodes"]:
        if part["type"] != "MarkdownNote":
            required = server.object_info[part["type"]]["input"].get("required", {})
            named = {slot["name"]: slot["link"] for slot in part.get("inputs", [])}
            sockets = {
                name
                for name, (kind, *_) in required.items()
                if isinstance(kind, str) and (kind.startswith("FLOAT_") or kind in ("IMAGE", "AUDIO", "VIDEO"))
            }
            assert all(named[name] is not None for name in sockets), part["type"]


def test_the_template_makes_a_moving_video_with_sound(server: ComfyServer, talk: Json) -> None:
    write_voice(server.base / "input" / "fresh.wav", SHORT_SECONDS)
    node(talk, "LoadAudio")["audio"] = "fresh.wav"  # no other test's: nothing of what depends on it is in the cache
    run = server.run(talk)
    frames, rate, audio_seconds = read_video(saved_video(server, run, talk))
    assert frames.shape == (math.ceil(SHORT_SECONDS * FPS), SIZE, SIZE, 3)
    assert rate == FPS
    assert abs(audio_seconds - SHORT_SECONDS) <= 0.1  # AAC comes in pieces of 46 ms
    change = np.abs(frames[1:].astype(float) - frames[0]).mean(axis=(1, 2, 3))
    assert change.max() > MOVING
    assert run.previews > 0
    assert any("neutral" in note for note in run.notes), "the bundled model says that it cannot hear emotions"


def test_a_voice_on_one_side_moves_the_face_and_stays_on_its_side(server: ComfyServer, talk: Json) -> None:
    write_voice(server.base / "input" / "mono.wav", SHORT_SECONDS)
    with wave.open(str(server.base / "input" / "mono.wav")) as mono:
        rate, samples = mono.getframerate(), np.frombuffer(mono.readframes(mono.getnframes()), "<i2")
    with wave.open(str(server.base / "input" / "right.wav"), "wb") as stereo:
        stereo.setnchannels(2)
        stereo.setsampwidth(2)
        stereo.setframerate(rate)
        stereo.writeframes(np.stack([0 * samples, samples], 1).tobytes())
    found = {}
    for name in ("mono.wav", "right.wav"):
        node(talk, "LoadAudio")["audio"] = name
        found[name] = saved_video(server, server.run(talk), talk)
    mono_frames, stereo_frames = (read_video(path)[0].astype(float) for path in found.values())
    assert np.abs(mono_frames - stereo_frames).mean() < 0.1 * MOVING
    with av.open(str(found["right.wav"])) as video:
        heard = np.concatenate([frame.to_ndarray() for frame in video.decode(audio=0)], axis=1)
    assert len(heard) == 2 and np.abs(heard[0]).max() < 0.01 < np.abs(heard[1]).max()


def test_the_template_exactly_as_shipped(server: ComfyServer, talk: Json) -> None:
    node(talk, "LoadAudio")["audio"] = "float_voice.wav"
    frames, rate, audio_seconds = read_video(saved_video(server, server.run(talk), talk))
    assert abs(len(frames) / rate - audio_seconds) <= 0.1
    assert np.abs(np.diff(frames[::5].astype(float), axis=0)).mean() > MOVING


def test_progress_is_reported_by_sampling_and_drawing(server: ComfyServer, talk: Json) -> None:
    node(talk, "SampleMotionLatents")["seed"] = 11
    run = server.run(talk)
    reached = {data["node"]: (data["value"], data["max"]) for data in run.of("progress")}
    assert reached[node_id(talk, "SampleMotionLatents")] == (10, 10)
    assert reached[node_id(talk, "DecodeVideo")] == (15, 15)


@pytest.mark.parametrize("kind", ["AudioFeatures", "Speech2Emotion"])
def test_what_hears_audio_shows_progress_and_stops_on_an_interrupt(server: ComfyServer, talk: Json, kind: str) -> None:
    file = server.base / "input" / f"{kind}.wav"
    write_voice(file, HEARD_SECONDS)
    node(talk, "LoadAudio")["audio"] = file.name
    node(talk, "LoadFLOAT")["model"] = UNTRAINED
    node(talk, "Speech2Emotion")["emotion"] = "from the voice"
    wanted = node_id(talk, kind)
    prompt = {key: part for key, part in talk.items() if key == wanted or part["class_type"] in ("LoadAudio", "LoadFLOAT")}
    prompt["tell"] = {"class_type": "PreviewAny", "inputs": {"source": [wanted, 0]}}
    stopped = server.run(prompt, interrupt_when=lambda event, data: event == "progress" and data["node"] == wanted and data["value"] > 0)
    assert stopped.of("execution_interrupted")[0]["node_type"] == kind
    assert max(data["value"] for data in stopped.of("progress")) < stopped.of("progress")[-1]["max"]
    run = server.run(prompt)
    assert run.error == ""
    steps = [(data["value"], data["max"]) for data in run.of("progress") if data["node"] == wanted]
    assert steps[-1][0] == steps[-1][1] > 10
    assert len(steps) > 3


@pytest.mark.parametrize(("quality", "seed", "steps"), [("fast", 12, 4), (None, 13, 10)])
def test_a_quality_takes_the_place_of_the_steps(server: ComfyServer, talk: Json, quality: str | None, seed: int, steps: int) -> None:
    """None: a prompt from before there was one, which runs as it did."""
    inputs = node(talk, "SampleMotionLatents")
    inputs["seed"] = seed
    if quality is None:
        del inputs["quality"]
    else:
        inputs["quality"] = quality
    run = server.run(talk)
    assert run.error == ""
    reached = {data["node"]: (data["value"], data["max"]) for data in run.of("progress")}
    assert reached[node_id(talk, "SampleMotionLatents")] == (steps, steps)


def test_a_second_run_is_served_from_the_cache(server: ComfyServer, talk: Json) -> None:
    node(talk, "SampleMotionLatents")["seed"] = 21
    saved_video(server, server.run(talk), talk)
    again = server.run(talk)
    assert again.error == ""
    assert again.cached >= set(talk) - {node_id(talk, "SaveVideo")}
    node(talk, "LambdaEdit")["lambda_00"] = 1.0
    edited = server.run(talk)
    computed = {data["node"] for data in edited.of("executing") if data["node"]}
    assert computed == {node_id(talk, kind) for kind in ("LambdaEdit", "DecodeVideo", "SaveVideo")}


def test_the_seed_decides_and_an_edit_shows(server: ComfyServer, talk: Json) -> None:
    def frames(seed: int, offset: float) -> np.ndarray:
        node(talk, "SampleMotionLatents")["seed"] = seed
        node(talk, "LambdaEdit")["lambda_06"] = offset
        return read_video(saved_video(server, server.run(talk), talk))[0].astype(float)

    first = frames(31, 0.0)
    frames(32, 0.0)  # in between, so that the cache does not answer
    assert np.array_equal(first, frames(31, 0.0))
    assert np.abs(first - frames(33, 0.0)).mean() > 0
    assert np.abs(first - frames(31, 3.0)).mean() > MOVING


@pytest.mark.parametrize("stage", ["SampleMotionLatents", "DecodeVideo"])
def test_an_interrupt_stops_within_two_seconds(server: ComfyServer, talk: Json, stage: str) -> None:
    node(talk, "LoadAudio")["audio"] = "long.wav"
    node(talk, "SampleMotionLatents").update(seed=41, steps=200 if stage == "SampleMotionLatents" else 1)
    before = set((server.base / "temp").glob("*"))
    total = 200 * math.ceil(LONG_SECONDS / 2) if stage == "SampleMotionLatents" else LONG_SECONDS * FPS

    def is_running(kind: str, data: Json) -> bool:
        return kind == "progress" and data["node"] == node_id(talk, stage) and 0 < data["value"] < total

    run = server.run(talk, interrupt_when=is_running)
    assert run.stopped_after is not None, run.error
    assert run.stopped_after < INTERRUPT_SECONDS or run.work_after < INTERRUPT_SECONDS / 2, (run.stopped_after, run.work_after)
    assert run.of("execution_interrupted")[0]["node_type"] == stage
    assert set((server.base / "temp").glob("*")) == before, "an unfinished video was left behind"


def test_a_model_of_the_model_folder_in_another_precision(server: ComfyServer, talk: Json) -> None:
    node(talk, "LoadFLOAT").update(model=UNTRAINED, dtype="bf16", device="cpu")
    frames, _, _ = read_video(saved_video(server, server.run(talk), talk))
    assert frames.shape[1:] == (SIZE, SIZE, 3)
    assert frames.std() > 1


def test_other_nodes_connect_to_the_images(server: ComfyServer, talk: Json) -> None:
    """IMAGE to Create Video, without a crop, without audio, with an emotion by name."""
    decode = node_id(talk, "DecodeVideo")
    del talk[decode]["inputs"]["audio"]
    node(talk, "Speech2Emotion")["emotion"] = "happy"
    node(talk, "EncodeSourceIdentity")["image"] = [node_id(talk, "LoadImage"), 0]
    talk["100"] = {"class_type": "CreateVideo", "inputs": {"images": [decode, 0], "fps": 25.0}}
    node(talk, "SaveVideo")["video"] = ["100", 0]
    frames, rate, audio_seconds = read_video(saved_video(server, server.run(talk), talk))
    assert (len(frames), rate, audio_seconds) == (15, FPS, 0.0)
