"""The source's own pose in the identity latent: where it is held, and a last fit of the layers that read it.

The decoder has to undo the source's pose. With a rig that pose is known, so it has a place of its own in the identity latent: M
directions orthogonal to the basis. Knows the encoder, not the decoder.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import OptionError
from ..motion_autoencoder import MotionAutoencoder
from ..types import ProgressCallback
from . import rig as rigs
from .face_dataset import FaceDataset

_FEATURE_BATCH = 16
_FIT_BATCH = 64


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


def fit_pose_head(
    networks: MotionAutoencoder,
    data: FaceDataset,
    *,
    steps: int,
    seed: int,
    samples: int = 3200,
    on_progress: ProgressCallback | None = None,
) -> None:
    """Fits the last encoder block, the 4x4 convolution and `fc` to the rig's poses, on features computed once.

    No skip feature depends on these layers, and what the identity holds beside the pose is kept, so the decoder's work stays as it is.
    """
    generator = torch.Generator().manual_seed(seed)
    trunk, head = networks.enc.net_app.convs[:-2], networks.enc.net_app.convs[-2:]
    features, poses = _features(nn.Sequential(*trunk), data, networks.config.size, samples, generator, on_progress)
    code = pose_directions(networks.basis())
    beside = torch.eye(len(code), device=code.device) - code @ code.T
    with torch.no_grad():
        kept = torch.cat([nn.Sequential(*head)(part).flatten(1) for part in features.split(_FIT_BATCH)]) @ beside
    parameters = [*head.parameters(), *networks.enc.fc.parameters()]
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimiser = torch.optim.Adam(parameters, lr=3e-3, betas=(0.9, 0.99))
    for step in range(steps):
        chosen = torch.randint(len(features), (_FIT_BATCH,), generator=generator)
        identity = nn.Sequential(*head)(features[chosen]).flatten(1)
        loss = F.l1_loss(identity @ code, poses[chosen]) + F.l1_loss(networks.enc.fc(identity), poses[chosen])
        loss = loss + 10 * F.mse_loss(identity @ beside, kept[chosen])
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * (1 - step / steps)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if on_progress is not None:
            on_progress("pose head", step + 1, steps)


@torch.no_grad()
def _features(
    trunk: nn.Sequential, data: FaceDataset, size: int, samples: int, generator: torch.Generator, on_progress: ProgressCallback | None
) -> tuple[Tensor, Tensor]:
    """8x8 features of training pictures, mirrored and recoloured, and their coefficients."""
    features, poses = [], []
    device = next(trunk.parameters()).device
    for done in range(0, samples, _FEATURE_BATCH):
        pairs = data.draw(generator, _FEATURE_BATCH, size)
        features.append(trunk(pairs.source.to(device).contiguous(memory_format=torch.channels_last)))
        poses.append(rigs.to_coefficients(pairs.source_rig).to(device))
        if on_progress is not None:
            on_progress("features", min(done + _FEATURE_BATCH, samples), samples)
    return torch.cat(features), torch.cat(poses)
