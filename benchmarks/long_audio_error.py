"""What it changes that more than a minute of audio is heard in overlapping windows, against hearing all of it at once.

    python -m benchmarks.long_audio_error [--networks small base emotion compact] [--seconds 70 120 180] [--json FILE]

The audio is the sample voice, repeated with other beginnings, levels and speeds. The networks are wav2vec2-base and -large in architecture,
a small wav2vec2, and the bundled model's encoder; the wav2vec2s have random weights, so that the figures bound the order of the error and
are not those of the released networks. "sharp": queries and keys are scaled up, so that attention picks single frames wherever in the
audio they are, which windows must miss; as initialized, it averages over everything. The error of a frame is norm(a - b) / norm(b) over its
features; for the emotion it is the largest difference of a probability.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from float_core import AudioClip, EmotionConfig, Wav2Vec2AudioConfig, load_model, read_audio
from float_core.audio import speech_emotion, wav2vec2_encoder
from float_core.audio.long_windows import WindowPlan
from float_core.audio.speech_emotion import SpeechEmotionClassifier
from float_core.audio.wav2vec2_encoder import Wav2Vec2AudioEncoder
from float_core.audio.waveform import prepare, resample, stream_audio
from float_core.config import WAV2VEC2_BASE, WAV2VEC2_LARGE

from .settings import VOICE

RATE = 16000
SMALL = json.dumps(
    json.loads(WAV2VEC2_BASE)
    | {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 128, "conv_dim": [64] * 7}
)
NETWORKS = {"small": SMALL, "base": WAV2VEC2_BASE, "emotion": WAV2VEC2_LARGE, "compact": ""}
SHARPNESS = 12.0
# What else could have been chosen: (window, overlap, fade) in seconds, and whether the group norm uses the statistics of all audio.
VARIANTS = {
    "as it is: 50 s, 5 s each side, 2 s fade": (50, 10, 2, True),
    "1 s each side": (42, 2, 2, True),
    "10 s each side": (60, 20, 2, True),
    "a cut instead of a fade": (50, 10, 0, True),
    "the window's own group norm": (50, 10, 2, False),
}


def long_voice(seconds: float) -> AudioClip:
    """The sample voice again and again, each time from elsewhere, at another level and 0.8 to 1.25 times as fast."""
    voice, generator = prepare(read_audio(VOICE), RATE)[0], torch.Generator().manual_seed(0)
    parts: list[torch.Tensor] = []
    while sum(map(len, parts)) < seconds * RATE:
        start, level, speed = torch.rand(3, generator=generator).tolist()
        varied = resample(voice.roll(int(start * len(voice))), RATE, round(RATE * 0.8 * 1.5625**speed))
        parts.append(varied * (0.3 + 0.7 * level))
    return AudioClip(torch.cat(parts)[: round(seconds * RATE)], RATE)


def random_network(name: str, sharp: bool) -> Any:
    """The encoder or classifier of that architecture, with transformers' random initialization."""
    torch.manual_seed(0)
    if name == "compact":
        return load_model("mini").audio_encoder
    if name == "emotion":
        network: Any = SpeechEmotionClassifier(EmotionConfig(NETWORKS[name]))
        network.wav2vec2_for_emotion.classifier.out_proj.weight.data.mul_(20)  # else all seven are equal
        wav2vec2 = network.wav2vec2_for_emotion.wav2vec2
    else:
        shape = json.loads(NETWORKS[name])
        network = Wav2Vec2AudioEncoder(Wav2Vec2AudioConfig(NETWORKS[name], shape["num_hidden_layers"] * shape["hidden_size"]))
        wav2vec2 = network.wav2vec2
    for layer in wav2vec2.encoder.layers if sharp else ():
        for projection in (layer.attention.q_proj, layer.attention.k_proj):
            projection.weight.data.mul_(SHARPNESS)
    return network.eval().requires_grad_(False)


def hear(network: Any, audio: AudioClip) -> torch.Tensor:
    """In windows: (1, T, C), or (1, 1, 7)."""
    pieces = stream_audio(audio, RATE)
    if isinstance(network, SpeechEmotionClassifier):
        return network.stream_probabilities(pieces)
    return torch.cat(list(network.stream(pieces)), dim=1)


def hear_as(network: Any, audio: AudioClip, length: float, overlap: float, fade: float, whole_norm: bool) -> torch.Tensor:
    """`hear` with another plan."""
    with ExitStack() as changes:
        for module in (wav2vec2_encoder, speech_emotion):
            plan = lambda rate: WindowPlan(round(length * rate), round(overlap * rate), 2 * round(fade * rate / 2))  # noqa: E731
            changes.enter_context(mock.patch.object(module, "speech_windows", plan))
            if not whole_norm:
                changes.enter_context(mock.patch.object(module, "norm_of_whole_audio", lambda *_: nullcontext()))
        return hear(network, audio)


def errors(found: torch.Tensor, whole: torch.Tensor) -> dict[str, float]:
    """Over all frames, and the frames' median, 95th percentile and worst; of probabilities only the worst."""
    if whole.shape[1] == 1:
        return {"probability": float((found - whole).abs().max())}
    frames = ((found - whole).norm(dim=-1) / whole.norm(dim=-1))[0]
    return {
        "all": float((found - whole).norm() / whole.norm()),
        "median": float(frames.median()),
        "95 %": float(frames.quantile(0.95)),
        "worst": float(frames.max()),
        "step": float((found - whole).diff(dim=1).norm(dim=-1).max() / whole.diff(dim=1).norm(dim=-1).median()),
    }


def measure(name: str, seconds: float, sharp: bool, variants: Sequence[str]) -> list[dict[str, Any]]:
    """One row a variant."""
    network, audio = random_network(name, sharp), long_voice(seconds)
    began = time.monotonic()
    whole = (network.probabilities if name == "emotion" else network)(prepare(audio, RATE)).float()
    took, rows = time.monotonic() - began, []
    for variant in variants:
        found = hear_as(network, audio, *VARIANTS[variant])
        row = {"network": name, "sharp": sharp, "seconds": seconds, "variant": variant if name != "compact" else "exact windows"}
        rows.append(row | errors(found, whole) | {"seconds for the whole": round(took, 1)})
    return rows


@torch.no_grad()
def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints a line for each network, sharpness, length and variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=["compact", "small", "base"])
    parser.add_argument("--seconds", nargs="+", type=float, default=[70.0, 120.0, 180.0])
    parser.add_argument("--variants", action="store_true", help="also what else could have been chosen")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    rows = []
    for name in options.networks:
        for sharp in (False,) if name == "compact" else (False, True):
            for seconds in options.seconds:
                variants = list(VARIANTS) if options.variants and name != "compact" else list(VARIANTS)[:1]
                for row in measure(name, seconds, sharp, variants):
                    rows.append(row)
                    figures = "  ".join(
                        f"{key} {value:.2g}" for key, value in row.items() if isinstance(value, float) and "seconds" not in key
                    )
                    print(f"{name:8} {'sharp' if sharp else 'plain':5} {seconds:5.0f} s  {figures}  ({row['variant']})", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
