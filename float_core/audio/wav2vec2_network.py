"""A wav2vec2 from its configuration, and its states by way of public submodules only, so that it survives releases of transformers.

Uses `feature_extractor`, `feature_projection`, `encoder` and forward hooks on `encoder.layers`. Knows nothing of weights, of
normalization, or of what the states are for.
"""

from __future__ import annotations

import json
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import OptionError

# Keys of a config.json that speak of a file or of a way to run, not of the network.
_NOT_ARCHITECTURE = ("attn_implementation", "_attn_implementation", "architectures", "dtype", "gradient_checkpointing", "torch_dtype")
_FEWEST_CHANNELS = 16  # of a group: below, see `_convolve_in_float32`


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
    for layer in model.modules():
        if isinstance(layer, nn.Conv1d) and 1 < layer.in_channels // layer.groups < _FEWEST_CHANNELS:
            layer.register_forward_hook(_convolve_in_float32)
    return model.eval()


def _convolve_in_float32(layer: nn.Conv1d, inputs: tuple[Tensor], output: Tensor) -> Tensor:
    """Mends a bfloat16 convolution on a CPU: oneDNN (3.10, of torch 2.11) gives wrong numbers on processors with AMX where a group has few
    channels and the kernel is wide, as in the position convolution of a small wav2vec2. The released networks have 48 and 64 channels."""
    if output.dtype != torch.bfloat16 or output.device.type != "cpu":
        return output
    weight, bias = layer.weight.float(), None if layer.bias is None else layer.bias.float()
    y = F.conv1d(inputs[0].float(), weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)
    return y.to(output.dtype)


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
