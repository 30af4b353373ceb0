"""The source's own pose in the identity latent: where it is held, and how the coefficients are read off it.

The decoder has to undo the source's pose. With a rig that pose is known, so it has a place of its own in the identity latent: M
directions orthogonal to the basis. Knows the encoder, not the decoder.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from ..errors import OptionError
from ..motion_autoencoder.autoencoder import MotionAutoencoder


def pose_directions(basis: Tensor) -> Tensor:
    """(D, M) orthonormal and orthogonal to the basis (D, M). Fixed by the basis. Raises OptionError where D leaves no room for it."""
    latent, directions = basis.shape
    if latent < 2 * directions:
        raise OptionError(
            f"a pose code needs a latent of {2 * directions} or more; it is {latent}. Set the weight pose_code and teach to 0."
        )
    generator = torch.Generator().manual_seed(0)
    spread = torch.randn(latent, directions, generator=generator)
    return torch.linalg.qr(torch.cat((basis.detach().cpu(), spread), 1))[0][:, directions:].to(basis.device)


@torch.no_grad()
def tie_coefficients(networks: MotionAutoencoder) -> None:
    """Makes `fc` read the coefficients off the pose code: lambda = code^T w_{S->r}.

    The layers of `fc` are linear, so the first ones pass the latent through and the last one holds the code. What the decoder undoes and
    what it is driven by are then the same numbers, and an image decoded from its own motion is the image.
    """
    code = pose_directions(networks.basis())
    *passing, last = (cast(Any, layer) for layer in networks.enc.fc)
    for layer in passing:
        layer.weight.copy_(torch.eye(len(code), device=code.device) / layer.scale)
        layer.bias.zero_()
    last.weight.copy_(code.T / last.scale)
    last.bias.zero_()
