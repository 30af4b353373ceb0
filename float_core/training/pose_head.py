"""The source's own pose in the identity latent: where it is stored, and how the coefficients are read from it.

The decoder must undo the pose of the source. With a rig this pose is known, so it has its own place in the identity latent: M directions
that are orthogonal to the basis. Knows the encoder, not the decoder.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from ..errors import OptionError
from ..motion_autoencoder.autoencoder import MotionAutoencoder


def pose_directions(basis: Tensor) -> Tensor:
    """(D, M), orthonormal, and orthogonal to the basis (D, M), which determines it. Raises OptionError if D is too small for both."""
    latent, directions = basis.shape
    if latent < 2 * directions:
        raise OptionError(
            f"the latent size is {latent}; a pose code needs at least {2 * directions}. Set the weights pose_code and teach to 0."
        )
    generator = torch.Generator().manual_seed(0)
    spread = torch.randn(latent, directions, generator=generator)
    return torch.linalg.qr(torch.cat((basis.detach().cpu(), spread), 1))[0][:, directions:].to(basis.device)


@torch.no_grad()
def tie_coefficients(networks: MotionAutoencoder) -> None:
    """Makes `fc` read the coefficients from the pose code: lambda = code^T w_{S->r}.

    The layers of `fc` are linear: the first ones pass the latent through, and the last one holds the code. Then the decoder undoes the
    same numbers that drive it, and an image that is decoded from its own motion is the image itself.
    """
    code = pose_directions(networks.basis())
    *passing, last = (cast(Any, layer) for layer in networks.enc.fc)
    for layer in passing:
        layer.weight.copy_(torch.eye(len(code), device=code.device) / layer.scale)
        layer.bias.zero_()
    last.weight.copy_(code.T / last.scale)
    last.bias.zero_()
