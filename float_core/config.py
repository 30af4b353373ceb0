"""The architecture of all networks as frozen dataclasses, and two presets.

Every size in the networks comes from here; no network knows the name of a preset. Run settings (steps, guidance, seed) are in
`types.SamplingOptions`. Sizes are whole numbers from 1 unless a range is given.
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
    """Sizes are whole numbers from 1 (`preceding` and `reach` from 0), the rest is text: the values may come from a file."""
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
    """Motion auto-encoder: encoder and decoder (paper section 3.1).

    size: side S of the images in pixels, a power of two from 8.
    latent_size: size D of w_S.
    basis_size: number M of motion directions v_m, 1 to D.
    channels: channels of the feature maps at each resolution 4, 8, ..., S.
    coefficient_layers: linear layers that compute the motion coefficients lambda.
    image_from: what each level of the decoder adds to the image: "warp", only what it moves from the source's features (the released
        layout), or "state", that blended with what it draws itself, so that it can draw what the source does not show: a mouth's inside.
    """

    size: int = 512
    latent_size: int = 512
    basis_size: int = 20
    channels: tuple[int, ...] = (512, 512, 512, 512, 256, 128, 64, 32)
    coefficient_layers: int = 5
    image_from: str = "warp"

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        _check_fields(self)
        if self.image_from not in ("warp", "state"):
            raise OptionError(f"image_from is {self.image_from!r}; expected 'warp' or 'state'")
        if self.size < 8 or self.size & (self.size - 1):
            raise OptionError(f"size is {self.size}; expected a power of two from 8")
        if len(self.channels) != len(self.resolutions):
            raise OptionError(f"channels has {len(self.channels)} entries; expected one for each of the resolutions {self.resolutions}")
        if not 1 <= self.basis_size <= self.latent_size:
            raise OptionError(f"basis_size is {self.basis_size}; expected 1 to latent_size = {self.latent_size}")

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Sides of the feature maps in pixels: 4, 8, ..., S."""
        return tuple(4 << i for i in range(self.size.bit_length() - 2))


@dataclass(frozen=True)
class TransformerConfig:
    """Flow matching transformer (paper section 3.2).

    latent_size: size D of a motion latent.
    audio_size: size D_a of an audio feature.
    emotion_size: number of emotions.
    hidden_size: size of a token, a multiple of heads.
    depth: number of blocks.
    heads: attention heads in a block.
    mlp_ratio: hidden size of a block's MLP, in units of hidden_size.
    window: frames L that are sampled at once.
    preceding: frames L' before the window that the network also sees, from 0.
    reach: frame i attends to frames i - reach to i + reach, from 0.
    frequency_size: size of the sinusoidal embedding of the flow time t.
    """

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
    """Audio encoder of the released model: wav2vec2 and a projection.

    network: wav2vec2's Hugging Face configuration as JSON text (hashable, unlike a dict).
    projection_size: size of the input of the projection: the hidden states of all layers, concatenated.
    feature_size: size D_a of an audio feature.
    sample_rate: of the audio that the network takes, in Hz.
    kind: always "wav2vec2".
    """

    network: str
    projection_size: int = 9216
    feature_size: int = 512
    sample_rate: int = 16000
    kind: str = "wav2vec2"

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True)
class CompactAudioConfig:
    """Audio encoder of small models: log-mel bands and dilated convolutions, trained together with the transformer.

    feature_size: size D_a of an audio feature.
    mel_bands: number of mel bands.
    width: channels of the convolutions.
    dilations: dilation of each residual block, in steps of the network.
    sample_rate: of the audio that the network takes, in Hz.
    kind: always "compact".
    """

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
    """Speech emotion classifier of the released model: wav2vec2 and a two-layer head on the mean over time.

    network: wav2vec2's Hugging Face configuration as JSON text.
    classes: number of emotions.
    sample_rate: of the audio that the network takes, in Hz.
    kind: always "wav2vec2".
    """

    network: str
    classes: int = len(EMOTIONS)
    sample_rate: int = 16000
    kind: str = "wav2vec2"

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True)
class CompactEmotionConfig:
    """Speech emotion classifier of small models: statistics of log-mel bands and two layers.

    mel_bands: number of mel bands.
    hidden: size of the layer between.
    classes: number of emotions.
    sample_rate: of the audio that the network takes, in Hz.
    kind: always "compact".
    """

    mel_bands: int = 64
    hidden: int = 32
    classes: int = len(EMOTIONS)
    sample_rate: int = 16000
    kind: str = "compact"

    def __post_init__(self) -> None:
        _check_fields(self)


EmotionClassifierConfig = EmotionConfig | CompactEmotionConfig


@dataclass(frozen=True)
class ModelConfig:
    """All parts of a model. A part that is missing is None.

    name: of the preset or the file.
    autoencoder: motion auto-encoder.
    transformer: flow matching transformer.
    audio: audio encoder, of one of two kinds.
    emotion: speech emotion classifier, of one of two kinds.
    fps: frames per second of motion and audio features, 1 to 1000.
    """

    name: str
    autoencoder: AutoencoderConfig | None = None
    transformer: TransformerConfig | None = None
    audio: AudioConfig | None = None
    emotion: EmotionClassifierConfig | None = None
    fps: float = FPS

    def __post_init__(self) -> None:
        if isinstance(self.fps, bool) or not isinstance(self.fps, (int, float)) or not 1 <= self.fps <= 1000:
            raise OptionError(f"fps is {self.fps!r}; expected frames per second, from 1 to 1000")

    def to_json(self) -> str:
        """JSON text for a checkpoint's metadata."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """The inverse of `to_json`. Raises OptionError for any other text, and CheckpointError for two different frame rates."""
        try:
            return _model_config(json.loads(text))
        except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
            raise OptionError(f"not a model configuration: {error}") from error


def _model_config(data: dict[str, Any]) -> ModelConfig:
    audio_kinds: dict[str, type] = {"wav2vec2": Wav2Vec2AudioConfig, "compact": CompactAudioConfig}
    parts: dict[str, Any] = dict(data)
    emotion_kinds: dict[str, type] = {"wav2vec2": EmotionConfig, "compact": CompactEmotionConfig}
    for key, build in (("autoencoder", AutoencoderConfig), ("transformer", TransformerConfig)):
        if parts.get(key) is not None:
            parts[key] = build(**parts[key])
    if parts.get("emotion") is not None:  # older files do not state its kind
        parts["emotion"] = emotion_kinds[parts["emotion"].get("kind", "wav2vec2")](**parts["emotion"])
    if parts.get("audio") is not None:
        audio = dict(parts["audio"])
        _take_old_rate(audio, parts)
        parts["audio"] = audio_kinds[audio["kind"]](**audio)
    return ModelConfig(**parts)


def _take_old_rate(audio: dict[str, Any], model: dict[str, Any]) -> None:
    """Older files state the frame rate twice: for the model and for its audio encoder."""
    rate = audio.pop("fps", None)
    if rate is not None and model.setdefault("fps", rate) != rate:
        raise CheckpointError(
            f"the file gives two frame rates, {model['fps']} for the model and {rate} for its audio encoder; expected one. "
            "Motion and audio would drift apart: get the file again, or correct its metadata"
        )


# The two wav2vec2 configurations of the released model; the tensors alone do not tell them.
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
