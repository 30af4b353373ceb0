"""The live preview without a server: what its route takes, which of several requests is answered, and what is remembered of runs."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
from importlib import import_module
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture(scope="module")
def live(pack: ModuleType) -> ModuleType:
    return import_module(f"{pack.__name__}.nodes.live_preview")


def body(**changes: object) -> bytes:
    return json.dumps({"node": "9", "values": {"lambda_00": 1.5}, "time": 2.0} | changes).encode()


def test_a_good_body(live: ModuleType) -> None:
    assert live.parse_preview_request(body()) == live.PreviewRequest("9", {"lambda_00": 1.5}, 2.0, "jpeg")
    assert live.parse_preview_request(body(node="5:12:9", format="png")) == live.PreviewRequest("5:12:9", {"lambda_00": 1.5}, 2.0, "png")
    assert live.parse_preview_request(b'{"node": "1", "values": {}}') == live.PreviewRequest("1", {}, 0.0, "jpeg")


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (None, "larger"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b"[1]", "list"),
        (body(node=9), "node"),
        (body(node="9; drop"), "node"),
        (body(node="../9"), "node"),
        (body(node="9:"), "node"),
        (body(node="\u0669"), "node"),
        (body(node="1" * 400), "node"),
        (body(values=[1]), "values"),
        (body(values=None), "values"),
        (body(format="gif"), "format"),
        (body(format=["png"]), "format"),
        (body(time="now"), "time"),
        (body(time=True), "time"),
        (body(time=-1), "time"),
        (body(time=1e9), "time"),
        (b'{"node": "9", "values": {}, "time": NaN}', "time"),
        (b'{"node": "9", "values": {}, "time": Infinity}', "time"),
        (b'{"node": "9", "values": {}, "time": 1' + b"0" * 400 + b"}", "time"),
    ],
)
def test_a_bad_body_is_refused_by_name(live: ModuleType, sent: bytes | None, named: str) -> None:
    with pytest.raises(live.OptionError, match=named) as caught:
        live.parse_preview_request(sent)
    assert len(str(caught.value)) < 400, "what came in is not sent back whole"


def test_one_at_a_time_and_the_newest_wins(live: ModuleType) -> None:
    """Four requests of one node and one of another while the first is at work: the second and third are never done."""
    done: list[str] = []
    started, may_end, together = threading.Event(), threading.Event(), []

    def work(name: str) -> str:
        together.append(name)
        assert len(together) == 1, "two at once"
        if name == "first":
            started.set()
            assert may_end.wait(20)
        together.remove(name)
        done.append(name)
        return name

    async def scenario() -> list[object]:
        newest = live.NewestWins()
        first = asyncio.create_task(newest.run("9", lambda: work("first")))
        await asyncio.to_thread(started.wait, 20)
        names = [("9", "second"), ("9", "third"), ("7", "other"), ("9", "fourth")]
        waiting = [asyncio.create_task(newest.run(key, lambda name=name: work(name))) for key, name in names]
        await asyncio.sleep(0)  # all of them have asked
        may_end.set()
        found = await asyncio.gather(first, *waiting, return_exceptions=True)
        assert newest._newest == {}, "nothing is kept of requests that have ended"
        return found

    found = asyncio.run(scenario())
    assert done == ["first", "other", "fourth"]
    assert [one if isinstance(one, str) else type(one) for one in found] == [
        "first",
        live.SupersededError,
        live.SupersededError,
        "other",
        "fourth",
    ]


def test_an_error_in_the_work_reaches_its_request_and_the_next_one_runs(live: ModuleType) -> None:
    def fails() -> None:
        raise RuntimeError("no memory")

    async def scenario() -> str:
        newest = live.NewestWins()
        with pytest.raises(RuntimeError, match="no memory"):
            await newest.run("9", fails)
        return await newest.run("9", lambda: "well")

    assert asyncio.run(scenario()) == "well"


def test_directions_without_a_calibration(live: ModuleType) -> None:
    directions = live.describe_directions(None)
    assert len(directions) == 20
    assert directions[7] == {"index": 7, "name": "λ7", "group": "other", "low": -3.0, "high": 3.0, "measured": False, "labels": []}


def test_an_image_has_the_nearest_levels(live: ModuleType) -> None:
    """Not those below, which would make every image a little darker."""
    frame = ((torch.tensor([0.4, 0.6, 1.4, 254.6]) / 127.5 - 1).expand(3, 2, 4)).contiguous()
    image = Image.open(BytesIO(live._encoded(frame, "png")))
    assert (image.format, image.mode) == ("PNG", "RGB")
    assert np.asarray(image)[1, :, 2].tolist() == [0, 1, 1, 255]
    assert Image.open(BytesIO(live._encoded(frame, "jpeg"))).format == "JPEG"


class Thing:
    """Stands for a model."""


@pytest.fixture
def core(pack: ModuleType) -> ModuleType:
    """The library as the pack sees it, whose types are its own."""
    return import_module(f"{pack.__name__}.float_core")


@pytest.fixture
def mini(core: ModuleType) -> Any:
    return core.load_model("mini")


@pytest.fixture
def identities(core: ModuleType, mini: Any) -> list[Any]:
    generator = torch.Generator().manual_seed(5)
    return [core.encode_identity(mini, torch.rand(1, 3, 256, 256, generator=generator) * 2 - 1) for _ in range(2)]


def motion_for(core: ModuleType, identity: Any, frames: int = 60) -> Any:
    """As sampled for it."""
    size = identity.motion.shape[1]
    return core.MotionSequence(torch.randn(1, frames, size, generator=torch.Generator().manual_seed(6)), 25.0, identity.motion.clone())


def test_a_run_is_remembered_as_long_as_comfyui_keeps_it(live: ModuleType, core: ModuleType) -> None:
    model, given, identity = Thing(), core.MotionSequence(torch.zeros(1, 4, 8), 25.0), Thing()
    live.remember_run("9", model, given, identity, ())
    subject = live.last_run("9")
    assert (subject.model, subject.motion, subject.identity) == (model, given, identity)
    with pytest.raises(live.NoRunError, match="press Run"):
        live.last_run("10")
    del subject, given
    gc.collect()
    for _ in range(2):
        with pytest.raises(live.NoRunError, match="again"):
            live.last_run("9")
    other = core.MotionSequence(torch.zeros(1, 4, 8), 25.0)
    live.remember_run("10", model, other, None, ())
    assert set(live._runs) == {"10"}, "what is gone is not kept in mind for ever"


def test_whoever_is_moved_is_known_whatever_becomes_of_the_motion(
    live: ModuleType, core: ModuleType, mini: Any, identities: list[Any], tmp_path: Path
) -> None:
    """By the library's own functions: no node has to pass anything on."""
    mine, other = identities
    live.remember_identity(mine)
    live.remember_identity(other)
    motion, second = motion_for(core, mine), motion_for(core, other)
    kept = {
        "edited": core.edit_motion(mini, motion, [core.MotionEdit(0, 1.0)], outside_scale=0.5),
        "trimmed": core.trim_motion(motion, 0.4, 1.6),
        "joined with its own": core.join_motions(motion, core.trim_motion(motion, 0.4)),
        "looped": core.loop_motion(motion, repeats=2),
        "stretched": core.stretch_motion(motion, 0.7),
        "resampled": core.resample_motion(motion, 30),
        "mixed": core.mix_motions(motion, second, 0.3),
        "with the other's head": core.take_directions(mini, motion, second, (0, 1)),
        "mirrored": core.mirror_motion(mini, motion),
        "smoothed": core.smooth_motion(mini, motion, 0.1),
        "repaired": core.repair_seams(motion),
    }
    assert {name for name, changed in kept.items() if live.identity_of(changed) is not mine} == set()
    assert live.identity_of(core.retarget_motion(mini, motion, other)) is other
    assert live.identity_of(core.join_motions(motion, second)) is None, "of two faces it is nobody's"
    saved = core.save_motion(tmp_path / "motion.safetensors", mini, motion)
    assert live.identity_of(core.load_motion(saved, mini)) is mine, "a file is known again while its portrait is there"
    assert live.identity_of(core.MotionSequence(motion.latents, 25.0)) is None


def test_an_identity_is_not_kept_in_memory(live: ModuleType, core: ModuleType, identities: list[Any]) -> None:
    live.remember_identity(identities[0])
    motion = motion_for(core, identities[0])
    identities.clear()
    gc.collect()
    assert live.identity_of(motion) is None


def test_the_oldest_node_is_forgotten(live: ModuleType, core: ModuleType) -> None:
    model, given = Thing(), core.MotionSequence(torch.zeros(1, 4, 8), 25.0)
    for node in range(live.MOST_NODES + 5):
        live.remember_run(str(node), model, given, None, ())
    assert len(live._runs) == live.MOST_NODES
    with pytest.raises(live.NoRunError):
        live.last_run("4")
    assert live.last_run("5").motion is given


def test_runs_and_requests_may_come_at_the_same_time(live: ModuleType, core: ModuleType) -> None:
    """One thread runs prompts, others answer requests: none may see the other's work half done."""
    model, motions = Thing(), [core.MotionSequence(torch.zeros(1, 4, 8), 25.0) for _ in range(200)]
    identity = core.SourceIdentity(torch.zeros(1, 8), torch.zeros(1, 2), torch.ones(1, 8), ())
    asked = core.MotionSequence(torch.zeros(1, 4, 8), 25.0, torch.ones(1, 8))
    live.remember_identity(identity)
    failed: list[BaseException] = []

    def run(first: int) -> None:
        try:
            for number, motion in enumerate(motions):
                live.remember_run(str((first + number) % 90), model, motion, None, ())
                live.remember_identity(core.SourceIdentity(torch.zeros(1, 8), torch.zeros(1, 2), torch.zeros(1, 8), ()))
                assert live.identity_of(asked) is identity
        except BaseException as error:  # noqa: BLE001 (of a thread)
            failed.append(error)

    threads = [threading.Thread(target=run, args=(10 * number,)) for number in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert failed == []
