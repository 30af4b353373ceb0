"""The command line for real: a tiny random model in a file, an image, audio, a video. Every option must change the frames."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

import float_core
from float_core.audio.compact_encoder import CompactAudioEncoder
from float_core.audio.speech_emotion import SpeechEmotionClassifier
from float_core.audio.wav2vec2_encoder import Wav2Vec2AudioEncoder
from float_core.cli.main import main
from float_core.config import AutoencoderConfig, CompactAudioConfig, EmotionConfig, ModelConfig, TransformerConfig, Wav2Vec2AudioConfig
from float_core.motion_autoencoder.autoencoder import MotionAutoencoder
from float_core.motion_flow.transformer import FlowMatchingTransformer
from float_core.types import FloatModel, Provenance
from tests.second_opinion import probe

ROOT = Path(__file__).resolve().parents[3]
PORTRAIT, VOICE = ROOT / "assets" / "portrait.jpg", ROOT / "assets" / "voice.wav"
FACE = "175,60,290,210"  # in the sample portrait
NETWORK = json.dumps(
    {
        "conv_dim": [16] * 7,
        "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
        "conv_stride": [5, 2, 2, 2, 2, 2, 2],
        "hidden_size": 32,
        "intermediate_size": 32,
        "model_type": "wav2vec2",
        "num_attention_heads": 2,
        "num_conv_pos_embedding_groups": 4,
        "num_conv_pos_embeddings": 16,
        "num_hidden_layers": 2,
    }
)
AUTOENCODER = AutoencoderConfig(size=64, latent_size=16, basis_size=4, channels=(16, 16, 12, 8, 8))
TRANSFORMER = TransformerConfig(latent_size=16, audio_size=12, hidden_size=32, depth=2, heads=2, window=20, preceding=5, frequency_size=32)


def random_network(network: nn.Module, seed: int) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.data.normal_(std=0.25, generator=generator)
    return network.eval().requires_grad_(False)


def tiny_model(audio) -> FloatModel:
    encoder = Wav2Vec2AudioEncoder if isinstance(audio, Wav2Vec2AudioConfig) else CompactAudioEncoder
    autoencoder = random_network(MotionAutoencoder(AUTOENCODER), 1)
    return FloatModel(
        ModelConfig("tiny", AUTOENCODER, TRANSFORMER, audio),
        Provenance("tiny", "", "own", "Apache-2.0"),
        autoencoder=autoencoder,
        transformer=random_network(FlowMatchingTransformer(TRANSFORMER), 2),
        audio_encoder=random_network(encoder(audio), 3),
        basis_tensor=autoencoder.basis(),
    )


def write_network_folder(folder: Path, network: nn.Module) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(NETWORK)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """tiny.safetensors; wav2vec2.safetensors without its wav2vec2 and two folders `audio0`, `audio1` that have one; folders
    `emotion0`, `emotion1`; face.png, two_sizes.png, voice.wav (2 s)."""
    folder = tmp_path_factory.mktemp("cli")
    float_core.save_model(
        tiny_model(CompactAudioConfig(12, 16, 16)), folder / "tiny.safetensors", dtype=torch.float32, license="Apache-2.0"
    )
    wav2vec2 = tiny_model(Wav2Vec2AudioConfig(NETWORK, projection_size=64, feature_size=12))
    whole = float_core.save_model(wav2vec2, folder / "whole.safetensors", dtype=torch.float32, license="Apache-2.0")
    with safe_open(whole, "pt") as opened:
        rest = {name: opened.get_tensor(name) for name in opened.keys() if "audio_encoder.wav2vec2." not in name}  # noqa: SIM118
        save_file(rest, folder / "wav2vec2.safetensors", metadata=opened.metadata())
    for seed in (0, 1):
        write_network_folder(folder / f"audio{seed}", random_network(wav2vec2.audio_encoder, seed).wav2vec2)
        emotion = random_network(SpeechEmotionClassifier(EmotionConfig(NETWORK)), 10 + seed)
        write_network_folder(folder / f"emotion{seed}", emotion.wav2vec2_for_emotion)
    Image.open(PORTRAIT).save(folder / "face.png")
    seconds = np.arange(2 * 16000) / 16000
    tone = np.sin(2 * np.pi * (150 + 90 * seconds) * seconds) * (0.2 + 0.8 * np.sin(2 * np.pi * 2 * seconds) ** 2)
    with wave.open(str(folder / "voice.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((tone * 20000).astype("<i2").tobytes())
    return folder


@pytest.fixture
def frames_of(files, tmp_path, monkeypatch, capsys):
    """Runs `animate` and gives the frames as they went to the video writer."""
    written: list[torch.Tensor] = []
    sizes: list[int] = []
    write_video = float_core.write_video

    def spy(path, chunks, **named):
        def passing():
            for chunk in chunks:
                written.append(chunk.frames.clone())
                sizes.append(len(chunk.frames))
                yield chunk

        return write_video(path, passing(), **named)

    monkeypatch.setitem(float_core.__dict__, "write_video", spy)

    def run(*options: str, model: str = "tiny.safetensors", crop: tuple[str, ...] = ("--box", FACE)) -> torch.Tensor:
        written.clear()
        sizes.clear()
        out = tmp_path / "talk.mp4"
        arguments = ["animate", str(files / "face.png"), str(files / "voice.wav"), "-o", str(out), "--device", "cpu", *crop]
        assert main([*arguments, "--model", str(files / model), *options]) == 0, capsys.readouterr().err
        assert out.stat().st_size > 0
        assert capsys.readouterr().out.splitlines()[-1] == str(out)
        return torch.cat(written)

    run.sizes = sizes
    return run


def differ(a: torch.Tensor, b: torch.Tensor) -> bool:
    return float((a - b).abs().max()) > 1 / 255  # more than half a gray level


CHANGES = {
    "--seed": ["--seed", "1"],
    "--steps": ["--steps", "4"],
    "--solver": ["--solver", "midpoint"],
    "--audio-guidance": ["--audio-guidance", "4"],
    "--emotion-guidance": ["--emotion-guidance", "3", "--emotion", "angry"],
    "--noise-policy": ["--noise-policy", "same_each_window"],
    "--released": ["--released"],
    "--emotion": ["--emotion", "surprise"],
    "--emotion mix": ["--emotion", "happy=0.7,surprise=0.3"],
    "--edit": ["--edit", "0=+1.5"],
    "--emotion-model": ["--emotion-model", "{files}/emotion0"],
    "--dtype": ["--dtype", "bfloat16"],
}
BESIDE = {"--emotion-guidance": ["--emotion", "angry"]}  # compared with this instead of no options


@pytest.mark.parametrize("name", CHANGES)
def test_the_option_changes_the_frames(frames_of, files, name):
    options = [text.format(files=files) for text in CHANGES[name]]
    plain, changed = frames_of(*BESIDE.get(name, [])), frames_of(*options)
    assert plain.shape == changed.shape == (50, 3, 64, 64)
    assert differ(plain, changed)


def test_same_options_same_frames(frames_of):
    assert torch.equal(frames_of("--seed", "3"), frames_of("--seed", "3"))


@pytest.mark.parametrize("crop", [("--no-crop",), (), ("--box", "100,20,400,320")])
def test_the_crop_changes_the_frames(frames_of, crop):
    assert differ(frames_of(), frames_of(crop=crop))


def test_face_chooses_among_faces(frames_of, files, tmp_path, capsys):
    two = Image.new("RGB", (1024, 512), "gray")
    portrait = Image.open(PORTRAIT).convert("RGB")
    two.paste(portrait, (0, 0))
    two.paste(portrait.resize((384, 384)), (600, 60))
    two.save(tmp_path / "two.png")
    common = ["animate", str(tmp_path / "two.png"), str(files / "voice.wav"), "--model", str(files / "tiny.safetensors")]
    written = []
    for face in ("0", "1"):
        out = tmp_path / f"{face}.mp4"
        assert main([*common, "--face", face, "-o", str(out)]) == 0
        written.append(out.read_bytes())
    assert written[0] != written[1]
    assert main([*common, "--face", "40"]) == 2
    assert "face" in capsys.readouterr().err


def test_audio_encoder_folder(frames_of, files, capsys):
    first = frames_of("--audio-encoder", str(files / "audio0"), model="wav2vec2.safetensors")
    assert differ(first, frames_of("--audio-encoder", str(files / "audio1"), model="wav2vec2.safetensors"))
    assert main(["animate", str(files / "face.png"), str(files / "voice.wav"), "--model", str(files / "wav2vec2.safetensors")]) == 2
    assert "audio encoder" in capsys.readouterr().err


def test_emotion_folders_differ(frames_of, files):
    heard = [frames_of("--emotion-model", str(files / f"emotion{seed}"), "--emotion-guidance", "4") for seed in (0, 1)]
    assert differ(*heard)


def test_batch_size_changes_the_chunks_only(frames_of):
    plain = frames_of("--batch-size", "7")
    assert frames_of.sizes == [7] * 7 + [1]
    assert torch.allclose(plain, frames_of("--batch-size", "50"), atol=1e-4)
    assert frames_of.sizes == [50]


def test_a_image_without_a_face(files, tmp_path, capsys):
    Image.new("RGB", (200, 100), "white").save(tmp_path / "white.png")
    out = tmp_path / "out.mp4"
    status = main(
        ["animate", str(tmp_path / "white.png"), str(files / "voice.wav"), "-o", str(out), "--model", str(files / "tiny.safetensors")]
    )
    err = capsys.readouterr().err
    assert status == 2
    assert "white.png" in err and "--box" in err and "--no-crop" in err
    assert not out.exists()


@pytest.mark.parametrize(
    ("image", "audio", "model"), [("none.png", "voice.wav", "tiny"), ("face.png", "none.wav", "tiny"), ("face.png", "voice.wav", "none")]
)
def test_files_that_are_not_there(files, tmp_path, capsys, image, audio, model):
    arguments = [str(files / image), str(files / audio), "--model", str(files / f"{model}.safetensors"), "--no-crop"]
    assert main(["animate", *arguments, "-o", str(tmp_path / "out.mp4")]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and err.count("\n") == 1 and "none" in err
    assert list(tmp_path.iterdir()) == []


def test_convert_keeps_the_frames(frames_of, files, tmp_path):
    target = files / "converted.safetensors"
    source = ["convert", str(files / "wav2vec2.safetensors"), str(target), "--audio-encoder", str(files / "audio0")]
    assert main([*source, "--emotion-model", str(files / "emotion0"), "--dtype", "float32"]) == 0
    folders = ["--audio-encoder", str(files / "audio0"), "--emotion-model", str(files / "emotion0")]
    assert torch.equal(frames_of(*folders, model="wav2vec2.safetensors"), frames_of(model=target.name))
    with safe_open(target, "pt") as opened:
        assert opened.metadata()["converted_from"].startswith("wav2vec2.safetensors (sha256 ")


def start(*arguments: str, **environment: str) -> subprocess.Popen:
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    command = [sys.executable, "-m", "float_core", *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        preexec_fn=_as_from_a_terminal,
    )


def _as_from_a_terminal() -> None:
    """Signals as a program finds them there: these tests may run under nohup, or behind a script, where some are ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def test_as_a_program(files, tmp_path):
    out = tmp_path / "new folder" / "talk.mp4"
    model = ["--model", str(files / "tiny.safetensors")]
    program = start("animate", str(PORTRAIT), str(files / "voice.wav"), "-o", str(out), "--emotion", "sad", *model)
    printed, progress = program.communicate(timeout=300)
    assert program.returncode == 0, progress
    assert printed == f"{out}\n"
    assert "render 50/50" in progress and " left" in progress and "\r" not in progress
    assert "Traceback" not in progress
    assert [path.name for path in out.parent.iterdir()] == ["talk.mp4"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_nothing(files, tmp_path, number, status):
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(np.random.default_rng(0).integers(-9000, 9000, 16000 * 600).astype("<i2").tobytes())
    out = tmp_path / "out" / "talk.mp4"
    program = start(
        "animate", str(PORTRAIT), str(tmp_path / "long.wav"), "-o", str(out), "--no-crop", "--model", str(files / "tiny.safetensors")
    )
    for line in program.stderr:
        if " render " in line:
            break
    program.send_signal(number)
    pressed = time.monotonic()
    printed, rest = program.communicate(timeout=60)
    assert program.returncode == status
    assert time.monotonic() - pressed < 20
    assert (printed, rest.splitlines()[-1]) == ("", "stopped")
    assert "Traceback" not in rest
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "日本 café/łódź.mp4\n"),  # bytes in, the same bytes out
        ({"PYTHONIOENCODING": "cp1252"}, "\\u65e5\\u672c caf"),
    ],
)
def test_names_that_the_output_cannot_show(files, tmp_path, environment, shown):
    out = tmp_path / "日本 café" / "łódź.mp4"
    model = str(files / "tiny.safetensors")
    program = start("animate", str(PORTRAIT), str(files / "voice.wav"), "-o", str(out), "--no-crop", "--model", model, **environment)
    printed, said = program.communicate(timeout=300)
    assert program.returncode == 0, said
    assert out.is_file() and shown in printed
    program = start("animate", str(out), str(out / "none.wav"), "--model", model, **environment)
    printed, said = program.communicate(timeout=300)
    assert program.returncode == 2 and said.startswith("error: ") and said.count("\n") == 1


def test_help_names_every_command():
    program = start("--help")
    printed, _ = program.communicate(timeout=120)
    assert program.returncode == 0
    assert all(command in printed for command in ("animate", "convert", "download"))


def test_the_bundled_model(tmp_path):
    out = tmp_path / "talking.mp4"
    program = start("animate", str(PORTRAIT), str(VOICE), "-o", str(out), "--emotion", "happy")
    _, progress = program.communicate(timeout=600)
    assert program.returncode == 0, progress
    video, voice = probe(out), float_core.read_audio(VOICE)
    assert (video.size, video.fps, video.codec, video.audio_codec) == ((256, 256), 25, "h264", "aac")
    assert video.frames == pytest.approx(len(voice.waveform) / voice.sample_rate * 25, abs=1)


def test_make_shows_its_targets():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "make animate" in done.stdout


def test_a_model_that_is_read_is_not_written_over(files, tmp_path, capsys):
    """Refused before anything is trained, measured or converted."""
    model = tmp_path / "model.safetensors"
    model.write_bytes((files / "tiny.safetensors").read_bytes())
    commands = (
        ["convert", str(model), str(model)],
        ["train", "motion", "--data", str(tmp_path), "--autoencoder", str(model), "--out", str(tmp_path)],
        ["calibrate", str(model), "--out", str(model)],
    )
    for command in commands:
        assert main(command) == 2
        err = capsys.readouterr().err
        assert "is the same file as" in err or "ends in .json" in err
    assert model.read_bytes() == (files / "tiny.safetensors").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
