"""The layers that encoder and decoder share: equalized, blurred and modulated convolutions, in the conventions of StyleGAN2.

Knows nothing of faces, motion or checkpoints. Every fast path has a plain reference (`impl="reference"`) that spells out the formula.
Modules hold parameters only: blur kernels are constants of the formulas, so nothing but weights moves, loads or is saved.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Implementation = Literal["fast", "reference"]
ACTIVATION_SLOPE = 0.2
ACTIVATION_GAIN = math.sqrt(2.0)


def blur_kernel(gain: float, like: Tensor) -> Tensor:
    """outer([1,3,3,1], [1,3,3,1]) / 64 * gain, (4, 4), in the dtype and on the device of `like`; exact in float16 and bfloat16 too."""
    make = _kernel if torch.compiler.is_compiling() else _kept_kernel  # a compiler looks through a cache, and warns of it
    return make(gain, like.dtype, like.device)


def _kernel(gain: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # what is kept must serve training too
        line = torch.tensor((1.0, 3.0, 3.0, 1.0), dtype=dtype, device=device)
        return torch.outer(line, line) * (gain / 64.0)


_kept_kernel = lru_cache(maxsize=32)(_kernel)  # a copy to a GPU at every blur would make the CPU wait for it


def _depthwise(x: Tensor, kernel: Tensor, padding: int, stride: int = 1) -> Tensor:
    channels = x.shape[1]
    return F.conv2d(x, kernel.expand(channels, 1, *kernel.shape), padding=padding, stride=stride, groups=channels)


class _Blur(torch.autograd.Function):
    """The kernel is symmetric, so its gradient is itself with the complementary padding: a forward convolution again, which is
    several times faster on a CPU than the backward pass of a depthwise convolution."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, padding: int, gain: float) -> Tensor:
        ctx.padding, ctx.gain = padding, gain
        return _depthwise(x, blur_kernel(gain, x), padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return blur(gradients[0], 3 - ctx.padding, ctx.gain), None, None


class _HalvingBlur(torch.autograd.Function):
    """Blur and every second pixel. Its gradient spreads each pixel as up-sampling does, with a quarter of the weight: many times faster
    on a CPU than the backward pass of a depthwise convolution."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _depthwise(x, blur_kernel(1.0, x), 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor]:
        return (upsample(gradients[0]) / 4,)


def blur(x: Tensor, padding: int, gain: float = 1.0, *, impl: Implementation = "fast") -> Tensor:
    """4x4 binomial blur of every channel, 0 to 3 zeros on all four sides: (B, C, r, r) -> (B, C, r', r'), r' = r + 2 * padding - 3."""
    if impl == "reference":
        return _depthwise(F.pad(x, [padding] * 4), blur_kernel(gain, x), 0)
    if torch.is_grad_enabled() and x.requires_grad:
        return _Blur.apply(x, padding, gain)
    return _depthwise(x, blur_kernel(gain, x), padding)


def upsample(x: Tensor, *, impl: Implementation = "fast") -> Tensor:
    """Images and flows (B, C, r, r) -> (B, C, 2r, 2r): zeros between the pixels, then the blur with gain 4, which is bilinear
    up-sampling with zeros beyond the edges."""
    if impl == "reference":
        batch, channels, height, width = x.shape
        spread = x.new_zeros(batch, channels, height * 2, width * 2)
        spread[:, :, ::2, ::2] = x
        return _depthwise(F.pad(spread, (2, 1, 2, 1)), blur_kernel(4.0, x), 0)
    padded = F.pad(x, (1, 1, 1, 1))
    return F.interpolate(padded, scale_factor=2.0, mode="bilinear", align_corners=False)[:, :, 2:-2, 2:-2]


def mix_channels(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """1x1 convolution as a matrix product: x (B, C, r, r), weight (O, C) or one for each sample (B, O, C), bias (O,) -> (B, O, r, r).

    On channels_last tensors the permutations are views, forward and backward, which 1x1 convolutions on a CPU do not manage.
    """
    pixels = x.permute(0, 2, 3, 1)
    if weight.ndim == 2:
        return F.linear(pixels, weight, bias).permute(0, 3, 1, 2)
    mixed = pixels.flatten(1, 2) @ weight.transpose(1, 2)  # [B, r * r, O]
    mixed = mixed if bias is None else mixed + bias
    return mixed.unflatten(1, pixels.shape[1:3]).permute(0, 3, 1, 2)


def activate(x: Tensor, bias: Tensor) -> Tensor:
    """leaky_relu(x + bias, 0.2) * sqrt(2): the formula. The fast paths move the root into the convolution and the bias, since
    leaky_relu commutes with positive factors: one pass over memory less, forward and backward."""
    return F.leaky_relu(x + bias, ACTIVATION_SLOPE) * ACTIVATION_GAIN


class EqualLinear(nn.Module):
    """Linear layer with weight / sqrt(in_features) (equalized learning rate) and the bias as it is."""

    def __init__(self, in_features: int, out_features: int, bias_init: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.full((out_features,), bias_init))
        self.scale = 1.0 / math.sqrt(in_features)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out), in the dtype of x: the small layers stay in float32 when the convolutions do not."""
        return F.linear(x, self.weight.to(x.dtype) * self.scale, self.bias.to(x.dtype))


class EqualConv2d(nn.Module):
    """Convolution with weight / sqrt(in_channels * k * k)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.scale = 1.0 / math.sqrt(in_channels * kernel * kernel)
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor, bias: Tensor | None = None, gain: float = 1.0) -> Tensor:
        """conv(x) * gain + bias, bias (out,)."""
        weight = self.weight.to(x.dtype) * (self.scale * gain)
        if weight.shape[-1] == 1 and self.stride == 1:
            return mix_channels(x, weight[:, :, 0, 0], bias)
        return F.conv2d(x, weight, bias, stride=self.stride, padding=self.padding)


class Blur(nn.Module):
    """`blur` as a layer. With `stride` 2 only every second pixel is computed."""

    def __init__(self, padding: int, stride: int = 1) -> None:
        super().__init__()
        self.padding, self.stride = padding, stride

    def forward(self, x: Tensor, *, impl: Implementation = "fast") -> Tensor:
        if self.stride == 1:
            return blur(x, self.padding, impl=impl)
        if impl == "reference":
            return blur(x, self.padding, impl=impl)[:, :, :: self.stride, :: self.stride]
        if torch.is_grad_enabled() and x.requires_grad and (self.padding, self.stride) == (1, 2):
            return _HalvingBlur.apply(x)
        return _depthwise(x, blur_kernel(1.0, x), self.padding, self.stride)


class ChannelBias(nn.Module):
    """The bias of an activation, (1, C, 1, 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))


class ConvLayer(nn.Sequential):
    """Optional blur, convolution, optional activation; the position in the sequence is part of the parameters' names.
    The output is multiplied by `gain`."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, downsample: bool = False, activated: bool = True, gain: float = 1.0
    ) -> None:
        layers: list[nn.Module] = []
        if downsample:
            # p = 2 + (k - 1) zeros in all, (p + 1) // 2 and p // 2, are equal for odd k. A 1x1 convolution reads every second pixel only.
            layers.append(Blur(padding=(kernel + 1) // 2, stride=2 if kernel == 1 else 1))
        stride, padding = (2 if kernel > 1 else 1, 0) if downsample else (1, kernel // 2)
        layers.append(EqualConv2d(in_channels, out_channels, kernel, stride=stride, padding=padding))
        if activated:
            layers.append(ChannelBias(out_channels))
        super().__init__(*layers)
        self.downsample, self.activated, self.gain = downsample, activated, gain

    def forward(self, x: Tensor, *, impl: Implementation = "fast") -> Tensor:
        if self.downsample:
            x = self[0](x, impl=impl)
        conv = cast(EqualConv2d, self[int(self.downsample)])
        if not self.activated:
            return conv(x, gain=self.gain)
        bias = cast(ChannelBias, self[-1]).bias.to(x.dtype)
        if impl == "reference":
            return activate(conv(x), bias) * self.gain
        gain = ACTIVATION_GAIN * self.gain
        return F.leaky_relu(conv(x, bias.flatten() * gain, gain), ACTIVATION_SLOPE)


class ModulatedConv2d(nn.Module):
    """Convolution whose input channels are scaled by a style s(w), optionally demodulated and up-sampling."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, latent_size: int, *, upsample: bool = False, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, out_channels, in_channels, kernel, kernel))
        self.modulation = EqualLinear(latent_size, in_channels, bias_init=1.0)
        self.scale = 1.0 / math.sqrt(in_channels * kernel * kernel)
        self.kernel, self.upsample, self.demodulate = kernel, upsample, demodulate

    def style(self, latent: Tensor) -> Tensor:
        """w (B, D) -> s / sqrt(in * k * k), (B, in): the equalization of the weight rides on the style."""
        return self.modulation(latent) * self.scale

    def demodulation(self, style: Tensor) -> Tensor:
        """d = 1 / sqrt(sum over in and k of (s W)^2 + 1e-8) = rsqrt(s^2 @ (sum_k W^2)^T + 1e-8), (B, out), float32."""
        return torch.rsqrt(style.square() @ self.energy().to(style.dtype).t() + 1e-8)

    def energy(self) -> Tensor:
        """sum_k W^2, (out, in), float32."""
        return self.weight[0].float().square().sum(dim=(2, 3))

    def convolve(self, x: Tensor, style: Tensor) -> Tensor:
        """conv(x * s, W) before demodulation: the styles scale activations, so the weights are shared by the batch."""
        scaled = x * style[:, :, None, None].to(x.dtype)
        weight = self.weight[0].to(x.dtype)
        if not self.upsample:
            return F.conv2d(scaled, weight, padding=self.kernel // 2)
        return blur(F.conv_transpose2d(scaled, weight.transpose(0, 1), stride=2), padding=1, gain=4.0)

    def forward(self, x: Tensor, latent: Tensor, *, impl: Implementation = "fast") -> Tensor:
        if impl == "reference":
            return self._reference(x, latent)
        style = self.style(latent)
        y = self.convolve(x, style)
        return y * self.demodulation(style)[:, :, None, None].to(y.dtype) if self.demodulate else y

    def _reference(self, x: Tensor, latent: Tensor) -> Tensor:
        """The formula: weights modulated and demodulated for every sample, one sample at a time."""
        weights = self.weight * self.style(latent)[:, None, :, None, None]  # [B, out, in, k, k]
        if self.demodulate:
            weights = weights * torch.rsqrt(weights.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8)
        return torch.cat([self._reference_sample(x[i : i + 1], weights[i]) for i in range(x.shape[0])])

    def _reference_sample(self, x: Tensor, weight: Tensor) -> Tensor:
        if not self.upsample:
            return F.conv2d(x, weight, padding=self.kernel // 2)
        return blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), padding=1, gain=4.0, impl="reference")
