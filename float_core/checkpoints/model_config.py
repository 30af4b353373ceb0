"""The configuration of a model from what its files hold: their own configuration, or the sizes of their tensors.

Knows names, shapes and texts; reads no tensor and builds no network.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ..config import FLOAT_512, AudioConfig, AutoencoderConfig, EmotionConfig, ModelConfig, Wav2Vec2AudioConfig
from ..errors import CheckpointError
from .find_parts import AUDIO_FOLDER, CONFIG_KEY, EMOTION_FOLDER, VERSION, VERSION_KEY, Parts
from .key_maps import DECODER, EMOTION_HEAD, EMOTION_WAV2VEC2, ENCODER, NETWORKS, PROJECTION, WAV2VEC2, first_few
from .read_sizes import autoencoder_sizes, emotion_sizes, transformer_sizes, wav2vec2_sizes


def model_config(parts: Parts) -> ModelConfig:
    """The file's own configuration, or the sizes of its tensors; folders add their networks to either.

    Raises CheckpointError for tensors of no network."""
    own = _own_config(parts)
    config = _sizes(parts) if own is None else own
    if parts.audio_network is not None:
        config = dataclasses.replace(config, audio=_wav2vec2_config(parts, parts.audio_network))
    if parts.emotion_network is not None:
        config = dataclasses.replace(config, emotion=_emotion_config(parts))
    _refuse_strangers(parts, config, strict=own is not None)
    return config


def half_sizes(parts: Parts) -> AutoencoderConfig | None:
    """Sizes off an encoder without a decoder, or a decoder without an encoder."""
    if parts.has(ENCODER) == parts.has(DECODER):
        return None
    try:
        return autoencoder_sizes(parts.shapes(NETWORKS["autoencoder"]))
    except CheckpointError as error:
        raise CheckpointError(f"{parts.path}: {error}.") from error


def _own_config(parts: Parts) -> ModelConfig | None:
    if CONFIG_KEY not in parts.metadata:
        return None
    version = parts.metadata.get(VERSION_KEY, VERSION)
    if version != VERSION:
        raise CheckpointError(f"{parts.path} is of format {version}; this version reads {VERSION}. Update this package.")
    try:
        return ModelConfig.from_json(parts.metadata[CONFIG_KEY])
    except CheckpointError as error:
        raise CheckpointError(f"{parts.path}: {error}.") from error


def _sizes(parts: Parts) -> ModelConfig:
    both = parts.has(ENCODER) and parts.has(DECODER)
    try:
        sizes = ModelConfig(
            name=parts.path.stem,
            autoencoder=autoencoder_sizes(parts.shapes(NETWORKS["autoencoder"])) if both else None,
            transformer=transformer_sizes(parts.shapes(NETWORKS["transformer"])) if parts.has(NETWORKS["transformer"]) else None,
            audio=_audio_sizes(parts) if parts.has(WAV2VEC2) and parts.has(PROJECTION) and parts.audio_network is None else None,
            emotion=_emotion_config(parts) if parts.has(NETWORKS["emotion"]) and parts.emotion_network is None else None,
        )
    except CheckpointError as error:
        raise CheckpointError(f"{parts.path}: {error}.") from error
    released = dataclasses.replace(FLOAT_512, audio=sizes.audio, emotion=sizes.emotion)
    return dataclasses.replace(sizes, name=FLOAT_512.name) if dataclasses.replace(sizes, name=FLOAT_512.name) == released else sizes


def _audio_sizes(parts: Parts) -> AudioConfig:
    return _wav2vec2_config(parts, wav2vec2_sizes(parts.shapes(WAV2VEC2), parts.network_beside(AUDIO_FOLDER)))


def _wav2vec2_config(parts: Parts, network: str) -> Wav2Vec2AudioConfig:
    shape = parts.shapes(PROJECTION).get("0.weight", ())
    if len(shape) != 2:
        raise CheckpointError(f"{parts.path}: no usable tensor {PROJECTION}0.weight (found shape {list(shape)}, expected two sizes).")
    return Wav2Vec2AudioConfig(network=network, projection_size=shape[1], feature_size=shape[0])


def _emotion_config(parts: Parts) -> EmotionConfig:
    network = parts.emotion_network or wav2vec2_sizes(parts.shapes(EMOTION_WAV2VEC2), parts.network_beside(EMOTION_FOLDER))
    return emotion_sizes(parts.shapes(EMOTION_HEAD), network)


def _refuse_strangers(parts: Parts, config: ModelConfig, *, strict: bool) -> None:
    """Tensors of no network, or, with `strict`, of one that the file's own configuration does not have."""
    present = {
        "autoencoder": config.autoencoder,
        "transformer": config.transformer,
        "audio_encoder": config.audio,
        "emotion": config.emotion,
    }
    prefixes = tuple(prefix for part, prefix in NETWORKS.items() if not strict or present[part] is not None)
    strange = [name for name in parts.tensors if not name.startswith(prefixes)]
    if strange:
        raise CheckpointError(f"{parts.path} does not fit: {len(strange)} unexpected: {first_few(strange)}.")


def check_sizes_agree(config: ModelConfig, path: Path) -> None:
    """Raises CheckpointError for parts of different models: each may be whole, together they are none."""
    encoder, flow, audio, emotion = config.autoencoder, config.transformer, config.audio, config.emotion
    pairs: list[tuple[str, int, str, int]] = []
    if encoder is not None and flow is not None:
        pairs.append(("the auto-encoder's latent size", encoder.latent_size, "the transformer's", flow.latent_size))
    if audio is not None and flow is not None:
        pairs.append(("the audio encoder's feature size", audio.feature_size, "the transformer's audio size", flow.audio_size))
    if emotion is not None and flow is not None:
        pairs.append(("the emotion network's classes", emotion.classes, "the transformer's", flow.emotion_size))
    for what, size, other, wanted in pairs:
        if size != wanted:
            raise CheckpointError(
                f"{path}: {what} is {size}, {other} {wanted}. They are parts of different models: use those that belong together."
            )
