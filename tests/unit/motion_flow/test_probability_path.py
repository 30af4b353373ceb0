"""The straight path between noise and data."""

from __future__ import annotations

import torch

from float_core.motion_flow.probability_path import straight_path


def test_ends_and_middle():
    x0, x1 = torch.randn(3, 4, 2), torch.randn(3, 4, 2)
    sample = straight_path(x0, x1, torch.tensor([0.0, 0.25, 1.0]))
    torch.testing.assert_close(sample.x_t[0], x0[0])
    torch.testing.assert_close(sample.x_t[1], 0.75 * x0[1] + 0.25 * x1[1])
    torch.testing.assert_close(sample.x_t[2], x1[2])
    assert torch.equal(sample.velocity, x1 - x0)


def test_following_the_velocity_from_any_point_ends_at_the_data():
    x0, x1, t = torch.randn(2, 5), torch.randn(2, 5), torch.tensor([0.3, 0.8])
    sample = straight_path(x0, x1, t)
    torch.testing.assert_close(sample.x_t + (1 - t)[:, None] * sample.velocity, x1)
