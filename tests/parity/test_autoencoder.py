"""The auto-encoder against the reference's numbers, at full width, in float32."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from float_core.config import FLOAT_512, AutoencoderConfig
from float_core.motion_autoencoder.autoencoder import MotionAutoencoder, constant_keys
from float_core.motion_autoencoder.fast_decoders.batch_decoder import BatchDecoder

TOLERANCE = 1e-5
PREFIX = "motion_autoencoder."


def _config(size: int) -> AutoencoderConfig:
    channels = FLOAT_512.autoencoder.channels
    return AutoencoderConfig(size=size, channels=channels[: size.bit_length() - 2])


@pytest.fixture(scope="module", params=[128, 512])
@torch.no_grad()
def run(request, reference, refweights):
    """(expected numbers, identity, lambda, skips, basis, frames) for one image size; the large network is filled once."""
    expected = np.load(reference / f"autoencoder_{request.param}.npz")
    with torch.device("meta"):
        network = MotionAutoencoder(_config(request.param))
    weights = {name: torch.from_numpy(refweights.tensor(PREFIX + name, p.shape)).float() for name, p in network.named_parameters()}
    network.load_state_dict(weights, strict=True, assign=True)
    image = torch.from_numpy(refweights.picture(request.param, float(expected["phase"]))).float()
    identity, coefficients, skips = network.encode(image[None])
    basis = network.basis()
    latents = identity + torch.from_numpy(expected["lambdas"]) @ basis.T
    frames = network.decode(latents, skips), network.prepare(skips)(latents), BatchDecoder(network.dec, skips)(latents)
    return expected, identity, coefficients, skips, basis, frames


def test_identity_and_coefficients(run, relative_error):
    expected, identity, coefficients, _, basis, _ = run
    assert relative_error(identity[0], expected["s_r"]) < TOLERANCE
    assert relative_error(coefficients[0], expected["lam"]) < TOLERANCE
    assert relative_error(basis @ coefficients[0], expected["r_s"]) < TOLERANCE


def test_basis(run, relative_error):
    expected, _, _, _, basis, _ = run
    assert relative_error(basis, expected["q"]) < TOLERANCE


def test_skip_features(run, relative_error):
    expected, _, _, skips, _, _ = run
    assert [list(skip.shape[1:]) for skip in skips] == expected["feat_shapes"].tolist()
    assert relative_error(torch.stack([skip.mean() for skip in skips]), expected["feat_mean"]) < TOLERANCE
    assert relative_error(torch.stack([skip.std() for skip in skips]), expected["feat_std"]) < TOLERANCE
    heads = torch.stack([skip[0].flatten()[:64] for skip in skips])
    assert relative_error(heads, expected["feat_head"]) < TOLERANCE


@pytest.mark.parametrize("way", [0, 1, 2], ids=["decode", "prepared", "batched"])
def test_frames(run, relative_error, way):
    expected, _, _, _, _, frames = run
    stride = int(expected["stride"])
    for frame, numbers in zip(frames[way][:, :, ::stride, ::stride], expected["frames"], strict=True):
        assert relative_error(frame, numbers) < TOLERANCE


def test_names_and_shapes_are_the_released_ones(reference):
    layout = json.loads((reference / "checkpoint_layout.json").read_text())["motion_autoencoder"]
    with torch.device("meta"):
        network = MotionAutoencoder(FLOAT_512.autoencoder)
    assert {PREFIX + name: list(p.shape) for name, p in network.named_parameters()} == layout["parameters"]
    assert {PREFIX + name for name in constant_keys(FLOAT_512.autoencoder)} == set(layout["buffers"])
