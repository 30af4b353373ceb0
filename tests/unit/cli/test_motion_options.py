"""The command line's motion options for real: a tiny random model, an image, audio. Every option must change the frames."""

import math
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import float_core
from float_core.audio.compact_encoder import CompactAudioEncoder
from float_core.cli.main import main
from float_core.cli.options import frame_rate
from float_core.config import AutoencoderConfig, CompactAudioConfig, ModelConfig, TransformerConfig
from float_core.motion_autoencoder.autoencoder import MotionAutoencoder
from float_core.motion_flow.transformer import FlowMatchingTransformer
from float_core.types import Calibration, DirectionCalibration, DirectionLabel, FloatModel, Provenance
from tests.second_opinion import probe

AUTOENCODER = AutoencoderConfig(size=16, latent_size=12, basis_size=4, channels=(8, 8, 6))
TRANSFORMER = TransformerConfig(latent_size=12, audio_size=5, hidden_size=16, depth=1, heads=2, window=10, preceding=3, frequency_size=8)
AUDIO = CompactAudioConfig(feature_size=5, mel_bands=16, width=8)
SAMPLES = 12345  # at 16 kHz: 19.3 frames of 25 fps, 46.3 of 60
OPTIONS = {"--emotion-timeline", "--preset", "--edits", "--fps", "--motion", "--save-motion"}


def tiny_model(seed: int = 7) -> FloatModel:
    torch.manual_seed(seed)
    parts = (MotionAutoencoder(AUTOENCODER).eval(), FlowMatchingTransformer(TRANSFORMER).eval(), CompactAudioEncoder(AUDIO).eval())
    for part in parts[1:]:
        for parameter in part.parameters():
            parameter.data.normal_(std=0.3)
    return FloatModel(
        ModelConfig("tiny", AUTOENCODER, TRANSFORMER, AUDIO),
        Provenance("tiny", "", "own", "Apache-2.0"),
        autoencoder=parts[0],
        transformer=parts[1],
        audio_encoder=parts[2],
        basis_tensor=parts[0].basis().detach(),
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """plain.safetensors; tiny.safetensors with a calibration; other.safetensors of another basis; face.png, other.png, voice.wav, texts."""
    folder = tmp_path_factory.mktemp("cli")
    model = tiny_model()
    for name in ("plain", "tiny"):
        float_core.save_model(model, folder / f"{name}.safetensors", dtype=torch.float32, license="Apache-2.0")
    yaw = DirectionCalibration((DirectionLabel("yaw", "head", 1.0, 10.0, "degrees"),), 0.9, -1.0, 1.0, 0.5)
    none = DirectionCalibration((), 0.0, -1.0, 1.0, 0.5)
    mirror = tuple(tuple(float(i == k) for k in range(4)) for i in range(4))
    calibration = Calibration(float_core.calibration.basis_fingerprint(model.basis), (yaw, none, none, none), mirror, "by hand")
    float_core.calibration.save_calibration(calibration, float_core.calibration.calibration_path(folder / "tiny.safetensors"))
    float_core.save_model(tiny_model(8), folder / "other.safetensors", dtype=torch.float32, license="Apache-2.0")
    for seed, name in enumerate(("face", "other")):
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(folder / f"{name}.png")
    seconds = np.arange(SAMPLES) / 16000
    with wave.open(str(folder / "voice.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((np.sin(2 * np.pi * (150 + 90 * seconds) * seconds) * 20000).astype("<i2").tobytes())
    (folder / "edits.json").write_text('[{"direction": 1, "offset": 2, "start": 0.4, "ease": 0.1}]')
    (folder / "feelings.txt").write_text("0 neutral\n0.7 angry\n")
    return folder


@pytest.fixture
def animate(files, tmp_path, monkeypatch, capsys):
    """Runs `animate` and gives the frames as they went to the video writer; `animate.out` is the video, `animate.err` what was said."""
    written: list[torch.Tensor] = []
    write_video = float_core.write_video

    def spy(path, chunks, **named):
        return write_video(path, (written.append(chunk.frames.clone()) or chunk for chunk in chunks), **named)

    monkeypatch.setitem(float_core.__dict__, "write_video", spy)

    def run(*options: str, model: str = "tiny", face: str = "face", status: int = 0) -> torch.Tensor:
        written.clear()
        run.out = tmp_path / "talk.mp4"
        arguments = [str(files / f"{face}.png"), str(files / "voice.wav"), "--model", str(files / f"{model}.safetensors"), "--no-crop"]
        found = main(["animate", *arguments, "-o", str(run.out), "--device", "cpu", *options])
        run.err = capsys.readouterr().err
        assert found == status, run.err
        return torch.cat(written) if written else torch.empty(0)

    return run


def changed_frames(a: torch.Tensor, b: torch.Tensor) -> list[int]:
    assert a.shape == b.shape
    return [i for i in range(len(a)) if not torch.equal(a[i], b[i])]


def test_this_file_knows_the_options():
    from argparse import ArgumentParser

    from float_core.cli.motion_options import add_edit_options, add_sampling_options

    parser = ArgumentParser()
    add_sampling_options(parser)
    add_edit_options(parser)
    assert {option for action in parser._actions for option in action.option_strings} >= OPTIONS


def test_edits_from_a_file(animate, files):
    plain = animate()
    assert changed_frames(plain, animate("--edits", str(files / "edits.json"))) == list(range(11, 20))  # from 0.4 s on, where the ease is 0
    both = animate("--edits", str(files / "edits.json"), "--edit", "0=1")
    assert changed_frames(animate("--edit", "0=1"), both) == list(range(11, 20))


def test_a_preset(animate):
    plain, lively = animate(), animate("--preset", "lively")
    assert changed_frames(plain, lively) == list(range(20))
    assert "note: lively: changes yaw (λ0)." in animate.err
    animate("--preset", "calm", model="plain", status=2)
    assert "no calibration. Make one: python -m float_core calibrate" in animate.err


def test_an_emotion_timeline(animate, files):
    neutral = animate("--emotion", "neutral", "--emotion-guidance", "3")
    turning = animate("--emotion-timeline", str(files / "feelings.txt"), "--emotion-guidance", "3")  # from 0.45 s on, in the second window
    difference = (turning - neutral).abs().amax((1, 2, 3))
    assert float(difference[:10].max()) < 1e-5 and float(difference[10:].max()) > 1e-3


@pytest.mark.parametrize(("rate", "frames"), [("60", 47), ("29.97", 24), ("10", 8), ("120", 93), ("24000/1001", 19)])
def test_frame_rates(animate, rate, frames):
    expected = {"29.97": Fraction(30000, 1001)}.get(rate) or Fraction(rate)
    assert math.ceil(Fraction(SAMPLES, 16000) * expected) == frames
    assert len(animate("--fps", rate)) == frames
    video = probe(animate.out)
    assert video.frames == frames and video.fps == pytest.approx(float(expected), abs=0.01)


def test_its_own_rate_changes_nothing(animate):
    assert changed_frames(animate(), animate("--fps", "25")) == []


def test_a_kept_motion_gives_the_same_frames(animate, files, tmp_path):
    file = tmp_path / "take.safetensors"
    edited = animate("--edits", str(files / "edits.json"), "--save-motion", str(file))
    assert file.is_file() and f"note: the motion is in {file}" in animate.err
    assert changed_frames(edited, animate("--edits", str(files / "edits.json"))) == []
    assert changed_frames(edited, animate("--motion", str(file))) == []
    assert len(changed_frames(animate("--seed", "5"), edited)) == 20
    assert len(animate("--motion", str(file), "--fps", "60")) == 47


def test_a_motion_of_another_length_and_rate_is_fitted_to_the_voice(animate, files, tmp_path):
    model = float_core.load_model(files / "tiny.safetensors")
    for frames, fps, expected in ((7, 25.0, 20), (90, 25.0, 20), (30, 30.0, 24)):
        motion = float_core.MotionSequence(torch.randn(1, frames, 12, generator=torch.Generator().manual_seed(0)), fps)
        float_core.save_motion(tmp_path / "m.safetensors", model, motion)
        assert len(animate("--motion", str(tmp_path / "m.safetensors"))) == expected
        assert probe(animate.out).fps == fps
        assert ("note: the audio lasts 0.77 s and the motion 0.28 s" in animate.err) == (frames == 7)


def test_a_motion_without_a_portrait_is_put_on_this_one(animate, files, tmp_path):
    """As it was sampled for nobody, or joined from several."""
    model = float_core.load_model(files / "tiny.safetensors")
    motion = float_core.MotionSequence(torch.randn(1, 20, 12, generator=torch.Generator().manual_seed(0)), 25.0)
    float_core.save_motion(tmp_path / "m.safetensors", model, motion)
    found = animate("--motion", str(tmp_path / "m.safetensors"))
    identity = float_core.encode_identity(model, float_core.prepare_image(float_core.read_image(files / "face.png"), 16, crop=None).image)
    moved = float_core.retarget_motion(model, motion, identity)
    assert not torch.allclose(moved.latents, motion.latents, atol=1e-3)
    expected = torch.cat([chunk.frames for chunk in float_core.render_frames(model, identity, moved)])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_kept_motion_is_put_on_another_portraits_pose(animate, files, tmp_path):
    file = tmp_path / "take.safetensors"
    animate("--save-motion", str(file))
    found = animate("--motion", str(file), face="other")
    model = float_core.load_model(files / "tiny.safetensors")
    image = float_core.prepare_image(float_core.read_image(files / "other.png"), 16, crop=None).image
    identity = float_core.encode_identity(model, image)
    moved = float_core.retarget_motion(model, float_core.load_motion(file, model), identity)
    expected = torch.cat([chunk.frames for chunk in float_core.render_frames(model, identity, moved)])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_motion_of_another_model_is_refused(animate, tmp_path):
    file = tmp_path / "take.safetensors"
    animate("--save-motion", str(file))
    animate("--motion", str(file), model="other", status=2)
    assert "another basis" in animate.err.splitlines()[-1] and animate.err.splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--motion", "x.safetensors", "--seed", "3"], "--seed would do nothing"),
        (["--motion", "x.safetensors", "--emotion", "happy", "--released"], "--emotion, --released would do nothing"),
        (["--motion", "{files}/none.safetensors"], "none.safetensors: No such file"),
        (["--motion", "{files}/voice.wav"], "not a safetensors file"),
        (["--motion", "{files}/tiny.safetensors"], "not a motion file"),
        (["--save-motion", "take.pt"], "ends in .safetensors"),
        (["--edits", "{files}/none.json"], "none.json: No such file"),
        (["--edits", "{files}/feelings.txt"], "not JSON"),
        (["--edits", "{files}/face.png"], "not a text file"),
        (["--emotion-timeline", "{files}/edits.json"], "line 1 of the emotion timeline"),
        (["--edit", "4=1"], "expected a whole number from 0 to 3"),
    ],
)
def test_mistakes_are_one_line_and_status_2(animate, files, options, says):
    assert len(animate(*(text.format(files=files) for text in options), status=2)) == 0
    errors = [line for line in animate.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and says in errors[0]
    assert not animate.out.exists()


def test_frame_rates_as_text():
    assert [frame_rate(text) for text in ("25", "29.97", "30000/1001")] == [25, Fraction(30000, 1001), Fraction(30000, 1001)]


@pytest.mark.parametrize(
    "options",
    [["--fps", rate] for rate in ("9", "121", "fast", "nan", "30/0", "1e2", "1e999999999", "-25")]
    + [["--preset", "wild"], ["--emotion", "happy", "--emotion-timeline", "x"]],
)
def test_texts_that_cannot_be_read(capsys, options):
    with pytest.raises(SystemExit, match="2"):
        main(["animate", "me.png", "me.wav", *options])
    assert options[0] in capsys.readouterr().err
