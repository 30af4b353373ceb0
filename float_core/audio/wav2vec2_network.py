"""A wav2vec2 from its configuration, and its states by way of public submodules only, so that it survives releases of transformers.

Uses `feature_extractor`, `feature_projection`, `encoder` and forward hooks on `encoder.layers`. Knows nothing of weights, of
normalization, or of what the states are for.
"""

from __future__ import annotations

import json
import math
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import OptionError

# Keys of a config.json that speak of a file or of a way to run, not of the network.
_NOT_ARCHITECTURE = ("attn_implementation", "_attn_implementation", "architectures", "dtype", "gradient_checkpointing", "torch_dtype")


def build_wav2vec2(network: str) -> nn.Module:
    """transformers' Wav2Vec2Model, in evaluation mode, for a Hugging Face configuration as JSON text. Weights are not loaded."""
    from huggingface_hub import errors
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    refused = getattr(errors, "StrictDataclassError", ValueError)  # of transformers from 5 on; older ones try to build anything
    try:
        values: dict[str, Any] = dict(json.loads(network))
    except (TypeError, ValueError) as error:
        raise OptionError(f"not a wav2vec2 configuration in JSON: {error}") from error
    if values.get("model_type", "wav2vec2") != "wav2vec2":
        raise OptionError(f"the configuration is of a {values['model_type']!r} network; expected 'wav2vec2'")
    kept = {key: value for key, value in values.items() if key not in _NOT_ARCHITECTURE}
    try:
        model: nn.Module = Wav2Vec2Model(Wav2Vec2Config.from_dict(kept))
    except (refused, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise OptionError(f"the wav2vec2 configuration does not make a network: {' '.join(str(error).split())}") from error
    return model.eval()


def receptive_field(wav2vec2: Any) -> int:
    """Samples that one convolutional feature sees, which is the least a waveform must have (400 in the released networks)."""
    samples = 1
    for kernel, stride in zip(reversed(wav2vec2.config.conv_kernel), reversed(wav2vec2.config.conv_stride), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples


def feature_stride(wav2vec2: Any) -> int:
    """Samples from one convolutional feature to the next (320 in the released networks: 50 Hz)."""
    return math.prod(wav2vec2.config.conv_stride)


def layer_outputs(wav2vec2: Any, features: Tensor) -> tuple[list[Tensor], Tensor]:
    """Convolutional features (B, C, T) to the output of every layer and the encoder's last state, each (B, T, H).

    Layer outputs are taken as they leave the layer: without the embedding state, and before the LayerNorm that a network with
    stable layer norm has after its last layer (the encoder's last state is after it)."""
    collected: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        collected.append(_first(output))

    hooks = [layer.register_forward_hook(keep) for layer in wav2vec2.encoder.layers]
    try:
        projected = _first(wav2vec2.feature_projection(features.transpose(1, 2)))
        last = _first(wav2vec2.encoder(projected))
    finally:
        for hook in hooks:
            hook.remove()
    return collected, last


def stages_of(wav2vec2: Any) -> tuple[nn.Module, ...]:
    """The modules that end one after the other while the network hears something: its convolutions, then its layers."""
    convolutions = (module for module in wav2vec2.feature_extractor.modules() if isinstance(module, nn.Conv1d))
    return (*convolutions, *wav2vec2.encoder.layers)


def network_dtype(module: nn.Module) -> torch.dtype:
    """The dtype that the network's weights are in."""
    return next(module.parameters()).dtype


def _first(output: Any) -> Tensor:
    """The state out of a tensor, a tuple or a ModelOutput: which of them it is depends on transformers' version."""
    state: Tensor = output if isinstance(output, Tensor) else output[0]
    return state
