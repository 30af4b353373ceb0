"""Every fast layer against its plain reference: values and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from float_core.motion_autoencoder.appearance_encoder import ResidualBlock
from float_core.motion_autoencoder.face_decoder import StyledConv, ToFlow
from float_core.motion_autoencoder.stylegan_layers import (
    Blur,
    ConvLayer,
    EqualLinear,
    ModulatedConv2d,
    activate,
    blur,
    mix_channels,
    upsample,
)

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def _close(fast: Tensor, plain: Tensor, tolerance: float = 1e-5) -> None:
    assert fast.shape == plain.shape
    assert (fast - plain).norm() <= tolerance * plain.norm()


def _same_with_gradients(fast, plain, inputs: list[Tensor]) -> None:
    """Both give the same result, and the same gradients for a random direction."""
    results = [fast(), plain()]
    _close(*results)
    direction = torch.randn(results[0].shape, generator=torch.Generator().manual_seed(5))
    for a, b in zip(*(torch.autograd.grad(result, inputs, direction) for result in results), strict=True):
        _close(a, b, 5e-5)


def _draw(*shape: int, layout: torch.memory_format = torch.contiguous_format) -> Tensor:
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))
    return (x.contiguous(memory_format=layout) if x.ndim == 4 else x).requires_grad_()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("padding", "gain"), [(0, 1.0), (1, 4.0), (2, 1.0), (3, 1.0)])
def test_blur_is_the_padded_depthwise_convolution(padding, gain, layout):
    x = _draw(2, 5, 9, 9, layout=layout)
    _same_with_gradients(lambda: blur(x, padding, gain), lambda: blur(x, padding, gain, impl="reference"), [x])


@pytest.mark.parametrize("size", [2, 6, 8])
def test_the_halving_blur_has_the_gradient_of_its_formula(size):
    layer = Blur(padding=1, stride=2)
    x = _draw(2, 3, size, size).detach().double().requires_grad_()
    _same_with_gradients(lambda: layer(x), lambda: layer(x, impl="reference"), [x])
    assert torch.autograd.gradgradcheck(layer, x)


def test_blur_has_second_derivatives():
    x = _draw(1, 2, 5, 5).detach().double().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda y: blur(y, 1, 4.0) ** 2, [x])


def test_blur_of_inference_mode_does_not_spoil_training():
    with torch.inference_mode():
        blur(torch.ones(1, 3, 4, 4), 1, 0.5)
    x = _draw(1, 3, 4, 4)
    blur(x, 1, 0.5).sum().backward()
    assert x.grad is not None


def test_blur_keeps_a_constant():
    assert torch.allclose(blur(torch.ones(1, 1, 8, 8), 0), torch.ones(1, 1, 5, 5))


def test_upsample_is_zero_insertion_and_blur():
    x = _draw(2, 3, 6, 6)
    _same_with_gradients(lambda: upsample(x), lambda: upsample(x, impl="reference"), [x])


def test_upsample_by_hand():
    """Bilinear with zeros beyond the edges: outer pixels get three quarters of their neighbor."""
    line = upsample(torch.tensor([[[[4.0, 8.0]]]]).expand(1, 1, 2, 2))[0, 0, 1]
    assert torch.allclose(line, torch.tensor([3.0, 5.0, 7.0, 6.0]))


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
def test_modulated_convolution_is_the_formula(up, demodulate):
    layer = ModulatedConv2d(6, 4, 3, 5, upsample=up, demodulate=demodulate)
    x, latent = _draw(3, 6, 8, 8), _draw(3, 5)
    inputs = [x, latent, *layer.parameters()]
    _same_with_gradients(lambda: layer(x, latent), lambda: layer(x, latent, impl="reference"), inputs)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("up", [False, True])
def test_styled_convolution_is_the_formula(up, layout):
    layer = StyledConv(8, 6, 5, upsample=up)
    torch.nn.init.normal_(layer.activate.bias)
    x, latent = _draw(2, 8, 8, 8, layout=layout), _draw(2, 5)
    inputs = [x, latent, layer.conv.weight, layer.conv.modulation.weight, layer.activate.bias]
    _same_with_gradients(lambda: layer(x, latent), lambda: layer(x, latent, impl="reference"), inputs)


def test_flow_is_the_modulated_convolution_plus_the_coarser_flow():
    layer = ToFlow(6, 5, first=True)
    torch.nn.init.normal_(layer.conv.weight)
    x, latent, coarser = _draw(2, 6, 8, 8), _draw(2, 5), _draw(2, 3, 4, 4)
    inputs = [x, latent, coarser, layer.conv.weight, layer.bias]

    def plain() -> Tensor:
        return layer.conv(x, latent, impl="reference") + layer.bias + upsample(coarser, impl="reference")

    _same_with_gradients(lambda: layer(x, latent, coarser), plain, inputs)


@pytest.mark.parametrize(
    ("kernel", "down", "activated"), [(1, False, True), (3, False, True), (3, True, True), (1, True, False), (1, True, True)]
)
def test_conv_layer_is_the_formula(kernel, down, activated):
    layer = ConvLayer(5, 7, kernel, downsample=down, activated=activated, gain=0.5)
    if activated:
        torch.nn.init.normal_(layer[-1].bias)
    x = _draw(2, 5, 8, 8, layout=torch.channels_last)
    assert layer(x).shape == (2, 7, 4, 4) if down else (2, 7, 8, 8)
    _same_with_gradients(lambda: layer(x), lambda: layer(x, impl="reference"), [x, *layer.parameters()])


def test_residual_block_is_the_formula():
    block = ResidualBlock(4, 6)
    for layer in (block.conv1, block.conv2):
        torch.nn.init.normal_(layer[-1].bias)
    x = _draw(2, 4, 16, 16)

    def plain() -> Tensor:
        y = activate(torch.nn.functional.conv2d(x, block.conv1[0].weight / 6.0, padding=1), block.conv1[1].bias)
        y = torch.nn.functional.conv2d(blur(y, 2, impl="reference"), block.conv2[1].weight / 6.0, stride=2)
        skip = torch.nn.functional.conv2d(blur(x, 1, impl="reference"), block.skip[1].weight / 2.0, stride=2)
        return (activate(y, block.conv2[2].bias) + skip) / 2**0.5

    _same_with_gradients(lambda: block(x), plain, [x, *block.parameters()])


def test_mix_channels_is_a_1x1_convolution():
    x, weight, bias = _draw(2, 5, 4, 4, layout=torch.channels_last), _draw(3, 5), _draw(3)
    plain = torch.nn.functional.conv2d(x, weight[:, :, None, None], bias)
    _close(mix_channels(x, weight, bias), plain)
    _close(mix_channels(x, weight.expand(2, 3, 5), bias), plain)


def test_equal_linear_divides_by_the_root_of_its_inputs():
    layer = EqualLinear(4, 2, bias_init=1.0)
    x = torch.ones(1, 4)
    assert torch.allclose(layer(x), layer.weight.sum(1) / 2.0 + 1.0)
