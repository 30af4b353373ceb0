"""Phase 1: a few steps fit one pair, stopping and resuming gives the same losses, and growing keeps what was learned."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from float_core.config import AutoencoderConfig
from float_core.errors import OptionError
from float_core.synthetic.face_dataset import FaceDataset, write_faces
from float_core.training.autoencoder_phase import (
    AutoencoderPhase,
    AutoencoderTraining,
    LossWeights,
    Stage,
    as_model,
    build,
    pair_loss,
    train_autoencoder,
)
from float_core.training.growth import grow
from float_core.training.loop import LoopConfig, read_log, run
from float_core.training.pose_head import pose_directions, tie_coefficients

NETWORK = AutoencoderConfig(size=32, latent_size=40, basis_size=20, channels=(16, 16, 12, 8))
TRAINING = AutoencoderTraining(NETWORK, (Stage(16, 4, 2, 2e-3), Stage(32, 4, 2, 2e-3)), basis_seed=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return FaceDataset(write_faces(tmp_path_factory.mktemp("faces"), heads=3, frames=2, size=64, seed=1), hold_out=1)


def test_a_few_steps_fit_one_pair(data):
    torch.manual_seed(0)
    networks = build(TRAINING, TRAINING.stages[1])
    pairs = data.pairs([0], [0], [1], 32)
    optimizer = torch.optim.Adam([p for p in networks.parameters() if p.requires_grad], lr=4e-3)
    losses = []
    for _ in range(60):
        loss, parts = pair_loss(networks, pairs, LossWeights(), by_rig=True)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(parts)
    assert losses[-1]["pixel"] < 0.5 * losses[0]["pixel"]
    assert losses[-1]["coefficient"] < 0.5 * losses[0]["coefficient"]
    assert losses[-1]["flow"] < losses[0]["flow"]


def test_every_weight_counts(data):
    networks = build(TRAINING, TRAINING.stages[1])
    pairs = data.pairs([0], [0], [1], 32)
    nothing = LossWeights(0, 0, 0, 0, 0, 0)
    assert pair_loss(networks, pairs, nothing, True)[0].item() == 0
    for name in vars(nothing):
        total, parts = pair_loss(networks, pairs, replace(nothing, **{name: 2.0}), True)
        assert total.item() == pytest.approx(2 * parts[name], rel=1e-5)
        assert parts[name] > 0


def test_the_taught_pose_replaces_the_encoders(data):
    networks = build(TRAINING, TRAINING.stages[1])
    pairs = data.pairs([0, 1], [0, 0], [1, 1], 32)
    code = pose_directions(networks.basis())
    assert torch.allclose(code.T @ code, torch.eye(20), atol=1e-5) and (code.T @ networks.basis()).abs().max() < 1e-5
    free, taught = (pair_loss(networks, pairs, LossWeights(), True, mask)[1] for mask in (torch.zeros(2, 1), torch.ones(2, 1)))
    assert free["flow"] != taught["flow"] and free["pose_code"] == taught["pose_code"]
    with pytest.raises(OptionError, match="at least 40"):
        pose_directions(torch.eye(24)[:, :20])


def test_resuming_gives_the_losses_of_not_stopping(data, tmp_path):
    def losses(folder, stops):
        torch.manual_seed(3)
        phase = AutoencoderPhase(build(TRAINING, TRAINING.stages[0]), data, TRAINING.stages[0], TRAINING.weights)
        for stop in stops:
            run(phase, LoopConfig(6, 2e-3, log_every=1, sample_every=0, checkpoint_every=0), folder, stop_after=stop)
        return [line["losses"]["total"] for line in read_log(folder)]

    assert losses(tmp_path / "a", (6,)) == losses(tmp_path / "b", (2, 3, 1))


def test_the_frozen_basis_stays(data, tmp_path):
    networks = train_autoencoder(TRAINING, *_folders(data, tmp_path))
    fresh = build(TRAINING, TRAINING.stages[1])
    assert torch.equal(networks.dec.direction.weight, fresh.dec.direction.weight)
    assert networks.config == NETWORK
    model = as_model(networks, tmp_path)
    assert torch.allclose(model.basis.T @ model.basis, torch.eye(20), atol=1e-5)


def _folders(data, tmp_path):
    write_faces(tmp_path / "faces", heads=3, frames=2, size=64, seed=1)
    return tmp_path / "faces", tmp_path / "out"


def test_growing_keeps_the_coarse_levels(data):
    small, large = build(TRAINING, TRAINING.stages[0]), build(TRAINING, TRAINING.stages[1])
    grow(small, large, data, seed=0, steps=2)
    assert torch.equal(large.dec.convs[2].conv.weight, small.dec.convs[2].conv.weight)
    assert torch.equal(large.enc.net_app.convs[-1].weight, small.enc.net_app.convs[-1].weight)
    with pytest.raises(OptionError, match="cannot grow"):
        grow(large, small, data, seed=0, steps=1)


def test_tied_coefficients_are_the_pose_code(data):
    networks = build(TRAINING, TRAINING.stages[1])
    image = data.pairs([0], [0], [1], 32).source
    tie_coefficients(networks)
    identity, coefficients, _ = networks.encode(image)
    assert torch.allclose(coefficients, identity @ pose_directions(networks.basis()), atol=1e-4)


def test_samples_are_written(data, tmp_path):
    phase = AutoencoderPhase(build(TRAINING, TRAINING.stages[0]), data, TRAINING.stages[0], TRAINING.weights, torch.zeros(1, 3, 32, 32))
    phase.write_samples(phase.networks, tmp_path, 7)
    assert {path.name for path in tmp_path.iterdir()} == {"heads_000007.jpg", "portrait_000007.jpg"}


def test_configurations(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"preset": "mini", "stages": [{"size": 64, "steps": 1, "batch": 1, "learning_rate": 1e-3}]}))
    assert AutoencoderTraining.read(path).network.size == 256
    path.write_text(json.dumps({"preset": "mini", "stages": [{"sise": 64}]}))
    with pytest.raises(OptionError, match="sise"):
        AutoencoderTraining.read(path)
