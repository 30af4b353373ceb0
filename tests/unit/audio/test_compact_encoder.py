import math
from pathlib import Path

import pytest
import torch
import torchaudio

from float_core.audio.compact_encoder import CompactAudioEncoder
from float_core.audio.log_mel import mel_filters
from float_core.audio.waveform import stream_audio
from float_core.config import CompactAudioConfig
from float_core.errors import AudioError, OptionError
from float_core.frame_rate import frame_count
from float_core.types import AudioClip, AudioFile


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return CompactAudioEncoder(CompactAudioConfig()).eval()


def voice(seconds=2.0, gain=0.1):
    """A vowel with pauses."""
    time = torch.arange(int(seconds * 16000)) / 16000
    tones = sum(torch.sin(2 * math.pi * 120 * k * time) / k for k in range(1, 20))
    return (gain * tones * (torch.sin(2 * math.pi * 2 * time) > 0))[None]


@pytest.mark.parametrize("samples", [1, 2, 159, 639, 640, 641, 16000, 27681])
@torch.no_grad()
def test_every_length_gives_its_frames(encoder, samples):
    features = encoder(0.1 * torch.randn(2, samples))
    assert features.shape == (2, frame_count(samples, 16000, 25), 64) and bool(torch.isfinite(features).all())


def test_size_and_state(encoder):
    assert sum(p.numel() for p in encoder.parameters()) < 500_000
    assert not dict(encoder.named_buffers())


@torch.no_grad()
def test_silence_is_zero_and_a_noise_floor_is_not_a_voice(encoder):
    torch.manual_seed(1)
    assert encoder.mel(torch.zeros(1, 16000)).abs().max() == 0
    assert encoder.mel(torch.full((1, 16000), 0.5)).abs().max() == 0
    hiss = encoder.mel(1e-4 * torch.randn(1, 16000)).mean()  # -80 dB
    speech = encoder.mel(voice())[:, 2:20].mean()
    assert hiss < 0.2 * speech


@pytest.mark.parametrize("gain", [0.02, 1.0, 4.0])
@torch.no_grad()
def test_loudness_does_not_matter(encoder, gain):
    assert torch.allclose(encoder.mel(voice(gain=gain)), encoder.mel(voice()), atol=2e-3)


@torch.no_grad()
def test_added_silence_does_not_change_the_level(encoder):
    long = torch.cat([voice(), torch.zeros(1, 64000)], dim=1)
    assert torch.allclose(encoder.mel(long)[:, :190], encoder.mel(voice())[:, :190], atol=0.02)


@torch.no_grad()
def test_a_click_hardly_changes_the_level(encoder):
    clicked = voice()
    clicked[0, 6000] = 1.0
    difference = encoder.mel(clicked)[:, 60:] - encoder.mel(voice())[:, 60:]
    assert difference.abs().max() < 0.1


@torch.no_grad()
def test_mel_frames_are_centered_and_bands_rise_with_pitch(encoder):
    click = torch.zeros(1, 16000)
    click[0, 8000] = 1.0
    energy = encoder.mel(click)[0].mean(-1)
    assert energy.argmax() == 50 and torch.allclose(energy[49], energy[51], atol=1e-3)
    time = torch.arange(16000) / 16000
    peaks = [encoder.mel(0.1 * torch.sin(2 * math.pi * hz * time)[None])[0, 50].argmax().item() for hz in (100, 200, 400, 1000, 3000, 7000)]
    assert peaks == sorted(set(peaks))


def test_no_mel_filter_is_empty():
    filters = mel_filters(16000, 64, 1024)
    assert torch.allclose(filters.sum(0), torch.ones(64, dtype=torch.float64)) and bool((filters >= 0).all())


def test_receptive_field_is_centered_and_as_declared(encoder):
    mel = torch.zeros(1, 400, 64, requires_grad=True)
    encoder.encode_mel(mel, 100)[0, 50].sum().backward()
    seen = mel.grad[0].abs().sum(-1).nonzero()[:, 0]
    assert seen.min() + seen.max() == 2 * 200  # frame 50 looks to both sides of mel frame 200
    assert 200 - seen.min() >= 8 * 4 and (200 - seen.min()) * 160 + 200 <= encoder.reach * 640 <= 13 * 640


@torch.no_grad()
def test_a_cut_out_with_its_surroundings_equals_the_whole(encoder):
    mel = encoder.mel(voice(4.0))
    whole, reach = encoder.encode_mel(mel, 100), encoder.reach
    start, stop = 40, 60
    part = encoder.encode_mel(mel[:, (start - reach) * 4 : (stop + reach) * 4], stop - start + 2 * reach)
    assert torch.allclose(part[:, reach:-reach], whole[:, start:stop], atol=1e-5)


@pytest.mark.parametrize("samples", [1, 16000, 524 * 640, 524 * 640 + 1, 45 * 16000 - 333, 70 * 16000 + 5])
@torch.no_grad()
def test_a_stream_is_the_whole_to_rounding(encoder, samples):
    recording = voice(samples / 16000 + 1)[:, :samples] * torch.linspace(0.2, 1.0, samples) + 0.03
    pieces = list(encoder.stream(stream_audio(AudioClip(recording[0], 16000), 16000)))
    assert len(pieces) == 1 + max(0, -(-(frame_count(samples, 16000, 25) - 500 - 2 * encoder.reach) // 500))
    torch.testing.assert_close(torch.cat(pieces, dim=1), encoder(recording), rtol=1e-4, atol=2e-5)


@torch.no_grad()
def test_the_first_piece_comes_before_the_sound_is_read_again(encoder):
    recording, read = voice(120.0)[0], []

    def blocks():
        read.append(0)
        for block in recording.split(16000):
            read[-1] += 1
            yield block

    pieces = encoder.stream(stream_audio(AudioFile(Path("a.wav"), 16000, len(recording), 1, blocks), 16000))
    assert 500 <= next(pieces).shape[1] <= 500 + 2 * encoder.reach
    assert read == [120, 120, 21]  # for the mean, for the level, for the first window


def test_gradients_reach_weights_and_waveform(encoder):
    recording = voice(0.5).requires_grad_()
    encoder(recording).square().mean().backward()
    assert bool(torch.isfinite(recording.grad).all()) and recording.grad.abs().sum() > 0
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())
    silent = torch.zeros(1, 800, requires_grad=True)
    encoder(silent).sum().backward()
    assert bool(torch.isfinite(silent.grad).all())


def test_mel_constants_made_while_inferring_serve_training():
    model = CompactAudioEncoder(CompactAudioConfig(mel_bands=48))
    with torch.inference_mode():
        model(voice(0.5))
    recording = voice(0.5).requires_grad_()
    model(recording).sum().backward()
    assert recording.grad is not None


@torch.no_grad()
def test_deterministic_and_built_without_memory(encoder):
    assert torch.equal(encoder(voice()), encoder(voice()))
    with torch.device("meta"):
        bare = CompactAudioEncoder(CompactAudioConfig())
    bare.load_state_dict(encoder.state_dict(), assign=True)
    assert torch.equal(bare(voice()), encoder(voice()))


@pytest.mark.half_precision
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.no_grad()
def test_half_precision_loses_by_rounding_alone(encoder, in_precision, dtype):
    exact, best = encoder(voice()), in_precision(encoder, dtype)(voice())
    found = encoder.to(dtype)(voice())
    assert found.dtype == dtype and (found.float() - best).norm() < (best - exact).norm()


def test_errors(encoder):
    for wrong in (torch.zeros(16000), torch.zeros(1, 0)):
        with pytest.raises(AudioError, match="shape"):
            encoder(wrong)
    with pytest.raises(AudioError, match="expected"):
        encoder.encode_mel(torch.zeros(1, 99, 64), 25)
    with pytest.raises(OptionError, match="quarter of a frame"):
        CompactAudioEncoder(CompactAudioConfig(), fps=24)


def test_filters_are_those_of_torchaudio():
    """Which is not asked while running: a ComfyUI need not have it, and no version of it fits every torch."""
    triangles = torchaudio.functional.melscale_fbanks(513, 60.0, 7600.0, 64, 16000, norm=None, mel_scale="htk")
    torch.testing.assert_close(mel_filters(16000, 64, 1024).float(), triangles / triangles.sum(dim=0), rtol=0, atol=2e-6)
