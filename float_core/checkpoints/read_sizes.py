"""Architecture sizes off the names and shapes of tensors, for files without a configuration of their own.

Where several tensors tell a size, the majority decides, so that one missing or wrong tensor is reported as what it is instead of
changing the architecture. What shapes cannot tell follows a rule that is stated here. Knows no files and no values.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..config import (
    EMOTIONS,
    WAV2VEC2_BASE,
    WAV2VEC2_LARGE,
    AutoencoderConfig,
    EmotionConfig,
    TransformerConfig,
)
from ..errors import CheckpointError, OptionError
from .key_maps import Shape

Shapes = Mapping[str, Shape]
_PRECEDING = 10  # frames of the window before that the released model reads; a file only tells them and the window together


def autoencoder_sizes(shapes: Shapes) -> AutoencoderConfig:
    """From the encoder's or the decoder's tensors, names from `enc.` and `dec.` on."""
    halvings = (
        _count(shapes, r"enc\.net_app\.convs\.(\d+)\.conv[12]\.") - 1 if _has(shapes, "enc.") else _count(shapes, r"dec\.to_flows\.(\d+)\.")
    )
    channels = tuple(_channels(shapes, halvings, level) for level in range(halvings + 1))
    layers = _count(shapes, r"enc\.fc\.(\d+)\.") if _has(shapes, "enc.") else AutoencoderConfig.coefficient_layers
    identity = f"enc.net_app.convs.{halvings + 1}.weight"
    try:
        return AutoencoderConfig(
            size=4 << halvings,
            latent_size=_size(
                shapes, (identity, 0), ("enc.fc.0.weight", 1), ("dec.direction.weight", 0), ("dec.conv1.conv.modulation.weight", 1)
            ),
            basis_size=_size(shapes, (f"enc.fc.{layers - 1}.weight", 0), (f"enc.fc.{layers - 1}.bias", 0), ("dec.direction.weight", 1)),
            channels=channels,
            coefficient_layers=layers,
        )
    except OptionError as error:
        raise CheckpointError(f"the auto-encoder's tensors do not make a network: {error}") from error


def _channels(shapes: Shapes, halvings: int, level: int) -> int:
    """Channels at resolution 4 * 2^level, from every tensor that is as wide."""
    block = halvings - level  # the encoder's block whose output has this resolution; 0 is the first convolution
    enc, dec = "enc.net_app.convs", "dec.convs"
    places = [(f"{enc}.{block}.conv2.1.weight", 0), (f"{enc}.{block}.conv2.2.bias", 1), (f"{enc}.{block}.skip.1.weight", 0)]
    if block == 0:
        places = [(f"{enc}.0.0.weight", 0), (f"{enc}.0.1.bias", 1)]
    places += [(f"{enc}.{block + 1}.conv1.0.weight", 1), (f"{enc}.{block + 1}.weight", 1)]
    if level == 0:
        places += [("dec.input.input", 1), ("dec.conv1.conv.weight", 1), ("dec.conv1.activate.bias", 1)]
    else:
        convs = (f"{dec}.{2 * level - 2}", f"{dec}.{2 * level - 1}")
        places += [(f"{name}.conv.weight", 1) for name in convs] + [(f"dec.to_flows.{level - 1}.conv.weight", 2)]
    return _size(shapes, *places)


def transformer_sizes(shapes: Shapes) -> TransformerConfig:
    """From the transformer's tensors, names from `pos_embed` and `blocks.` on.

    Rules: heads are 128 wide from a hidden size of 1024 on, else 64; of the tokens 10 are preceding frames; a frame attends to two
    on either side."""
    released = TransformerConfig()
    hidden = _size(shapes, ("blocks.0.attn.proj.weight", 0), ("x_embedder.proj.weight", 0), ("c_embedder.weight", 0), ("pos_embed", 2))
    latent = _size(shapes, ("x_embedder.proj.weight", 1), ("decoder.linear.weight", 0), ("decoder.linear.bias", 0))
    tokens = _size(shapes, ("pos_embed", 1), ("alignment_mask", 0), ("alignment_mask", 1), default=released.tokens)
    inputs = _size(shapes, ("c_embedder.weight", 1), default=latent + released.audio_size + len(EMOTIONS))
    audio = inputs - latent - len(EMOTIONS)
    if audio < 1 or tokens <= _PRECEDING:
        raise CheckpointError(
            f"the transformer's tensors do not make a network: {tokens} tokens (expected more than {_PRECEDING}), {audio} audio features"
        )
    return TransformerConfig(
        latent_size=latent,
        audio_size=audio,
        hidden_size=hidden,
        depth=_count(shapes, r"blocks\.(\d+)\.", least=2),
        heads=_heads(hidden),
        mlp_ratio=max(
            1, _size(shapes, ("blocks.0.mlp.fc1.weight", 0), ("blocks.0.mlp.fc1.bias", 0), ("blocks.0.mlp.fc2.weight", 1)) // hidden
        ),
        window=tokens - _PRECEDING,
        preceding=_PRECEDING,
        frequency_size=_size(shapes, ("t_embedder.mlp.0.weight", 1), default=released.frequency_size),
    )


def _heads(hidden: int) -> int:
    width = 128 if hidden >= 1024 else 64
    return max(1, hidden // width) if hidden % width == 0 else 1


def wav2vec2_sizes(shapes: Shapes, beside: str | None = None) -> str:
    """The Hugging Face configuration (JSON text) of a wav2vec2, names from `feature_extractor.` on.

    Shapes do not tell the heads, the strides and where the layer norms stand. Rules: those of wav2vec2-base or -large where the rest is
    theirs, else those of `beside` (a config.json that fits the shapes), else heads 64 wide, strides 5, 2, 2, ..., and stable layer norm
    where the convolutions have layer norms."""
    seen = _wav2vec2_seen(shapes)
    for text in (WAV2VEC2_BASE, WAV2VEC2_LARGE, beside):
        if text is not None and _agrees(json.loads(text), seen):
            return text
    kernels = seen["conv_kernel"]
    guessed = {
        "conv_stride": [5] + [2] * (len(kernels) - 1),
        "do_stable_layer_norm": seen["feat_extract_norm"] == "layer",
        "model_type": "wav2vec2",
        "num_attention_heads": max(1, seen["hidden_size"] // 64) if seen["hidden_size"] % 64 == 0 else 1,
        "num_feat_extract_layers": len(kernels),
        "vocab_size": 32,
    }
    return json.dumps(seen | guessed, sort_keys=True)


def _wav2vec2_seen(shapes: Shapes) -> dict[str, Any]:
    conv = "feature_extractor.conv_layers"
    usual = (10, 3, 3, 3, 3, 2, 2)
    layers = range(_count(shapes, r"feature_extractor\.conv_layers\.(\d+)\."))
    position = "encoder.pos_conv_embed.conv"
    directions = (f"{position}.weight_v", f"{position}.parametrizations.weight.original1", f"{position}.weight")
    hidden = _size(shapes, ("feature_projection.projection.weight", 0), ("encoder.layer_norm.weight", 0), (f"{position}.bias", 0))
    return {
        "conv_bias": f"{conv}.0.conv.bias" in shapes,
        "conv_dim": [_size(shapes, (f"{conv}.{i}.conv.weight", 0), default=512) for i in layers],
        "conv_kernel": [_size(shapes, (f"{conv}.{i}.conv.weight", 2), default=usual[i % 7]) for i in layers],
        "feat_extract_norm": "layer" if f"{conv}.1.layer_norm.weight" in shapes else "group",
        "hidden_size": hidden,
        "intermediate_size": _size(shapes, *((f"encoder.layers.{i}.feed_forward.intermediate_dense.weight", 0) for i in range(3))),
        "num_conv_pos_embedding_groups": max(1, hidden // max(1, _size(shapes, *((name, 1) for name in directions)))),
        "num_conv_pos_embeddings": _size(shapes, *((name, 2) for name in directions)),
        "num_hidden_layers": _count(shapes, r"encoder\.layers\.(\d+)\.", least=2),
    }


def _agrees(config: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
    return all(config.get(key, value) == value for key, value in seen.items())


def emotion_sizes(shapes: Shapes, network: str) -> EmotionConfig:
    """Classes from the head's tensors, names from `classifier.` on; `network` as `wav2vec2_sizes` gives it."""
    return EmotionConfig(network=network, classes=_size(shapes, ("classifier.out_proj.weight", 0), ("classifier.out_proj.bias", 0)))


def _has(shapes: Shapes, prefix: str) -> bool:
    return any(name.startswith(prefix) for name in shapes)


def _count(shapes: Shapes, pattern: str, least: int = 1) -> int:
    """One more than the highest index in the names; indices with fewer tensors than `least` are strays."""
    found = Counter(int(hit.group(1)) for name in shapes if (hit := re.match(pattern, name)))
    real = [index for index, tensors in found.items() if tensors >= least] or list(found)
    if not real:
        raise CheckpointError(f"no tensor is named like {_readable(pattern)}; it is needed to tell the sizes")
    return max(real) + 1


def _readable(pattern: str) -> str:
    return pattern.replace("\\d+", "N").replace("\\", "").replace("(", "").replace(")", "")


def _size(shapes: Shapes, *places: tuple[str, int], default: int | None = None) -> int:
    """What most of the tensors say; the first one where they are divided. With a default, the missing ones are reported later."""
    values = [shapes[name][axis] for name, axis in places if name in shapes and axis < len(shapes[name])]
    if values:
        return Counter(values).most_common(1)[0][0]
    if default is None:
        raise CheckpointError(f"no tensor {places[0][0]}, which is needed to tell the sizes")
    return default
