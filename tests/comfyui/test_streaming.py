"""DecodeVideo's images: made only where the prompt takes them, true whenever they are, and refused where they do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .comfy_server import ComfyServer, Json, Run, node, node_id
from .conftest import TINY_SIZE
from .test_talk import read_video, saved_video

FRAMES = 15
BATCH_GB = FRAMES * TINY_SIZE**2 * 12 / 2**30


def connected(prompt: Json) -> Json:
    """The prompt with something at `images`."""
    return {**prompt, "tell": {"class_type": "TestTellImages", "inputs": {"images": [node_id(prompt, "DecodeVideo"), 0]}}}


def computed(run: Run) -> set[str]:
    return {data["node"] for data in run.of("executing") if data["node"]}


def with_probe(prompt: Json, kind: str, taker: str = "DecodeVideo", **inputs: object) -> Json:
    """The model goes through a node of the test's on its way to `taker`."""
    probe = {"class_type": kind, "inputs": {"model": [node_id(prompt, "LoadFLOAT"), 0], **inputs}}
    changed = {key: {**part, "inputs": dict(part["inputs"])} for key, part in prompt.items()}
    node(changed, taker)["model"] = ["probe", 0]
    return {**changed, "probe": probe}


def test_the_cache_answers_only_runs_that_want_the_same(server: ComfyServer, tiny: Json) -> None:
    """Unconnected, connected, connected again, unconnected: drawn again where what is wanted changes, and only there."""
    node(tiny, "SampleMotionLatents")["seed"] = 501
    decode = node_id(tiny, "DecodeVideo")
    alone = server.run(tiny)
    video, _, _ = read_video(saved_video(server, alone, tiny))
    assert decode in server.run(tiny).cached

    first = server.run(connected(tiny))
    assert first.error == ""
    assert decode in computed(first)
    assert first.outputs["tell"]["shape"] == [FRAMES, TINY_SIZE, TINY_SIZE, 3]
    seen = np.array(first.outputs["tell"]["means"]) * 255
    assert np.abs(seen - video.mean(axis=(1, 2, 3))).max() < 2, "the images of the video, not the file's colors to the last bit"
    assert np.array_equal(read_video(saved_video(server, first, tiny))[0], video), "the same video either way"

    again = server.run(connected(tiny))
    assert decode in again.cached
    assert again.outputs["tell"] == first.outputs["tell"]
    assert {"tell", decode} & computed(again) == set()

    assert decode in computed(server.run(tiny)), "and the images are let go"


def test_another_output_of_another_node_is_no_reason_to_keep_frames(server: ComfyServer, tiny: Json) -> None:
    """Two nodes with the same inputs, one with its images taken: each gives what is asked of it."""
    node(tiny, "SampleMotionLatents")["seed"] = 502
    decode = node_id(tiny, "DecodeVideo")
    prompt = connected(tiny)
    prompt["second"] = {"class_type": "DecodeVideo", "inputs": dict(tiny[decode]["inputs"])}
    prompt["save2"] = {"class_type": "SaveVideo", "inputs": {**node(tiny, "SaveVideo"), "video": ["second", 1]}}
    run = server.run(prompt)
    assert run.error == ""
    assert {decode, "second"} <= computed(run)
    assert run.outputs["tell"]["shape"][0] == FRAMES
    assert len(run.outputs["save2"]["images"]) == 1


def test_a_graph_made_in_the_run_gets_its_images(server: ComfyServer, tiny: Json) -> None:
    """Nothing in any prompt says that they are taken: they leave as the output of the node that made the graph."""
    inputs = {name: node(tiny, "DecodeVideo")[name] for name in ("model", "identity", "motion")}
    prompt = {key: part for key, part in tiny.items() if part["class_type"] not in ("DecodeVideo", "SaveVideo")}
    prompt["inside"] = {"class_type": "TestDecodeInside", "inputs": inputs}
    prompt["tell"] = {"class_type": "TestTellImages", "inputs": {"images": ["inside", 0]}}
    run = server.run(prompt)
    assert run.error == ""
    assert run.outputs["tell"]["shape"] == [FRAMES, TINY_SIZE, TINY_SIZE, 3]


def test_who_comes_too_late_reads_why_there_are_none(server: ComfyServer, tiny: Json) -> None:
    decode = node_id(tiny, "DecodeVideo")
    tiny["late"] = {"class_type": "TestLatecomer", "inputs": {"video": [decode, 1], "decode": decode}}
    error = server.run(tiny).error
    assert "Execution Blocked" in error
    assert "nothing was connected to `images`" in error
    assert server.run(connected({key: part for key, part in tiny.items() if key != "late"})).error == ""


@pytest.mark.parametrize("form", ["auto", "mp4"])
def test_save_video_copies_what_was_written(server: ComfyServer, tiny: Json, form: str) -> None:
    """Packet by packet, so without decoding a frame."""
    node(tiny, "SampleMotionLatents")["seed"] = {"auto": 504, "mp4": 505}[form]
    node(tiny, "SaveVideo")["format"] = form
    before = set((server.base / "temp").glob("float_*.mp4"))
    saved = saved_video(server, server.run(tiny), tiny)
    (written,) = set((server.base / "temp").glob("float_*.mp4")) - before
    assert packets(saved) == packets(written)


def packets(path: Path) -> list[tuple[str, bytes]]:
    """All of a file's encoded packets, by stream."""
    import av

    with av.open(str(path)) as video:
        return sorted((packet.stream.type, bytes(packet)) for packet in video.demux() if packet.size)


def test_images_above_the_limit_are_refused_before_anything_is_drawn(server: ComfyServer, tiny: Json) -> None:
    node(tiny, "SampleMotionLatents")["seed"] = 503
    node(tiny, "DecodeVideo").update(fps=120.0, image_memory_limit=0.01)  # 72 frames: 13.5 MB
    before = set((server.base / "temp").glob("*"))
    refused = server.run(connected(tiny))
    assert "OptionError" in refused.error
    assert "image_memory_limit allows 0.01 GB" in refused.error
    assert "unconnected" in refused.error
    assert not [data for data in refused.of("progress") if data["node"] == node_id(tiny, "DecodeVideo") and data["value"]]
    assert set((server.base / "temp").glob("*")) == before
    assert server.run(tiny).error == "", "without images there is nothing to refuse"
    node(tiny, "DecodeVideo")["image_memory_limit"] = 1.0
    assert server.run(connected(tiny)).outputs["tell"]["shape"][0] == 72


@pytest.mark.parametrize(("free", "said"), [(1.2, "it gets tight"), (0.8, "image_memory_limit")])
def test_a_warning_or_a_refusal_by_what_is_free(server: ComfyServer, tiny: Json, free: float, said: str) -> None:
    prompt = with_probe(connected(tiny), "TestFreeMemory", free=int(free * BATCH_GB * 2**30))
    run = server.run(prompt)
    assert said in (" ".join(run.notes) if free > 1 else run.error)
    assert (run.error == "") == (free > 1)


def test_where_compiling_is_of_no_use_the_node_says_so_and_draws(server: ComfyServer, tiny: Json) -> None:
    node(tiny, "SampleMotionLatents")["seed"] = 507
    plain = saved_video(server, server.run(tiny), tiny)
    node(tiny, "DecodeVideo")["compiled"] = True
    run = server.run(tiny)
    assert "faster way of its own" in " ".join(run.notes)
    assert packets(saved_video(server, run, tiny)) == packets(plain)


def test_prompts_of_older_versions_still_run(server: ComfyServer, tiny: Json) -> None:
    for name in ("image_memory_limit", "compiled"):
        node(tiny, "DecodeVideo").pop(name, None)
    assert server.run(connected(tiny)).error == ""
