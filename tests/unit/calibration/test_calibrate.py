"""Calibration against known truth: a decoder whose flow is the renderer's own, and the bundled model with its basis turned about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

import float_core
from float_core import Calibration, FloatModel, ModelConfig, OptionError, Provenance, direction_name, load_model
from float_core.calibration import NaturalRange, basis_fingerprint, calibrate, read_calibration, same_basis
from float_core.calibration.mirror_matrix import mirror_matrix
from float_core.calibration.rig_attribution import Attribution, attribute
from float_core.calibration.rig_fields import KnownHeads, RigFields, rig_fields
from float_core.cli.main import main
from float_core.synthetic import rig as rigs
from float_core.synthetic.head_geometry import HeadShape
from float_core.synthetic.synthetic_faces import flow

HEADS, SIZE, SEED = 2, 64, 3
SCALES = torch.tensor(rigs.RIG_SCALES)
# What each direction of the exact decoder moves, in typical spreads per unit.
MIXTURE = (
    {"pitch": -1.5},
    {"roll": 0.5},
    {"yaw": 0.7, "smile": 0.7},
    {"jaw_open": 0.8, "brow_inner": 0.6},
    {},
    {"yaw": -0.7, "smile": 0.7},  # the mirror image of direction 2
    {"blink": -1.0},
    {"gaze_x": 1.0},
)


class ExactDecoder(nn.Module):
    """Reads made-up coefficients off the known heads, and moves them exactly as the mixture says."""

    def __init__(self, mixture: Tensor, basis: Tensor, heads: KnownHeads) -> None:
        super().__init__()
        self.mixture, self.basis, self.heads = mixture, basis, heads
        self.config = SimpleNamespace(size=heads.images.shape[-1])
        self.own = torch.linspace(-1, 1, len(mixture))[None]

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        (index,) = [i for i, known in enumerate(self.heads.images) if torch.equal(known, images[0])]
        return torch.full((1, len(self.basis)), 0.25), self.own, (torch.tensor(index),)

    def decode(self, latent: Tensor, skips: tuple[Tensor, ...], *, return_flows: bool = False) -> tuple[None, list[Tensor], list[Tensor]]:
        assert return_flows
        moved = (latent - 0.25) @ self.basis - self.own
        own = self.heads.rig[skips[0]].expand(len(latent), -1)
        shape = HeadShape(self.heads.shape.values[skips[0]].expand(len(latent), -1))
        volume = self.heads.look.hair_volume[skips[0]].expand(len(latent), -1)
        grid = flow(shape, volume, own, own + (moved @ self.mixture) * SCALES, own, self.config.size).grid
        return None, [grid], []


def as_matrix(mixture: tuple[dict[str, float], ...]) -> Tensor:
    return torch.tensor([[amounts.get(name, 0.0) for name in rigs.RIG_NAMES] for amounts in mixture])


def exact_model(mixture: Tensor) -> FloatModel:
    basis = torch.linalg.qr(torch.randn(24, len(mixture), generator=torch.Generator().manual_seed(1)))[0]
    decoder = ExactDecoder(mixture, basis, KnownHeads.sample(HEADS, SIZE, SEED))
    return FloatModel(ModelConfig("exact"), Provenance("exact.safetensors", "", "", ""), autoencoder=decoder, basis_tensor=basis)


@pytest.fixture(scope="module")
def exact() -> Calibration:
    model = exact_model(as_matrix(MIXTURE))
    found = calibrate(model, heads=HEADS, seed=SEED)
    assert same_basis(found.fingerprint, basis_fingerprint(model.basis))
    return found


@pytest.mark.parametrize("k", [k for k, amounts in enumerate(MIXTURE) if amounts])
def test_known_mixtures_are_found_again(exact, k):
    direction, amounts = exact.directions[k], MIXTURE[k]
    assert {label.name for label in direction.labels} == set(amounts)
    total = sum(amount**2 for amount in amounts.values())
    for label in direction.labels:
        assert label.per_unit == pytest.approx(amounts[label.name] * SCALES[rigs.index(label.name)].item(), rel=0.05)
        assert label.strength == pytest.approx(amounts[label.name] ** 2 / total, abs=0.05)
        assert (label.group, label.unit) == (rigs.RIG_GROUPS[label.name], rigs.RIG_UNITS[label.name])
    assert direction.fit > 0.97
    assert [label.strength for label in direction.labels] == sorted((label.strength for label in direction.labels), reverse=True)


def test_a_mixed_direction_is_named_with_both(exact):
    assert direction_name(exact, 0) == "pitch (λ0)"
    assert direction_name(exact, 3) == "jaw_open + brow_inner (λ3)"


def test_a_direction_that_does_nothing_says_so(exact):
    assert exact.directions[4].labels == ()
    assert exact.directions[4].fit == 0
    assert direction_name(exact, 4) == "λ4"


def test_a_decoder_that_moves_nothing_at_all(exact):
    still = calibrate(exact_model(torch.zeros(3, 20)), heads=HEADS, seed=SEED)
    assert [(one.labels, one.fit) for one in still.directions] == [((), 0.0)] * 3
    assert still.directions[0].low < 0 < still.directions[0].high  # a range that can be shown all the same


def test_the_mirror_swaps_directions_that_are_mirror_images(exact):
    mirror = torch.tensor(exact.mirror)
    expected = torch.diag(torch.tensor([1.0, -1.0, 0.0, 1.0, 1.0, 0.0, 1.0, -1.0]))
    expected[2, 5] = expected[5, 2] = 1
    moving = [0, 1, 2, 3, 5, 6, 7]
    assert (mirror - expected)[moving][:, moving].abs().max() < 0.15
    assert torch.allclose(mirror @ mirror, torch.eye(8), atol=1e-3)


def test_without_sampled_motion_ranges_are_guessed_and_say_so(exact):
    assert "guessed" in exact.provenance
    assert exact.directions[0].high == pytest.approx(2.5 / 1.5, rel=0.05)  # 2.5 typical spreads of pitch
    assert all(one.low == -one.high and one.spread == pytest.approx(one.high / 2.33, rel=1e-3) for one in exact.directions)


@pytest.fixture(scope="module")
def fields() -> RigFields:
    return rig_fields(KnownHeads.sample(HEADS, SIZE, SEED), SIZE)


def test_all_mixtures_of_three_are_found_among_controls_that_look_alike(fields):
    generator = torch.Generator().manual_seed(0)
    truth = torch.zeros(10, 20)
    for row in truth:
        row[torch.randperm(20, generator=generator)[:3]] = torch.tensor([1.0, -0.9, 1.1])
    found = attribute(fields, torch.einsum("kc,nchwx->nkhwx", truth, fields.fields))
    assert torch.allclose(found.amounts, truth, atol=2e-3)
    assert found.fit.min() > 0.999


def test_an_error_of_a_tenth_of_a_large_motion_is_no_further_label(fields):
    """What least squares over all controls gets wrong: a turning head whose flow is a little off."""
    yaw = fields.fields[:, [rigs.index("yaw")]]
    noise = torch.randn(HEADS, 2, 7, 7, generator=torch.Generator().manual_seed(2))
    ripple = torch.nn.functional.interpolate(noise, size=SIZE, mode="bicubic").permute(0, 2, 3, 1)[:, None]
    measured = yaw + 0.15 * ripple * yaw.norm(dim=-1, keepdim=True)
    found = attribute(fields, measured)
    assert found.strengths[0, rigs.index("yaw")] > 0.85
    weight = fields.weight[:, None, ..., None].sqrt()
    columns = ((x * weight).permute(0, 2, 3, 4, 1).reshape(-1, x.shape[1]) for x in (fields.fields, measured))
    plain = torch.linalg.lstsq(*columns).solution[:, 0]
    assert plain[rigs.index("yaw")] ** 2 < 0.5 * plain.square().sum()


def test_pure_directions_have_a_mirror_of_signs(fields):
    truth = as_matrix(({"roll": -1.0}, {"smile": 1.0, "jaw_open": 1.0}, {"gaze_x": 0.4, "yaw": 0.2}))
    measured = torch.einsum("kc,nchwx->nkhwx", truth, fields.fields)
    assert torch.equal(mirror_matrix(fields, measured, attribute(fields, measured)), torch.diag(torch.tensor([-1.0, 1.0, -1.0])))
    unnamed = Attribution(torch.zeros(3, 20), torch.zeros(3, 20), torch.zeros(3))  # then the fields themselves say it
    assert torch.equal(mirror_matrix(fields, measured, unnamed), torch.diag(torch.tensor([-1.0, 1.0, -1.0])))


def test_a_natural_range_is_of_deviations_from_each_clips_mean():
    ramp = torch.arange(101.0)[:, None]
    found = NaturalRange.of_clips([ramp, ramp + 1000], "by hand")
    assert (found.low, found.high) == ((-49.0,), (49.0,))  # percentiles 1 and 99 of -50 to 50
    assert found.spread[0] == pytest.approx((sum(x * x for x in range(-50, 51)) / 101) ** 0.5, abs=1e-4)
    assert NaturalRange.of_clips([torch.zeros(5, 2)], "").high == (0.0, 0.0)


def test_no_heads_are_refused():
    with pytest.raises(OptionError, match="heads is 0"):
        calibrate(load_model("mini"), heads=0)


class Turned(nn.Module):
    """An auto-encoder whose coefficients are those of another, permuted and with signs turned: lambda' = lambda @ turn."""

    def __init__(self, inner: nn.Module, turn: Tensor) -> None:
        super().__init__()
        self.inner, self.turn, self.config = inner, turn, inner.config

    def encode(self, images):
        identity, coefficients, skips = self.inner.encode(images)
        return identity, coefficients @ self.turn, skips

    def decode(self, *arguments, **named):
        return self.inner.decode(*arguments, **named)


def test_labels_follow_a_basis_that_is_permuted_and_turned():
    model = load_model("mini")
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(20, generator=generator)
    signs = torch.randint(2, (20,), generator=generator) * 2.0 - 1
    turn = torch.eye(20)[:, order] * signs
    turned = replace(model, autoencoder=Turned(model.require("autoencoder"), turn), basis_tensor=model.basis @ turn)
    before, after = (calibrate(one, heads=1) for one in (model, turned))
    named = 0
    for k, (old, sign) in enumerate(zip(order.tolist(), signs.tolist(), strict=True)):
        labels = before.directions[old].labels
        assert [label.name for label in after.directions[k].labels] == [label.name for label in labels]
        for found, label in zip(after.directions[k].labels, labels, strict=True):
            assert found.per_unit == pytest.approx(sign * label.per_unit, rel=0.02)
            assert found.strength == pytest.approx(label.strength, abs=0.01)
        assert after.directions[k].fit == pytest.approx(before.directions[old].fit, abs=0.01)
        named += bool(labels)
    assert named >= 16


def test_the_bundled_calibration_is_of_the_bundled_model(recwarn):
    model = load_model("mini")
    assert not recwarn.list
    assert model.calibration is not None
    for k in (*range(13), 19):  # where the decoder really learned what it was taught
        first = model.calibration.directions[k].labels[0]
        assert first.name == rigs.RIG_NAMES[k]
        assert 0.5 < first.per_unit / rigs.RIG_SCALES[k] < 1.1
    assert torch.equal(torch.tensor(model.calibration.mirror), torch.diag(torch.tensor(rigs.MIRROR_SIGNS).float()))
    assert all(one.low < 0 < one.high and one.high - one.low > one.spread > 0 for one in model.calibration.directions)


def test_the_command_writes_table_file_and_sheet(tmp_path, monkeypatch, capsys):
    tone = float_core.AudioClip(0.1 * torch.randn(8000, generator=torch.Generator().manual_seed(0)), 16000)
    monkeypatch.setattr("float_core.cli.calibrate._voices", lambda seed: [tone])
    out, sheet = tmp_path / "new" / "mini.json", tmp_path / "sheet.png"
    portrait = Path(__file__).parents[3] / "assets" / "portrait.jpg"
    options = ["--image", str(portrait), "--heads", "1", "--seed", "5", "--out", str(out), "--sheet", str(sheet), "--device", "cpu"]
    assert main(["calibrate", "mini", *options]) == 0
    shown, told = capsys.readouterr()
    found = read_calibration(out)
    assert "7 emotions" in found.provenance and "seed 5" in found.provenance and "1 rendered head" in found.provenance
    assert len(shown.splitlines()) == 21 and "yaw (" in shown.splitlines()[1]
    assert str(out) in told and sheet.stat().st_size > 10_000


def test_the_command_without_range_and_its_mistakes(tmp_path, monkeypatch, capsys):
    seen = {}

    def measured(model, **options):
        seen.update(options)
        return model.calibration

    monkeypatch.setattr("float_core.calibration.calibrate", measured)
    assert main(["calibrate", "mini", "--no-range", "--out", str(tmp_path / "a.json"), "--device", "cpu"]) == 0
    assert (seen["ranges"], seen["heads"], seen["seed"]) == (None, 12, 0)
    assert read_calibration(tmp_path / "a.json") == load_model("mini").calibration
    capsys.readouterr()
    assert main(["calibrate", "mini", "--sheet", "sheet.jpg"]) == 2
    assert "ends in .png" in capsys.readouterr().err
    assert main(["calibrate", "mini", "--seed", "-1"]) == 2
    assert "--seed is -1" in capsys.readouterr().err
