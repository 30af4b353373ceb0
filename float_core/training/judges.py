"""The networks that phase 1 asks beside the auto-encoder, and the parts of the loss that come from them: features of a network that was
trained on photographs, and discriminators of whole images, eyes and lips.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..motion_autoencoder.discriminator import PortraitDiscriminators
from ..synthetic.face_dataset import FacePairs
from .feature_networks import FeatureNetwork
from .losses import (
    component_feature_l1,
    cut_component,
    discriminator_loss,
    feature_l1,
    generator_loss,
    gradient_penalty,
    gram_l1,
    split_eyes,
)

PENALTY, PENALTY_EVERY = 1.0, 16  # R1's weight, and in which steps it is computed


@dataclass(frozen=True)
class Judges:
    """Networks beside the auto-encoder that the loss asks.

    features: for the perceptual parts.
    opponents: for the adversaries and the style.
    """

    features: FeatureNetwork | None = None
    opponents: PortraitDiscriminators | None = None


NOBODY = Judges()


def judged_losses(output: Tensor, pairs: FacePairs, judges: Judges, dtype: torch.dtype | None) -> dict[str, Tensor]:
    """The parts that ask feature network and opponents, as far as there are any."""
    parts: dict[str, Tensor] = {}
    if judges.features is not None:
        made = judges.features(output)
        with torch.no_grad():
            wanted = judges.features(pairs.target)
        parts["perceptual"] = feature_l1(made, wanted)
        parts["component_perceptual"] = component_feature_l1(made, wanted, (pairs.flow.mouth, pairs.flow.eyes))
    if judges.opponents is not None:
        opponents = judges.opponents
        scales = zip(opponents.whole, (output, F.avg_pool2d(output, 2)), strict=True)
        parts["adversary"] = torch.stack([generator_loss(judge(image, dtype)[0]) for judge, image in scales]).mean()
        style = []
        for name, (made, wanted) in cut_parts(output, pairs, opponents.part_size).items():
            logits, features = getattr(opponents, name)(made, dtype)
            with torch.no_grad():
                true_features = getattr(opponents, name)(wanted, dtype)[1]
            parts[{"eyes": "eye_adversary", "lips": "lip_adversary"}[name]] = generator_loss(logits)
            style.append(gram_l1(features, true_features))
        if style:
            parts["style"] = torch.stack(style).mean()
    return parts


def cut_parts(output: Tensor, pairs: FacePairs, size: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Eyes and lips (n, 3, size, size) of outputs and of targets, where the targets show them."""
    masks = {"eyes": split_eyes(pairs.flow.eyes), "lips": (pairs.flow.mouth,)}
    parts = {
        name: (
            torch.cat([cut_component(output, mask, size)[0] for mask in of_part]),
            torch.cat([cut_component(pairs.target, mask, size)[0] for mask in of_part]),
        )
        for name, of_part in masks.items()
    }
    return {name: cut for name, cut in parts.items() if len(cut[0])}


def judge_loss(
    opponents: PortraitDiscriminators, pairs: FacePairs, made: Tensor, *, penalty: bool, dtype: torch.dtype | None = None
) -> tuple[Tensor, dict[str, float]]:
    """The discriminators' loss: targets against outputs `made`, whole and in parts; with `penalty` and R1, which is weighted by how seldom
    it is computed."""
    images = {"whole": (made, pairs.target), "half": (F.avg_pool2d(made, 2), F.avg_pool2d(pairs.target, 2))}
    judges = {"whole": opponents.whole[0], "half": opponents.whole[1], "eyes": opponents.eyes, "lips": opponents.lips}
    total, parts = made.new_zeros(()), {}
    for name, (fake, real) in (images | cut_parts(made, pairs, opponents.part_size)).items():
        real = real.detach().requires_grad_(penalty)
        true_logits = judges[name](real, None if penalty else dtype)[0]
        loss = discriminator_loss(true_logits, judges[name](fake, dtype)[0])
        parts[name] = float(loss.detach())
        if penalty:
            loss = loss + PENALTY * PENALTY_EVERY * gradient_penalty(true_logits, real)
        total = total + loss
    return total, parts
