"""Phase 1: a few steps fit one pair, stopping and resuming gives the same losses, and growing keeps what was learned."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
import torch

from float_core.config import AutoencoderConfig
from float_core.errors import FloatError, OptionError
from float_core.motion_autoencoder.discriminator import PortraitDiscriminators
from float_core.synthetic.face_dataset import MixedFaces, Shares, write_faces
from float_core.training import precision
from float_core.training.autoencoder_phase import (
    AdversarialAutoencoderPhase,
    AutoencoderPhase,
    as_model,
    build,
    pair_loss,
    spread_of,
    train_autoencoder,
)
from float_core.training.autoencoder_training import AutoencoderTraining, LossWeights, Stage
from float_core.training.growth import grow
from float_core.training.judges import Judges, judge_loss
from float_core.training.loop import LoopConfig, read_checkpoint, read_log, run
from float_core.training.pose_head import pose_directions, tie_coefficients

NETWORK = AutoencoderConfig(size=32, latent_size=40, basis_size=20, channels=(16, 16, 12, 8))
TRAINING = AutoencoderTraining(NETWORK, (Stage(16, 4, 2, 2e-3), Stage(32, 4, 2, 2e-3)), basis_seed=1, precision="float32")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return MixedFaces(write_faces(tmp_path_factory.mktemp("faces"), heads=3, frames=2, size=64, seed=1), Shares())


def test_a_few_steps_fit_one_pair(data):
    torch.manual_seed(0)
    networks = build(TRAINING, TRAINING.stages[1])
    pairs = data.kinds["drawn"].pairs([0], [0], [1], 32)
    optimizer = torch.optim.Adam([p for p in networks.parameters() if p.requires_grad], lr=4e-3)
    losses = []
    for _ in range(60):
        _, loss, parts = pair_loss(networks, pairs, LossWeights(coefficient=1.0), by_rig=True)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(parts)
    assert losses[-1]["pixel"] < 0.5 * losses[0]["pixel"]
    assert losses[-1]["coefficient"] < 0.5 * losses[0]["coefficient"]
    assert losses[-1]["flow"] < losses[0]["flow"]


def test_every_weight_counts(data):
    networks = build(TRAINING, TRAINING.stages[1])
    pairs = data.kinds["drawn"].pairs([0], [0], [1], 32)
    judges = Judges(TinyFeatures(), PortraitDiscriminators(32, part_size=16, widest=16))
    nothing = LossWeights(*[0.0] * len(fields(LossWeights)))
    assert pair_loss(networks, pairs, nothing, True)[1].item() == 0
    for name in vars(nothing):
        weights = replace(nothing, **{name: 2.0})
        _, total, parts = pair_loss(networks, pairs, weights, True, judges=judges)
        assert total.item() == pytest.approx(2 * parts[name], rel=1e-5)
        assert parts[name] > 0
        networks.zero_grad()
        total.backward()
        reached = any(p.grad is not None and p.grad.abs().max() > 0 for p in networks.dec.to_flows.parameters())
        assert reached == (name not in ("coefficient", "coefficient_size", "pose_code")), name


class TinyFeatures(torch.nn.Module):
    """Four levels without weights."""

    name = "tiny"

    def forward(self, images):
        return [torch.nn.functional.avg_pool2d(images, 2**n) for n in range(4)]


def test_opponents_take_their_own_step(data, tmp_path):
    stage = Stage(32, 4, 2, 2e-3, weights=LossWeights(adversary=1.0, eye_adversary=1.0, lip_adversary=1.0, style=10.0))

    def losses(folder, stops):
        torch.manual_seed(3)
        opponents = PortraitDiscriminators(32, part_size=16, widest=32)
        phase = AdversarialAutoencoderPhase(build(TRAINING, stage), data, stage, TRAINING.weights, opponents=opponents)
        before = [p.clone() for p in phase.opponents.parameters()]
        for stop in stops:
            run(phase, LoopConfig(4, 2e-3, log_every=1, sample_every=0, checkpoint_every=0), folder, stop_after=stop)
        assert any(not torch.equal(a, b) for a, b in zip(before, phase.opponents.parameters(), strict=True))
        return [line["losses"] for line in read_log(folder)]

    whole = losses(tmp_path / "a", (4,))
    assert whole == losses(tmp_path / "b", (1, 3))
    assert {"adversary", "eye_adversary", "lip_adversary", "style", "opponents_whole", "opponents_half", "opponents_lips"} <= set(whole[0])


def test_a_stage_may_add_all_judges(data, tmp_path):
    faces, out = _folders(data, tmp_path)
    judged = LossWeights(perceptual=1.0, component_perceptual=1.0, adversary=0.1, eye_adversary=0.1, lip_adversary=0.1, style=1.0)
    stages = (replace(TRAINING.stages[0], steps=1), replace(TRAINING.stages[1], steps=2, weights=judged, accumulate=2))
    train_autoencoder(replace(TRAINING, stages=stages, features="landmarks"), faces, out)
    assert "features none" in (out / "stage_0_16" / "settings.json").read_text()
    second = json.loads((out / "stage_1_32" / "settings.json").read_text())
    assert "features landmarks" in second["note"] and second["accumulate"] == 2
    state = read_checkpoint(out / "stage_1_32")
    assert state["step"] == 2 and any(name.startswith("lips.") for name in state["opponents"])


def test_judges_prefer_targets_after_some_steps(data):
    torch.manual_seed(0)
    pairs = data.kinds["drawn"].pairs([0, 1], [0, 0], [1, 1], 32)
    opponents = PortraitDiscriminators(32, part_size=16, widest=16)
    optimizer = torch.optim.Adam(opponents.parameters(), lr=4e-3, betas=(0.0, 0.99))
    seen = []
    for step in range(12):
        loss, parts = judge_loss(opponents, pairs, torch.zeros_like(pairs.target), penalty=step % 4 == 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(parts["whole"])
    assert seen[-1] < 0.5 * seen[0]


def test_a_collapsed_decoder_is_told(data, monkeypatch):
    stage = replace(TRAINING.stages[1], batch=3)
    phase = AutoencoderPhase(build(TRAINING, stage), data, stage, TRAINING.weights)
    assert phase.loss(torch.Generator().manual_seed(0), 1000)[1]["spread"] > 0.02
    with torch.no_grad():
        for layer in phase.networks.dec.to_rgbs:
            layer.conv[0].weight.zero_()
    with pytest.raises(FloatError, match="collapsed"):
        phase.loss(torch.Generator().manual_seed(0), 1000)
    assert spread_of(torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)) > 0.3


def test_a_run_begins_with_given_weights(data, tmp_path):
    faces, out = _folders(data, tmp_path)
    start = build(TRAINING, TRAINING.stages[1])
    model = as_model(start, tmp_path)
    one = replace(TRAINING, stages=(replace(TRAINING.stages[1], steps=1, learning_rate=1e-9),), weights=LossWeights(pose_code=0.0))
    trained = train_autoencoder(replace(one, basis_seed=None), faces, out, start=model)
    assert torch.equal(trained.dec.direction.weight, start.dec.direction.weight)
    assert torch.allclose(trained.enc.net_app.convs[1].conv1[0].weight, start.enc.net_app.convs[1].conv1[0].weight, atol=1e-6)
    other = train_autoencoder(replace(one, seed=5), faces, tmp_path / "other")
    assert not torch.allclose(other.enc.net_app.convs[1].conv1[0].weight, start.enc.net_app.convs[1].conv1[0].weight, atol=1e-2)


def test_precision_is_chosen_by_trying(monkeypatch):
    seconds = {torch.float32: 1.0, torch.bfloat16: 0.5}
    monkeypatch.setattr(precision, "_trial", lambda device, dtype: seconds[dtype])
    precision.fastest_precision.cache_clear()
    assert precision.fastest_precision("cpu") == torch.bfloat16
    precision.fastest_precision.cache_clear()
    seconds[torch.bfloat16] = 0.95
    assert precision.fastest_precision("cpu") == torch.float32
    precision.fastest_precision.cache_clear()
    monkeypatch.undo()
    assert precision.fastest_precision("cpu") in (torch.float32, torch.bfloat16)


def test_bfloat16_trains_float32_weights(data):
    networks = build(TRAINING, TRAINING.stages[1])
    pairs = data.kinds["drawn"].pairs([0, 1], [0, 0], [1, 1], 32)
    (output, total, _), (fine, exact, _) = (pair_loss(networks, pairs, LossWeights(), True, dtype=d) for d in (torch.bfloat16, None))
    assert output.dtype == torch.float32 and (output - fine).abs().mean() < 0.05
    assert total.item() == pytest.approx(exact.item(), rel=0.05)
    total.backward()
    assert networks.dec.convs[0].conv.weight.grad.dtype == torch.float32


def test_the_taught_pose_replaces_the_encoders(data):
    networks = build(TRAINING, TRAINING.stages[1])
    pairs = data.kinds["drawn"].pairs([0, 1], [0, 0], [1, 1], 32)
    code = pose_directions(networks.basis())
    assert torch.allclose(code.T @ code, torch.eye(20), atol=1e-5) and (code.T @ networks.basis()).abs().max() < 1e-5
    free, taught = (pair_loss(networks, pairs, LossWeights(), True, mask)[2] for mask in (torch.zeros(2, 1), torch.ones(2, 1)))
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
    image = data.kinds["drawn"].pairs([0], [0], [1], 32).source
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
