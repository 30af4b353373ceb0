"""Memory in a real ComfyUI: a device that runs out of it, another model that asks for it, and clips of which it must not grow.

On a CPU, ComfyUI's model management is driven with a device that it does not take for the processor ("cpu:0"), so that it makes room there
as on a GPU: what it unloads, when, and that a network comes back. How many bytes a GPU then has free is not seen here.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from .comfy_server import ComfyServer, Json, node, node_id
from .conftest import TINY_SIZE, write_voice
from .test_streaming import connected, with_probe
from .test_talk import FPS, read_video, saved_video

SECONDS = 4.0
FRAMES = int(SECONDS * FPS)
DRAWING = ("DecodeVideo", "SaveVideo")
SHORT, LONG = 10, 60  # seconds
ALL_FRAMES = (LONG - SHORT) * FPS * TINY_SIZE**2 * 3 * 4  # bytes by which the frames of the long clip are more


@pytest.fixture
def clip(server: ComfyServer, tiny: Json) -> Json:
    """A few seconds, drawn eight frames at a time."""
    write_voice(server.base / "input" / "four.wav", SECONDS)
    node(tiny, "LoadAudio")["audio"] = "four.wav"
    node(tiny, "DecodeVideo")["batch_size"] = 8
    return tiny


def test_out_of_memory_halves_the_batch_and_loses_nothing(server: ComfyServer, clip: Json) -> None:
    """After two batches of eight, and again of four, there is room for three frames."""
    whole = server.run(connected(clip))
    wanted = read_video(saved_video(server, whole, clip))[0]
    read = len(server.log)
    probe = {"module": "generation_nodes", "function": "render_frames", "chunks": 2, "room": 3}
    run = server.run(with_probe(connected(clip), "TestNoMemory", **probe))
    frames = read_video(saved_video(server, run, clip))[0]
    told = re.findall(r"probe: (drew|no memory for) (\d+)", server.log[read:])
    batches = [("drew", "8")] * 2 + [("no memory for", "8")] + [("drew", "4")] * 2 + [("no memory for", "4")]
    assert told == batches + [("drew", "2")] * ((FRAMES - 24) // 2)
    assert frames.shape == wanted.shape
    shifted = [distance(frames[16:-1], wanted[16 + shift : FRAMES - 1 + shift]) for shift in (-1, 0, 1)]
    assert shifted[1] < 0.3 * min(shifted[0], shifted[2]), "the file's frames are those of the undisturbed run, at the same places"
    assert run.outputs["tell"]["shape"] == whole.outputs["tell"]["shape"]
    assert run.outputs["tell"]["means"] == pytest.approx(whole.outputs["tell"]["means"], abs=1e-5)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize(
    ("taker", "module", "function"),
    [
        ("EncodeSourceIdentity", "source_nodes", "encode_identity"),
        ("AudioFeatures", "audio_nodes", "encode_audio"),
        ("SampleMotionLatents", "generation_nodes", "sample_motion"),
        ("DecodeVideo", "generation_nodes", "write_video"),
    ],
)
def test_out_of_memory_elsewhere_is_said_with_what_to_do(server: ComfyServer, tiny: Json, taker: str, module: str, function: str) -> None:
    run = server.run(with_probe(tiny, "TestNoMemory", taker, module=module, function=function))
    assert run.of("execution_error")[0]["node_type"] == taker
    assert "OutOfMemoryError" in run.error
    assert re.search(r"cpu has no memory left for .*: about \d+\.\d GB are needed.*\d+\.\d GB are free", run.error)
    assert "injected by a test" in run.error
    assert "bf16" in run.error
    assert server.run(tiny).error == ""


def test_devices_that_only_say_it(server: ComfyServer, tiny: Json) -> None:
    probe = {"module": "audio_nodes", "function": "encode_audio", "words": "MPS backend out of memory (allocated: 9 GB)"}
    error = server.run(with_probe(tiny, "TestNoMemory", "AudioFeatures", **probe)).error
    assert "no memory left for encoding the audio" in error
    other = server.run(with_probe(tiny, "TestNoMemory", "AudioFeatures", **{**probe, "words": "something else"})).error
    assert "something else" in other
    assert "no memory" not in other


@pytest.mark.parametrize("by", ["plain", "paged", "part"])
def test_another_model_takes_the_memory_and_the_network_comes_back(server: ComfyServer, tiny: Json, by: str) -> None:
    inputs = {name: node(tiny, "DecodeVideo")[name] for name in ("model", "identity", "motion")}
    prompt = {key: part for key, part in tiny.items() if part["class_type"] not in DRAWING}
    prompt["evict"] = {"class_type": "TestEviction", "inputs": {**inputs, "by": by}}
    run = server.run(prompt)
    assert run.error == ""
    report = run.outputs["evict"]
    assert report["loaded"] == [True, by == "part", True]
    assert by == "part" or "cpu" in report["away"], "its weights were sent to where they wait"
    assert report["same"] == [True]


def peak(server: ComfyServer, prompt: Json) -> int:
    """By how many bytes the server's memory grows at most while it runs the prompt."""
    process = Path(f"/proc/{server.process.pid}")
    (process / "clear_refs").write_text("5")  # the peak is counted from now on
    before = memory(process, "VmRSS")
    run = server.run(prompt)
    assert run.error == ""
    return memory(process, "VmHWM") - before


def memory(process: Path, name: str) -> int:
    (line,) = (line for line in (process / "status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads a process's peak memory from /proc")
def test_memory_does_not_grow_with_the_clip(server: ComfyServer, tiny: Json) -> None:
    """Drawing and saving a minute against twenty seconds, from a motion that is there; with images connected, it does."""
    node(tiny, "SampleMotionLatents")["steps"] = 1
    grown = {}
    for seconds in (SHORT, SHORT, LONG):  # once to warm up
        sample_only(server, tiny, seconds)
        grown[seconds] = peak(server, tiny)
    more = grown[LONG] - grown[SHORT]
    assert more < ALL_FRAMES / 8, f"{more / 2**20:.0f} MB more"
    sample_only(server, tiny, SHORT)
    assert peak(server, connected(tiny)) > grown[SHORT] + ALL_FRAMES / 8, "this measurement sees an IMAGE"


def sample_only(server: ComfyServer, prompt: Json, seconds: int) -> None:
    """Sets a voice of that length and another seed, and runs the prompt as far as the motion."""
    write_voice(server.base / "input" / f"{seconds}.wav", seconds)
    node(prompt, "LoadAudio")["audio"] = f"{seconds}.wav"
    node(prompt, "SampleMotionLatents")["seed"] += 1
    upstream = {key: part for key, part in prompt.items() if part["class_type"] not in DRAWING}
    links = {"model": [node_id(prompt, "LoadFLOAT"), 0], "motion": [node_id(prompt, "LambdaEdit"), 0]}
    upstream["keep"] = {"class_type": "FLOATSaveMotion", "inputs": {**links, "filename_prefix": "tests/long", "notes": ""}}
    run = server.run(upstream)
    assert (run.refused, run.error) == (None, "")
