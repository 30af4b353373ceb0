"""Every loss by numbers that a hand can check, and where its gradient goes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from float_core.motion_autoencoder.discriminator import Discriminator, PortraitDiscriminators, group_spread
from float_core.synthetic.synthetic_faces import Flow
from float_core.training import losses


def test_pixels_at_several_scales():
    output, target = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    output[:, :, ::2] = 1.0  # every second row: one half at full size, and a half of each after pooling
    assert losses.multi_scale_l1(output, target).item() == pytest.approx(0.5)
    output[:, :, 1::2] = -1.0  # pooled, the rows cancel
    assert losses.multi_scale_l1(output, target).item() == pytest.approx(1 / 3)


def test_edges_count_where_they_are():
    output, target = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    output[..., 2:] = 1.0
    assert losses.gradient_l1(output, target).item() == pytest.approx(4 / 12)  # one step in each of four rows, of 12 differences


def test_a_component_is_divided_by_its_area():
    output, target = torch.zeros(1, 3, 8, 8, requires_grad=True), torch.zeros(1, 3, 8, 8)
    mask = torch.zeros(1, 8, 8)
    mask[:, 2:6, 2:6] = 1
    wrong = output + 0.5 * F.pad(torch.ones(1, 3, 4, 4), (2, 2, 2, 2))
    # the whole square is wrong by a half; edges: along the two sides where a difference to the next pixel lies inside the mask
    assert losses.component_l1(wrong, target, (mask,)).item() == pytest.approx(0.5 + 2 * 4 * 0.5 / 16)
    losses.component_l1(wrong, target, (mask,)).backward()
    assert output.grad is not None and output.grad[:, :, 2:6, 2:6].abs().min() > 0 and output.grad[:, :, 0].abs().max() == 0


def test_features_and_their_components():
    a, b = [torch.ones(1, 2, 4, 4), torch.ones(1, 4, 2, 2)], [torch.zeros(1, 2, 4, 4), torch.full((1, 4, 2, 2), -1.0)]
    assert losses.feature_l1(a, b).item() == pytest.approx(1.5)
    quarter = torch.zeros(1, 8, 8)
    quarter[:, :4, :4] = 1
    nothing = torch.zeros(1, 8, 8)
    # inside of the mask the differences are 1 and 2; a component that is nowhere counts as 0
    assert losses.component_feature_l1(a, b, (quarter,)).item() == pytest.approx(1.5)
    assert losses.component_feature_l1(a, b, (quarter, nothing)).item() == pytest.approx(0.75)
    outside = [level.clone() for level in a]
    outside[0][..., 2:] = 100.0  # not in the mask
    assert losses.component_feature_l1(outside, b, (quarter,)).item() == pytest.approx(1.5)


def test_gram_matrices():
    features = torch.zeros(1, 2, 1, 2)
    features[0, 0], features[0, 1] = torch.tensor([1.0, 1.0]), torch.tensor([1.0, -1.0])
    assert torch.allclose(losses.gram(features), torch.eye(2) * 2 / 4)
    moved = features.flip(3)  # the same style at other places
    assert losses.gram_l1([features], [moved]).item() == 0
    assert losses.gram_l1([features], [torch.zeros_like(features)]).item() == pytest.approx(0.25)


def test_adversaries():
    zero = torch.zeros(4, 1)
    assert losses.generator_loss(zero).item() == pytest.approx(math.log(2))
    assert losses.discriminator_loss(zero, zero).item() == pytest.approx(2 * math.log(2))
    sure = torch.full((4, 1), 20.0)
    assert losses.discriminator_loss(sure, -sure).item() < 1e-6 < losses.generator_loss(-sure).item()


def test_the_gradient_penalty_of_a_linear_judge():
    images = torch.randn(2, 3, 4, 4).requires_grad_()
    weight = torch.full((3, 4, 4), 0.5, requires_grad=True)
    penalty = losses.gradient_penalty((images * weight).sum((1, 2, 3), keepdim=True).flatten(1), images)
    assert penalty.item() == pytest.approx(0.5 * 48 * 0.25)
    penalty.backward()
    assert torch.allclose(weight.grad, weight.detach())  # half a square's derivative


def test_components_are_cut_around_their_masks():
    images = torch.zeros(2, 3, 32, 32)
    images[0, :, 8:16, 16:24] = 1.0
    mask = torch.zeros(2, 32, 32)
    mask[0, 8:16, 16:24] = 1
    images.requires_grad_()
    cut, shown = losses.cut_component(images, mask, 12, margin=1.5)
    assert shown.tolist() == [True, False] and cut.shape == (1, 3, 12, 12)
    assert cut[0, 0, 3:9, 3:9].min() > 0.99 and cut[0, 0, :1].max() < 0.01  # 8 of 12 pixels are the square
    cut.sum().backward()
    assert images.grad[0, 0, 10, 18] > 0 and images.grad[0, 0, 30, 2] == 0 and images.grad[1].abs().max() == 0


def test_both_eyes_are_told_apart():
    mask = torch.zeros(1, 8, 16)
    mask[:, 2:4, 1:4], mask[:, 3:5, 12:15] = 1, 1
    left, right = losses.split_eyes(mask)
    assert left[0, :, 8:].sum() == 0 and right[0, :, :8].sum() == 0 and torch.equal(left + right, mask)


def test_flows_are_weighted_by_mouth_and_eyes():
    grid = torch.zeros(1, 8, 8, 2)
    exact = Flow(grid.clone(), torch.ones(1, 8, 8), torch.zeros(1, 8, 8), torch.zeros(1, 8, 8))
    exact.mouth[:, 0, 0] = 1
    wrong = grid.clone()
    wrong[:, 0, 0, 0] = 0.5
    elsewhere = grid.clone()
    elsewhere[:, 7, 7, 0] = 0.5
    assert losses.flow_l1([wrong], exact).item() == pytest.approx(0.5 * 31 / (63 + 31))
    assert losses.flow_l1([elsewhere], exact).item() == pytest.approx(0.5 / (63 + 31))
    unknown = Flow(exact.grid, torch.zeros(1, 8, 8), exact.mouth, exact.eyes)
    assert losses.flow_l1([wrong], unknown).item() == 0  # a real clip's flow is not known


def test_discriminators_take_images_and_give_features():
    torch.manual_seed(0)
    judge = Discriminator(32, widest=32)
    images = torch.randn(4, 3, 32, 32).requires_grad_()
    logits, features = judge(images)
    assert logits.shape == (4, 1) and [f.shape[-1] for f in features] == [32, 16, 8, 4]
    losses.gradient_penalty(logits, images).backward()  # R1 differentiates twice, through every blur
    assert all(p.grad is not None for name, p in judge.named_parameters() if name.endswith("weight"))
    halves = judge(images.detach(), torch.bfloat16)[0]
    assert halves.dtype == torch.float32 and torch.allclose(halves, logits, atol=0.1 * float(logits.detach().abs().max()) + 0.05)
    alike = torch.randn(1, 5, 4, 4).expand(4, -1, -1, -1)
    assert group_spread(alike).max() < 1e-3 < group_spread(torch.randn(4, 5, 4, 4)).min()
    assert {len(judge.blocks) for judge in PortraitDiscriminators(64).whole} == {4, 3}


def test_a_discriminator_learns_to_tell():
    torch.manual_seed(0)
    judge = Discriminator(16, widest=16)
    optimizer = torch.optim.Adam(judge.parameters(), lr=4e-3, betas=(0.0, 0.99))
    for _ in range(60):
        real, fake = torch.randn(8, 3, 16, 16), F.interpolate(torch.randn(8, 3, 8, 8), size=16)
        loss = losses.discriminator_loss(judge(real)[0], judge(fake)[0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.9  # two times ln 2 at the beginning
