"""The bundled model on the sample portrait and voice: what its card promises, on the shortest clip that shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import float_core
from float_core import AudioClip, MotionEdit, MotionSequence, SamplingOptions
from float_core import evaluation as metrics
from float_core.synthetic.rig import index

ASSETS = Path(__file__).parents[2] / "assets"
MODEL = Path(float_core.__file__).parent / "models" / "mini.safetensors"


@pytest.fixture(scope="module")
def model():
    return float_core.load_model("mini")


@pytest.fixture(scope="module")
def clip():
    whole = float_core.read_audio(ASSETS / "voice.wav")
    return AudioClip(whole.waveform[: 3 * whole.sample_rate], whole.sample_rate)


@pytest.fixture(scope="module")
def identity(model):
    image = float_core.prepare_image(float_core.read_image(ASSETS / "portrait.jpg"), model.config.autoencoder.size).image
    return image, float_core.encode_identity(model, image)


@pytest.fixture(scope="module")
def motion(model, identity, clip):
    return float_core.sample_motion(model, identity[1], float_core.encode_audio(model, clip), float_core.choose_emotion("neutral"))


def render(model, identity, motion):
    return torch.cat([chunk.frames for chunk in float_core.render_frames(model, identity, motion)])


def test_it_is_small_and_says_what_it_is(model):
    assert MODEL.stat().st_size <= 20e6
    assert model.config.name == "mini" and model.config == float_core.PRESETS["mini"]
    assert "Apache-2.0" in model.provenance.license
    assert not model.has("emotion")
    assert (MODEL.parent / "mini.md").exists()


def test_the_portrait_is_rebuilt_from_its_own_motion(model, identity):
    image, source = identity
    frame = render(model, source, MotionSequence(source.motion[:, None], 25.0))
    assert metrics.psnr(frame, image) >= 24


def test_the_mouth_follows_the_voice_and_rests_in_silence(model, identity, clip, motion):
    frames = motion.latents.shape[1]
    samples = clip.waveform[: frames * clip.sample_rate // 25].reshape(frames, -1)
    loudness = samples.square().mean(1).sqrt()
    opening = (motion.latents[0] @ model.basis)[:, [index("jaw_open"), index("lips_part")]].sum(1)
    assert torch.corrcoef(torch.stack((loudness, opening)))[0, 1] > 0.3
    silence = float_core.encode_audio(model, AudioClip(torch.zeros(2 * 16000), 16000))
    rest = float_core.sample_motion(model, identity[1], silence, float_core.choose_emotion("neutral"))
    resting = (rest.latents[0, 10:] @ model.basis)[:, index("jaw_open")]
    assert resting.mean() < 0.5 * (motion.latents[0] @ model.basis)[:, index("jaw_open")].mean()
    assert resting.std() < (motion.latents[0] @ model.basis)[:, index("jaw_open")].std()


def test_the_face_moves_and_the_background_does_not(model, identity, motion):
    frames = render(model, identity[1], MotionSequence(motion.latents[:, ::3], 25.0))
    moving = frames.std(0).mean(0)
    size = model.config.autoencoder.size
    corner, mouth = moving[: size // 6, : size // 6], moving[int(0.55 * size) : int(0.72 * size), int(0.38 * size) : int(0.64 * size)]
    assert corner.mean() < 0.02
    assert mouth.mean() > 3 * corner.mean()


def test_an_open_jaw_is_seen_at_the_mouth(model, identity):
    _, source = identity
    still = MotionSequence(source.motion[:, None], 25.0)
    opened = float_core.edit_motion(model, still, [MotionEdit(index("jaw_open"), 2.0)])
    change = (render(model, source, opened) - render(model, source, still)).abs().mean((0, 1))
    size = len(change)
    assert change[int(0.55 * size) : int(0.85 * size), int(0.3 * size) : int(0.7 * size)].mean() > 4 * change[: size // 3].mean()


def test_the_seed_decides_everything(model, identity, clip):
    audio, emotion = float_core.encode_audio(model, clip), float_core.choose_emotion("happy")
    first, again, other = (float_core.sample_motion(model, identity[1], audio, emotion, SamplingOptions(seed=s)).latents for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_emotions_look_different(model, identity, clip):
    audio = float_core.encode_audio(model, clip)
    happy, sad = (
        (float_core.sample_motion(model, identity[1], audio, float_core.choose_emotion(name)).latents[0] @ model.basis).mean(0)
        for name in ("happy", "sad")
    )
    assert happy[index("smile")] > sad[index("smile")] + 0.3
