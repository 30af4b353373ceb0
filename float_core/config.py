"""Frozen architecture descriptions and their presets.

Every size in the networks comes from here; no network knows the name of a preset. Run settings (steps, guidance, seed) are not
architecture: they are in `types.SamplingOptions`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from .errors import CheckpointError, OptionError

VERSION = "0.1.0"  # of this package; pyproject.toml says the same
FPS = 25.0  # of the released model
EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")  # the order of w_e


def _check_fields(part: Any) -> None:
    """Sizes are whole numbers from 1 (`preceding` and `reach` from 0), the rest is text: these may come out of a file."""
    for field in fields(part):
        value = getattr(part, field.name)
        least = 0 if field.name in ("preceding", "reach") else 1
        sizes = value if isinstance(value, tuple) else (value,)
        if field.type == "str" and not isinstance(value, str):
            raise OptionError(f"{field.name} is {value!r}; expected text")
        if field.type != "str" and not all(isinstance(n, int) and not isinstance(n, bool) and n >= least for n in sizes):
            raise OptionError(f"{field.name} is {value!r}; expected whole numbers from {least}")


@dataclass(frozen=True)
class AutoencoderConfig:
    """Motion auto-encoder E, D (paper section 3.1). `channels` are per resolution, coarsest first: 4, 8, ..., size."""

    size: int = 512
    latent_size: int = 512
    basis_size: int = 20
    channels: tuple[int, ...] = (512, 512, 512, 512, 256, 128, 64, 32)
    coefficient_layers: int = 5

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        _check_fields(self)
        if self.size < 8 or self.size & (self.size - 1):
            raise OptionError(f"size is {self.size}; expected a power of two from 8")
        if len(self.channels) != len(self.resolutions):
            raise OptionError(f"channels has {len(self.channels)} entries; expected one for each of the resolutions {self.resolutions}")
        if not 1 <= self.basis_size <= self.latent_size:
            raise OptionError(f"basis_size is {self.basis_size}; expected 1 to latent_size = {self.latent_size}")

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ..., size."""
        return tuple(4 << i for i in range(self.size.bit_length() - 2))


@dataclass(frozen=True)
class TransformerConfig:
    """Flow matching transformer (paper section 3.2). `reach`: frame i attends to frames i - reach .. i + reach."""

    latent_size: int = 512
    audio_size: int = 512
    emotion_size: int = len(EMOTIONS)
    hidden_size: int = 1024
    depth: int = 8
    heads: int = 8
    mlp_ratio: int = 4
    window: int = 50
    preceding: int = 10
    reach: int = 2
    frequency_size: int = 256

    def __post_init__(self) -> None:
        _check_fields(self)
        if self.hidden_size % self.heads:
            raise OptionError(f"hidden_size {self.hidden_size} is not a multiple of heads {self.heads}")

    @property
    def tokens(self) -> int:
        """Frames in one pass: the preceding ones and the window."""
        return self.preceding + self.window


@dataclass(frozen=True)
class Wav2Vec2AudioConfig:
    """wav2vec2 and a projection. `network` is the Hugging Face configuration as JSON text (hashable, unlike a dict)."""

    network: str
    projection_size: int = 9216
    feature_size: int = 512
    sample_rate: int = 16000
    kind: str = "wav2vec2"

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True)
class CompactAudioConfig:
    """Log-mel bands and dilated convolutions: the audio encoder of small models, trained together with the transformer."""

    feature_size: int = 64
    mel_bands: int = 64
    width: int = 96
    dilations: tuple[int, ...] = (1, 2, 4)
    sample_rate: int = 16000
    kind: str = "compact"

    def __post_init__(self) -> None:
        object.__setattr__(self, "dilations", tuple(self.dilations))
        _check_fields(self)


AudioConfig = Wav2Vec2AudioConfig | CompactAudioConfig


@dataclass(frozen=True)
class EmotionConfig:
    """Speech emotion classifier: wav2vec2 (configuration as JSON text) with a two-layer head over the mean in time."""

    network: str
    classes: int = len(EMOTIONS)
    sample_rate: int = 16000

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True)
class ModelConfig:
    """All parts of a model. A part that is None is not there. `fps`: frames per second of its motion and its audio features."""

    name: str
    autoencoder: AutoencoderConfig | None = None
    transformer: TransformerConfig | None = None
    audio: AudioConfig | None = None
    emotion: EmotionConfig | None = None
    fps: float = FPS

    def __post_init__(self) -> None:
        if isinstance(self.fps, bool) or not isinstance(self.fps, (int, float)) or not 1 <= self.fps <= 1000:
            raise OptionError(f"fps is {self.fps!r}; expected frames per second, from 1 to 1000")

    def to_json(self) -> str:
        """JSON text for a checkpoint's metadata."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """The inverse of `to_json`. Raises OptionError for other text, CheckpointError where it gives two frame rates."""
        try:
            return _model_config(json.loads(text))
        except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
            raise OptionError(f"not a model configuration: {error}") from error


def _model_config(data: dict[str, Any]) -> ModelConfig:
    audio_kinds: dict[str, type] = {"wav2vec2": Wav2Vec2AudioConfig, "compact": CompactAudioConfig}
    parts: dict[str, Any] = dict(data)
    for key, build in (("autoencoder", AutoencoderConfig), ("transformer", TransformerConfig), ("emotion", EmotionConfig)):
        if parts.get(key) is not None:
            parts[key] = build(**parts[key])
    if parts.get("audio") is not None:
        audio = dict(parts["audio"])
        _take_old_rate(audio, parts)
        parts["audio"] = audio_kinds[audio["kind"]](**audio)
    return ModelConfig(**parts)


def _take_old_rate(audio: dict[str, Any], model: dict[str, Any]) -> None:
    """Older files give the rate twice: once for the model, once for its audio encoder."""
    rate = audio.pop("fps", None)
    if rate is not None and model.setdefault("fps", rate) != rate:
        raise CheckpointError(
            f"the file gives two frame rates, {model['fps']} for the model and {rate} for its audio encoder; expected one. "
            "Motion and audio would drift apart: get the file again, or correct its metadata"
        )


# The two wav2vec2 configurations of the released model: they cannot be read off the tensors.
_WAV2VEC2_SHARED: dict[str, Any] = {
    "conv_dim": [512] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "feat_extract_activation": "gelu",
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "model_type": "wav2vec2",
    "num_conv_pos_embedding_groups": 16,
    "num_conv_pos_embeddings": 128,
    "vocab_size": 32,
}
WAV2VEC2_BASE = json.dumps(
    _WAV2VEC2_SHARED
    | {
        "conv_bias": False,
        "do_stable_layer_norm": False,
        "feat_extract_norm": "group",
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "num_hidden_layers": 12,
    },
    sort_keys=True,
)
WAV2VEC2_LARGE = json.dumps(
    _WAV2VEC2_SHARED
    | {
        "conv_bias": True,
        "do_stable_layer_norm": True,
        "feat_extract_norm": "layer",
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 24,
    },
    sort_keys=True,
)

FLOAT_512 = ModelConfig(
    name="float-512",
    autoencoder=AutoencoderConfig(),
    transformer=TransformerConfig(),
    audio=Wav2Vec2AudioConfig(network=WAV2VEC2_BASE),
    emotion=EmotionConfig(network=WAV2VEC2_LARGE),
)
MINI = ModelConfig(
    name="mini",
    autoencoder=AutoencoderConfig(size=256, latent_size=64, basis_size=20, channels=(128, 128, 96, 64, 32, 16, 8)),
    transformer=TransformerConfig(latent_size=64, audio_size=64, hidden_size=256, depth=4, heads=4, window=50, preceding=10, reach=6),
    audio=CompactAudioConfig(),
)
PRESETS = {config.name: config for config in (FLOAT_512, MINI)}
