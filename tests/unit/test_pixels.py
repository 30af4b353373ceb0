"""Values to bytes and back."""

from __future__ import annotations

import torch

from float_core.pixels import from_bytes, to_bytes, to_rows


def test_every_byte_comes_back():
    levels = torch.arange(256, dtype=torch.uint8)
    values = from_bytes(levels)
    assert values.dtype == torch.float32 and float(values[0]) == -1 and float(values[255]) == 1
    assert torch.equal(to_bytes(values), levels)


def test_bytes_are_rounded_not_cut():
    step = 1 / 127.5
    assert to_bytes(torch.tensor([-1 + 0.49 * step, -1 + 0.51 * step, 1 - 0.49 * step, 1 - 0.51 * step])).tolist() == [0, 1, 255, 254]


def test_what_is_outside_is_held():
    assert to_bytes(torch.tensor([-3.0, -1.0001, 1.0001, 70.0])).tolist() == [0, 0, 255, 255]


def test_half_precision_and_gradients():
    values = torch.linspace(-1, 1, 7, dtype=torch.float16).requires_grad_()
    assert to_bytes(values).dtype == torch.uint8
    assert not from_bytes(torch.tensor([12.25])).requires_grad


def test_levels_between_bytes():
    assert torch.allclose(from_bytes(torch.tensor([63.75, 127.5])), torch.tensor([-0.5, 0.0]))


def test_rows_for_files():
    image = from_bytes(torch.arange(24, dtype=torch.uint8).view(3, 2, 4))
    rows = to_rows(image)
    assert rows.shape == (2, 4, 3) and rows[1, 2].tolist() == [6, 14, 22]
