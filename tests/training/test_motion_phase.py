"""Phase 2 in small: a few steps overfit one clip, resuming equals not stopping, windows are cut where they should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from float_core.config import PRESETS, CompactAudioConfig, TransformerConfig
from float_core.errors import OptionError
from float_core.motion_flow.probability_path import PathSample
from float_core.training import loop, motion_dataset, motion_phase, motion_samples
from float_core.training.clip_mouths import drawn_opening
from float_core.training.mel_augmentation import disturb_mel, warp_bands
from float_core.training.motion_sources import MaterialConfig, MotionSource, load_sources

TRANSFORMER = TransformerConfig(latent_size=24, audio_size=16, hidden_size=48, depth=2, heads=2, window=20, preceding=6, frequency_size=32)
AUDIO = CompactAudioConfig(feature_size=16, mel_bands=24, width=24, dilations=(1, 2))
QUIET = motion_phase.MotionPhaseConfig(
    batch=8, drop_reference=0.0, drop_emotion=0.0, drop_audio=0.0, drop_preceding=0.3, disturb_mels=0.0, own_share=0.0
)
PLAIN = MaterialConfig(variants=0)


def basis() -> torch.Tensor:
    return torch.linalg.qr(torch.randn(24, 20, generator=torch.Generator().manual_seed(0)))[0]


def write_clips(folder: Path, count: int = 3, frames: int = 45) -> Path:
    """Clips whose jaw follows the loudness of a tone."""
    random = np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    for index in range(count):
        loud = np.interp(np.arange(frames), np.arange(0, frames + 10, 5)[: frames // 5 + 2], random.random(frames // 5 + 2) > 0.5)
        rig, rest = np.zeros((frames, 20), np.float32), np.zeros(20, np.float32)
        rest[0] = 5.0 * (index - 1)
        rig[:] = rest
        rig[:, 6] = 0.6 * loud
        wave = (np.repeat(loud, 640) * np.sin(np.arange(frames * 640) * 0.2)).astype(np.float32)
        np.savez(folder / f"{index}.npz", waveform=wave, rig=rig, rest=rest, emotion=4, held_out=index == count - 1)
    return folder


def source(folder: Path) -> list[MotionSource]:
    return [MotionSource("synthetic", folder)]


def clips_in(folder: Path, networks: motion_phase.MotionNetworks) -> list[motion_dataset.MotionClip]:
    return load_sources(source(folder), basis(), networks.audio_encoder, PLAIN)


def training(steps: int, phase: motion_phase.MotionPhaseConfig = QUIET) -> motion_phase.MotionTraining:
    settings = loop.LoopConfig(steps, 3e-3, warmup=5, ema_decay=0.98, log_every=5, checkpoint_every=10, sample_every=0)
    return motion_phase.MotionTraining(TRANSFORMER, AUDIO, settings, phase, PLAIN)


def test_a_few_steps_learn_that_the_mouth_follows_the_voice(tmp_path: Path) -> None:
    data = write_clips(tmp_path / "data", count=2)
    networks = motion_phase.train_motion(training(200), source(data), basis(), tmp_path / "run")
    log = loop.read_log(tmp_path / "run")
    assert log[-1]["losses"]["total"] < 0.5 * log[0]["losses"]["total"]
    clips = [clip for clip in clips_in(data, networks) if not clip.held_out]
    options = motion_samples.SamplingOptions(audio_guidance=1.0)
    runs = motion_samples.sample_clips(networks, clips, basis(), options)
    assert motion_samples.metrics.mouth_correlation(*([drawn_opening(r) for r in rigs] for rigs in (runs.sampled, runs.true))) > 0.7
    assert motion_samples.control(runs.sampled[0], "yaw").mean() == pytest.approx(-5.0, abs=2.5)


def test_resuming_equals_not_stopping(tmp_path: Path) -> None:
    data = write_clips(tmp_path / "data")
    config = training(20, motion_phase.MotionPhaseConfig(batch=6))
    motion_phase.train_motion(config, source(data), basis(), tmp_path / "whole")
    half = replace(config, loop=replace(config.loop, schedule="constant"))
    whole = replace(half, loop=half.loop)
    motion_phase.train_motion(replace(half, loop=replace(half.loop, steps=10)), source(data), basis(), tmp_path / "parts")
    motion_phase.train_motion(half, source(data), basis(), tmp_path / "parts")
    motion_phase.train_motion(whole, source(data), basis(), tmp_path / "constant")
    losses = [[line["losses"] for line in loop.read_log(tmp_path / name)] for name in ("parts", "constant")]
    assert losses[0] == losses[1]


def test_samples_write_measures_and_curves(tmp_path: Path) -> None:
    data = write_clips(tmp_path / "data")
    networks = motion_phase.MotionNetworks(TRANSFORMER, AUDIO)
    phase = motion_phase.MotionPhase(networks, clips_in(data, networks), basis(), QUIET)
    assert len(phase.mixture.clips) == 2
    assert len(phase.held_out) == 1
    phase.write_samples(networks, tmp_path, 7)
    assert '"step": 7' in (tmp_path / "measures.jsonl").read_text()


def test_windows_see_what_the_whole_clip_sees(tmp_path: Path) -> None:
    networks = motion_phase.MotionNetworks(TRANSFORMER, AUDIO)
    encoder = networks.audio_encoder.eval()
    clip = clips_in(write_clips(tmp_path / "data", frames=80), networks)[0]
    whole = encoder.encode_mel(clip.mel[None].float(), 80)[0]
    for first in (True, False):
        cut = motion_dataset.draw_windows(
            [clip], window=20, preceding=6, context=encoder.reach, first=first, generator=torch.Generator().manual_seed(2)
        )
        start = next(i for i in range(80) if torch.equal(clip.motion[i : i + len(cut.motion[0])], cut.motion[0]))
        frames = cut.mel.shape[1] // 4
        features = encoder.encode_mel(cut.mel, frames)[0]
        skipped = 0 if first else encoder.reach
        assert start == 0 if first else start > encoder.reach
        torch.testing.assert_close(features[skipped : skipped + len(cut.motion[0])], whole[start : start + len(cut.motion[0])])


def test_the_step_from_given_frames_counts_only_where_there_are_any() -> None:
    error = torch.tensor([[[1.0], [3.0]], [[1.0], [3.0]]])
    difference = motion_phase.velocity_error(error, torch.tensor([1.0, 0.0]).view(2, 1, 1))
    assert difference.flatten().tolist() == [1.0, 2.0, 0.0, 2.0]


def test_the_loss_is_that_of_the_paper_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    networks = motion_phase.MotionNetworks(TRANSFORMER, AUDIO)  # untrained, its velocity is 0: the error is the velocity itself
    clips = clips_in(write_clips(tmp_path / "data"), networks)
    frame = torch.zeros(20)
    frame[3] = 1.0
    velocity = torch.zeros(4, 20, 24)
    velocity[:, :] = frame @ basis().T  # one coefficient is off by 1 in every frame, so no difference between frames but the first one
    monkeypatch.setattr(motion_phase, "straight_path", lambda x0, x1, t: PathSample(x1, t, velocity))
    for seam, dropped, first in ((1.0, 0.0, 1.0), (3.0, 0.0, 3.0), (1.0, 1.0, 0.0)):
        config = replace(QUIET, batch=4, first_share=0.0, drop_preceding=dropped, seam_weight=seam, velocity_weight=2.0, basis_weight=0.5)
        loss, parts = motion_phase.MotionPhase(networks, clips, basis(), replace(config, norm="l2")).loss(
            torch.Generator().manual_seed(0), 0
        )
        wanted = {"ot": 1 / 24, "vel": first**2 / 24 / 20, "ot_basis": 1 / 20, "vel_basis": first**2 / 20 / 20}
        assert parts == pytest.approx(wanted, rel=1e-4, abs=1e-9)
        total = wanted["ot"] + 2 * wanted["vel"] + 0.5 * (wanted["ot_basis"] + 2 * wanted["vel_basis"])
        assert loss.item() == pytest.approx(total, rel=1e-4)


def test_windows_follow_what_the_model_sampled_itself(tmp_path: Path) -> None:
    networks = motion_phase.MotionNetworks(TRANSFORMER, AUDIO)
    torch.nn.init.normal_(networks.fmt.decoder.linear.weight, std=0.1)
    clips = clips_in(write_clips(tmp_path / "data", frames=80), networks)
    phase = motion_phase.MotionPhase(networks, clips, basis(), replace(QUIET, own_share=0.5, own_from=100, preceding_noise=0.0))
    target, _source, _emotion, before, audio, before_audio = phase._own(8, torch.Generator().manual_seed(0))
    assert before.shape == (8, 6, 24) and target.shape == (8, 20, 24) and audio.shape == (8, 20, 16)
    assert before.grad_fn is None and not before.requires_grad, "sampled without gradient"
    assert audio.requires_grad and before_audio.requires_grad
    true = torch.stack([clip.motion for clip in clips if not clip.held_out])  # motion of the clips is flat outside of the jaw
    step = (target[:, 0] - before[:, -1]) @ basis()
    jump = (target[:, -1] - before[:, -1]) @ basis()
    assert step[:, 0].abs().max() < 0.1 * jump[:, 0].abs().max() + 0.05, "the head goes on from where it was sampled"
    assert ((target @ basis())[:, -1, 9:].abs() < 1e-3).all() and true.abs().max() > 0, "the face is back at the truth"


@pytest.mark.parametrize("half", [False, True])
def test_sampling_own_frames_takes_no_gradient_away(tmp_path: Path, half: bool) -> None:
    networks = motion_phase.MotionNetworks(TRANSFORMER, AUDIO)
    torch.nn.init.normal_(networks.fmt.decoder.linear.weight, std=0.1)
    clips = clips_in(write_clips(tmp_path / "data"), networks)
    config = replace(QUIET, own_share=0.5, own_from=0, half=half, batch=4, drop_preceding=0.0)
    loss, _parts = motion_phase.MotionPhase(networks, clips, basis(), config).loss(torch.Generator().manual_seed(0), 10)
    loss.backward()
    without = [name for name, weight in networks.named_parameters() if weight.grad is None]
    assert not without, "autocast keeps weights that were cast without gradient"


def test_the_share_of_own_windows_rises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    networks = motion_phase.MotionNetworks(TRANSFORMER, AUDIO)
    clips = clips_in(write_clips(tmp_path / "data"), networks)
    phase = motion_phase.MotionPhase(networks, clips, basis(), replace(QUIET, own_share=0.5, own_from=100))
    asked = []
    own = phase._own
    monkeypatch.setattr(phase, "_own", lambda count, generator: asked.append(count) or own(count, generator))
    for step in (0, 50, 100, 900):
        phase._batch(torch.Generator().manual_seed(3), step)
    assert asked == [0, 2, 4, 4]


def test_dropped_conditions_are_zeros(tmp_path: Path) -> None:
    data = write_clips(tmp_path / "data")
    networks = motion_phase.MotionNetworks(TRANSFORMER, AUDIO)
    clips = clips_in(data, networks)
    everything = motion_phase.MotionPhaseConfig(batch=8, drop_reference=1.0, drop_emotion=1.0, drop_audio=1.0, drop_preceding=1.0)
    _, given = motion_phase.MotionPhase(networks, clips, basis(), everything)._batch(torch.Generator().manual_seed(0), 0)
    for part in (given.audio, given.source, given.emotion, given.preceding, given.preceding_audio):
        assert not part.any()
    _, given = motion_phase.MotionPhase(networks, clips, basis(), replace(QUIET, batch=16, drop_preceding=0.0))._batch(torch.Generator(), 0)
    assert not given.preceding[:2].any()  # first windows
    assert given.preceding[2:].abs().sum((1, 2)).min() > 0
    assert given.source.abs().sum(1).min() > 0


def test_mel_augmentation_keeps_shape_and_silence_can_stay_silent() -> None:
    mel = torch.rand(16, 40, 24)
    changed = disturb_mel(mel, torch.Generator().manual_seed(0))
    assert changed.shape == mel.shape
    assert torch.isfinite(changed).all()
    assert (disturb_mel(torch.zeros(16, 40, 24), torch.Generator().manual_seed(0)).amax((1, 2)) == 0).any()
    torch.testing.assert_close(warp_bands(mel, torch.zeros(16)), mel)


def test_the_shipped_configuration_is_read_and_wrong_ones_are_named(tmp_path: Path) -> None:
    config = motion_phase.MotionTraining.read(Path(motion_phase.__file__).parent / "configs" / "mini_motion.json")
    networks = motion_phase.MotionNetworks(config.transformer, config.audio)
    assert config.transformer.latent_size == PRESETS["mini"].autoencoder.latent_size
    assert 2 * sum(weight.numel() for weight in networks.parameters()) < 12e6, "bytes in half precision"
    broken = tmp_path / "broken.json"
    broken.write_text('{"preset": "mini", "loop": {"step": 3}}')
    with pytest.raises(OptionError, match=r"broken\.json"):
        motion_phase.MotionTraining.read(broken)
    with pytest.raises(OptionError, match="synthesize"):
        clips_in(tmp_path / "none", motion_phase.MotionNetworks(TRANSFORMER, AUDIO))
