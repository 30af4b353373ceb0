"""IMAGE and AUDIO to float_core's types, and back."""

from __future__ import annotations

import importlib
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture(scope="module")
def conversions(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.nodes.conversions")


@pytest.fixture(scope="module")
def core(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.float_core")


def test_without_comfyui_the_pack_has_no_nodes(pack: ModuleType) -> None:
    assert pack.WEB_DIRECTORY == "./web"
    assert not hasattr(pack, "comfy_entrypoint")
    assert not hasattr(pack, "NODE_CLASS_MAPPINGS")


def test_every_level_of_an_image_survives(conversions: ModuleType) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    image = torch.from_numpy(levels).float() / 255
    assert np.array_equal(conversions.image_to_pixels(image), levels[0])
    assert np.array_equal(conversions.image_to_pixels(image.half()), levels[0])


def test_of_several_images_the_first_is_taken_and_left_as_it_is(conversions: ModuleType) -> None:
    image = torch.stack([torch.full((4, 6, 4), 1.5), torch.zeros(4, 6, 4)])
    before = image.clone()
    pixels = conversions.image_to_pixels(image)
    assert pixels.shape == (4, 6, 4)
    assert (pixels == 255).all()
    assert torch.equal(image, before)


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (1, 4, 4, 1), (4, 4, 3)])
def test_what_is_no_image_is_refused(conversions: ModuleType, core: ModuleType, shape: tuple[int, ...]) -> None:
    with pytest.raises(core.ImageError, match="shape"):
        conversions.image_to_pixels(torch.zeros(shape))


def test_frames_become_an_image(conversions: ModuleType) -> None:
    frames = torch.tensor([-1.0, 0.0, 1.0]).reshape(1, 3, 1, 1).expand(2, 3, 4, 5)
    image = conversions.frames_to_image(frames)
    assert image.shape == (2, 4, 5, 3)
    assert torch.equal(image[1, 2, 3], torch.tensor([0.0, 0.5, 1.0]))


def test_an_image_becomes_the_same_frames_again(conversions: ModuleType) -> None:
    frames = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert torch.allclose(conversions.image_to_frames(conversions.frames_to_image(frames)), frames, atol=1e-6)


def test_a_crop_goes_through_an_image_unchanged(conversions: ModuleType) -> None:
    levels = torch.randint(0, 256, (1, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    image = conversions.frames_to_image(levels / 127.5 - 1)
    assert np.array_equal(conversions.image_to_pixels(image), levels[0].movedim(0, 2).numpy())


def test_the_first_audio_is_mixed_to_one_channel(conversions: ModuleType) -> None:
    waveform = torch.tensor([[[1.0, 0.0, 0.5], [0.0, 0.0, 0.5]], [[9.0, 9.0, 9.0], [9.0, 9.0, 9.0]]])
    clip = conversions.audio_to_clip({"waveform": waveform, "sample_rate": 44100})
    assert clip.sample_rate == 44100
    assert torch.equal(clip.waveform, torch.tensor([0.5, 0.0, 0.5]))


def test_a_voice_is_heard_wherever_its_channel_is(conversions: ModuleType) -> None:
    voice, silence = torch.sin(torch.arange(16000) / 9), torch.zeros(16000)
    for channels in ([voice, silence], [silence, silence, voice, silence, silence, silence]):
        clip = conversions.audio_to_clip({"waveform": torch.stack(channels)[None], "sample_rate": 16000})
        assert torch.allclose(clip.waveform, voice)
    with pytest.warns(UserWarning, match="cancel each other"):
        clip = conversions.audio_to_clip({"waveform": torch.stack([voice, -voice])[None], "sample_rate": 16000})
    assert torch.allclose(clip.waveform, voice)


def test_a_video_gets_all_channels(conversions: ModuleType, core: ModuleType, tmp_path: Path) -> None:
    pair = torch.stack([torch.sin(torch.arange(16000) / 9), torch.zeros(16000)])
    track = conversions.audio_to_track({"waveform": pair[None], "sample_rate": 16000})
    assert torch.equal(track.waveform, pair) and conversions.clip_seconds(track) == 1
    path = core.write_video(tmp_path / "v.mp4", [core.FrameChunk(torch.zeros(25, 3, 32, 32), 0)], fps=25, audio=track)
    assert core.open_audio(path).channels == 2


def test_no_audio_is_said_clearly(conversions: ModuleType, core: ModuleType) -> None:
    with pytest.raises(core.AudioError, match="no audio"):
        conversions.audio_to_clip(None)
    with pytest.raises(core.AudioError, match=r"\(1, 2, 0\)"):
        conversions.audio_to_clip({"waveform": torch.zeros(1, 2, 0), "sample_rate": 16000})


def test_a_drawing_becomes_an_image(conversions: ModuleType) -> None:
    drawing = Image.new("RGBA", (5, 3), (255, 51, 0, 255))
    image = conversions.drawing_to_image(drawing)
    assert image.shape == (1, 3, 5, 3)
    assert torch.allclose(image[0, 2, 4], torch.tensor([1.0, 0.2, 0.0]))


def test_audio_lasts_exactly_as_long_as_its_samples(conversions: ModuleType, core: ModuleType) -> None:
    assert conversions.clip_seconds(core.AudioClip(torch.zeros(22051), 22050)) == Fraction(22051, 22050)
    assert conversions.clip_seconds(None) is None


def test_one_emotion_is_shown_without_a_course(conversions: ModuleType, core: ModuleType) -> None:
    shown = conversions.emotion_bars(core.choose_emotion("happy"), 25.0)
    assert shown["names"][3] == "happy"
    assert shown["probabilities"] == [0, 0, 0, 1, 0, 0, 0]
    assert (shown["times"], shown["rows"]) == ([], [])


def test_the_course_of_an_emotion_is_thinned_out_evenly(conversions: ModuleType, core: ModuleType) -> None:
    share = torch.linspace(0, 1, 1001)
    emotion = core.EmotionCondition(torch.stack([share, *[torch.zeros(1001)] * 5, 1 - share], dim=-1)[None])
    shown = conversions.emotion_bars(emotion, 25.0)
    assert len(shown["times"]) == len(shown["rows"]) == 200
    assert (shown["times"][0], shown["times"][-1]) == (0.0, pytest.approx(40.0))
    assert [row[0] for row in shown["rows"]] == pytest.approx([time / 40 for time in shown["times"]], abs=1e-6)
    assert shown["probabilities"][0] == pytest.approx(0.5)


def test_moved_takes_all_tensors_along(conversions: ModuleType, core: ModuleType) -> None:
    identity = core.SourceIdentity(
        torch.zeros(1, 4), torch.zeros(1, 2), torch.zeros(1, 4), (torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 16, 16))
    )
    there = conversions.moved(identity, torch.device("meta"))
    assert {tensor.device.type for tensor in (there.latent, there.coefficients, there.motion, *there.skips)} == {"meta"}
    assert identity.latent.device.type == "cpu"
    emotion = core.EmotionCondition(torch.zeros(1, 1, 7))
    assert conversions.moved(emotion, torch.device("cpu")).names == emotion.names
