"""The transformer's structure: names, attention band, conditions per frame, where training starts."""

from __future__ import annotations

import json
from dataclasses import astuple

import pytest
import torch

from float_core.config import MINI, TransformerConfig
from float_core.motion_flow.transformer import FlowMatchingTransformer, sinusoid


def test_names_and_shapes_are_those_of_the_released_checkpoint(reference):
    layout = json.loads((reference / "checkpoint_layout.json").read_text())["fmt"]
    with torch.device("meta"):
        network = FlowMatchingTransformer(TransformerConfig())
    found = {f"fmt.{name}": list(tensor.shape) for name, tensor in network.state_dict().items()}
    assert found == layout["parameters"]
    assert {f"fmt.{name}" for name in network.constant_keys} == set(layout["buffers"])


def test_the_mask_is_there_even_on_the_meta_device():
    with torch.device("meta"):
        network = FlowMatchingTransformer(TransformerConfig(hidden_size=16, heads=2, depth=1))
    mask = network.alignment_mask
    assert mask.device.type == "cpu" and mask.dtype == torch.bool and mask.shape == (60, 60)
    assert (~mask).sum(dim=1).tolist() == [3, 4, *[5] * 56, 4, 3]


@torch.no_grad()
def test_a_frame_sees_two_frames_to_each_side_and_block(transformer, conditions):
    x = torch.randn(2, 7, 6)
    other = x.clone()
    other[:, 6] += 1.0  # frame 9 of 10; two blocks reach 4 frames
    changed = (transformer(x, 0.5, *astuple(conditions)) - transformer(other, 0.5, *astuple(conditions))).abs().amax(dim=(0, 2)) > 0
    assert changed.tolist() == [False] * 5 + [True] * 5


@torch.no_grad()
def test_time_may_be_one_for_all_or_one_each(transformer, conditions):
    x = torch.randn(2, 7, 6)
    both = transformer(x, torch.tensor([0.25, 0.75]), *astuple(conditions))
    torch.testing.assert_close(both[0], transformer(x, 0.25, *astuple(conditions))[0])
    torch.testing.assert_close(both[1], transformer(x, 0.75, *astuple(conditions))[1])


@torch.no_grad()
def test_an_emotion_for_every_frame_equals_one_for_all_when_it_does_not_vary(transformer, conditions):
    x = torch.randn(2, 7, 6)
    audio, source, emotion, motion_before, audio_before = astuple(conditions)
    repeated = transformer(x, 0.5, audio, source, emotion.repeat(1, 10, 1), motion_before, audio_before)
    torch.testing.assert_close(repeated, transformer(x, 0.5, audio, source, emotion, motion_before, audio_before))


def test_training_starts_from_velocity_zero_and_gets_a_gradient():
    assert MINI.transformer is not None
    network = FlowMatchingTransformer(MINI.transformer)
    c = network.config
    shapes = [(1, c.window, c.audio_size), (1, c.latent_size), (1, 1, 7), (1, c.preceding, c.latent_size), (1, c.preceding, c.audio_size)]
    velocity = network(torch.randn(1, c.window, c.latent_size), 0.5, *(torch.randn(*shape) for shape in shapes))
    assert velocity.shape == (1, c.tokens, c.latent_size)
    assert not velocity.any()
    (velocity - 1).square().mean().backward()
    assert network.decoder.linear.weight.grad is not None and network.decoder.linear.weight.grad.any()
    assert network.pos_embed.std() > 0.1


def test_sinusoid_is_cosines_then_sines():
    result = sinusoid(torch.tensor([0.0, 1.0]), 4)
    assert result[0].tolist() == [1.0, 1.0, 0.0, 0.0]
    expected = torch.tensor([1.0, 0.01])
    torch.testing.assert_close(result[1], torch.cat([expected.cos(), expected.sin()]))


@pytest.mark.parametrize("t", [0, 0.0, torch.tensor(0.0)])
@torch.no_grad()
def test_time_takes_numbers_and_tensors(transformer, conditions, t):
    x = torch.ones(2, 7, 6)
    assert torch.equal(transformer(x, t, *astuple(conditions)), transformer(x, 0.0, *astuple(conditions)))
