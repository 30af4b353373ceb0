"""One server for each ComfyUI checkout, one at a time, and a last line that says how many tests ran."""

from __future__ import annotations

import json
import wave
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .checkouts import find_checkouts
from .comfy_server import REPOSITORY, ComfyServer, Json, node
from .convert_workflow import to_prompt

if TYPE_CHECKING:
    from float_core.config import AutoencoderConfig

CHECKOUTS = find_checkouts()
NEEDED = ("aiohttp", "alembic", "av", "comfyui_frontend_package", "torchsde")
OTHER_PACKS = [Path(__file__).parent / name for name in ("list_nodes", "probe_nodes")]  # another maker's, and one that looks inside
UNTRAINED, TINY = "untrained.safetensors", "tiny.safetensors"
TINY_SIZE = 128  # of an image of the tiny model, which draws long clips in seconds
TINY_WAV2VEC2 = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
}
SHORT_SECONDS, LONG_SECONDS = 0.6, 40.0
_counts = {"ran": 0, "failed": 0}


def why_not() -> str:
    """Why no test can run, or ''."""
    if not CHECKOUTS:
        return "no ComfyUI found; set COMFYUI_DIR, or clone one to ~/.cache/float-portrait/comfyui-..."
    missing = [name for name in NEEDED if find_spec(name) is None]
    return f"{', '.join(missing)} not installed; run tests/comfyui/install_requirements.py" if missing else ""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.nodeid.startswith("tests/comfyui/"):
        _counts["ran"] += report.when == "call" and not report.skipped
        _counts["failed"] += report.failed


def pytest_unconfigure(config: pytest.Config) -> None:
    """The very last line: after pytest's own summary, so that nobody misses it."""
    ran, failed = _counts["ran"], _counts["failed"]
    versions = " and ".join(checkout.version for checkout in CHECKOUTS)
    line = f"COMFYUI TESTS: {ran} ran, {failed} failed, with ComfyUI {versions}"
    if not ran:
        line = f"COMFYUI TESTS DID NOT RUN: {why_not() or ('see the errors above' if failed else 'none was selected')}"
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(line, green=bool(ran and not failed), red=not ran or bool(failed), bold=True)


def save_untrained_model(path: Path, autoencoder: AutoencoderConfig | None = None) -> None:
    """The bundled model's architecture, or another auto-encoder's, with random weights that move visibly, and a small emotion network."""
    import torch

    from float_core import PRESETS, EmotionConfig, FloatModel, Provenance, save_model
    from float_core.audio.compact_encoder import CompactAudioEncoder
    from float_core.audio.speech_emotion import SpeechEmotionClassifier
    from float_core.motion_autoencoder.autoencoder import MotionAutoencoder
    from float_core.motion_flow.transformer import FlowMatchingTransformer

    bundled = PRESETS["mini"]
    emotion_config = EmotionConfig(json.dumps(TINY_WAV2VEC2))
    config = replace(bundled, autoencoder=autoencoder or bundled.autoencoder, emotion=emotion_config)
    torch.manual_seed(0)
    networks = {
        "autoencoder": MotionAutoencoder(config.autoencoder),
        "transformer": FlowMatchingTransformer(config.transformer),
        "audio_encoder": CompactAudioEncoder(config.audio),
    }
    emotion = SpeechEmotionClassifier(config.emotion)
    torch.nn.init.normal_(emotion.wav2vec2_for_emotion.classifier.out_proj.weight)  # so that it hears differences
    model = FloatModel(config, Provenance("untrained", "", "test", "test"), **networks, emotion_loader=lambda: emotion)
    save_model(model, path, license="none: random numbers")


def tiny_autoencoder() -> AutoencoderConfig:
    """Of the bundled model's latent size, and quick."""
    from float_core import PRESETS
    from float_core.config import AutoencoderConfig

    bundled = PRESETS["mini"].autoencoder
    assert bundled is not None
    return AutoencoderConfig(size=TINY_SIZE, latent_size=bundled.latent_size, channels=(16, 16, 16, 16, 8, 8))


def write_voice(path: Path, seconds: float) -> None:
    """The beginning of the sample voice, repeated where it is too short."""
    with wave.open(str(REPOSITORY / "assets" / "voice.wav")) as source, wave.open(str(path), "wb") as target:
        target.setparams(source.getparams())
        recording = source.readframes(source.getnframes())
        wanted = int(seconds * source.getframerate()) * source.getsampwidth() * source.getnchannels()
        target.writeframes((recording * (wanted // len(recording) + 1))[:wanted])


@pytest.fixture(scope="session", params=CHECKOUTS, ids=lambda checkout: checkout.version)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyServer]:
    """A running ComfyUI with this pack, an untrained model in models/float, and two voices in its input folder."""
    if why_not():
        pytest.skip(why_not())
    base = tmp_path_factory.mktemp("comfyui")
    save_untrained_model(base / "models" / "float" / UNTRAINED)
    save_untrained_model(base / "models" / "float" / TINY, tiny_autoencoder())
    (base / "input").mkdir()
    write_voice(base / "input" / "short.wav", SHORT_SECONDS)
    write_voice(base / "input" / "long.wav", LONG_SECONDS)
    starting = ComfyServer(request.param, base)
    for pack in OTHER_PACKS:
        (base / "custom_nodes" / pack.name).symlink_to(pack, target_is_directory=True)
    with starting as running:
        yield running


@pytest.fixture
def talk(server: ComfyServer) -> Json:
    """The shipped workflow as a prompt by node class, with a short voice."""
    workflow = json.loads((REPOSITORY / "workflows" / "talk.json").read_text())
    prompt = to_prompt(workflow, server.object_info)
    node(prompt, "LoadAudio")["audio"] = "short.wav"
    return prompt


@pytest.fixture
def sampled(talk: Json) -> Json:
    """The same as far as the sampled motion: no edit, and nothing is drawn."""
    return {key: part for key, part in talk.items() if part["class_type"] not in ("LambdaEdit", "DecodeVideo", "SaveVideo")}


@pytest.fixture
def tiny(talk: Json) -> Json:
    """The workflow with the tiny model."""
    node(talk, "LoadFLOAT")["model"] = TINY
    return talk
