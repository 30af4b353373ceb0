"""A voice is heard wherever the channels have it."""

import math
import warnings

import pytest
import torch

from float_core.errors import AudioError
from float_core.media.downmix import BLOCK, ChannelMeter, mix, mix_to_mono, usual_names

RATE = 16000
TIME = torch.arange(5 * RATE) / RATE
VOICE = 0.4 * torch.sin(2 * math.pi * 150 * TIME + 8 * torch.sin(9 * TIME)) * torch.sin(3 * TIME).abs()
NOISE = 0.1 * torch.randn(3, len(TIME), generator=torch.Generator().manual_seed(0))
SILENCE = torch.zeros(len(TIME))
FIVE_ONE = ("FL", "FR", "FC", "LFE", "BL", "BR")


def weights_of(channels: torch.Tensor, names: tuple[str, ...], *, stereo: bool = False) -> torch.Tensor:
    meter = ChannelMeter(names)
    for block in channels.split(BLOCK, dim=1):
        meter.add(block)
    return meter.stereo() if stereo else meter.mono("a.wav")[0]


def share_of_voice(mixed: torch.Tensor) -> float:
    """The amplitude of the voice in the mix, against the voice itself."""
    return float(mixed @ VOICE / (VOICE @ VOICE))


@pytest.mark.parametrize(
    ("channels", "share"),
    [
        ([VOICE], 1),
        ([VOICE, VOICE], 1),
        ([VOICE, SILENCE], 1),
        ([SILENCE, VOICE], 1),
        ([VOICE, 0.002 * NOISE[0]], 1),
        ([VOICE, NOISE[0]], 0.5),
        ([SILENCE, SILENCE, VOICE, SILENCE, SILENCE, SILENCE], 1),
        ([NOISE[0], NOISE[1], VOICE, NOISE[2], NOISE[0], NOISE[1]], 1),
        ([SILENCE, SILENCE, VOICE, 0.9 * torch.sin(300 * TIME), SILENCE, SILENCE], 1),
        ([VOICE, VOICE, SILENCE, SILENCE, SILENCE, SILENCE], 1),
        ([SILENCE, SILENCE, SILENCE, SILENCE, VOICE, VOICE], 1),
        ([SILENCE, SILENCE, VOICE, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE], 1),
        ([VOICE, SILENCE, SILENCE, SILENCE], 1),
        ([VOICE] * 4, 1),
        ([SILENCE] * 9 + [VOICE], 1),
    ],
)
def test_a_voice_keeps_its_weight(channels, share):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mixed = mix_to_mono(torch.stack(channels))
    assert mixed.shape == VOICE.shape and mixed.dtype == torch.float32
    assert share_of_voice(mixed) == pytest.approx(share, abs=0.01)


def test_no_bass():
    bass = 0.9 * torch.sin(2 * math.pi * 40 * TIME)
    mixed = mix_to_mono(torch.stack([SILENCE, SILENCE, VOICE, bass, SILENCE, SILENCE]))
    assert torch.allclose(mixed, VOICE)
    weights = weights_of(torch.stack([VOICE, VOICE, bass]), ("FL", "FR", "LFE"))
    assert weights.tolist() == [0.5, 0.5, 0]


@pytest.mark.parametrize(
    "upside_down",
    [
        [VOICE, -VOICE],
        [0.4 * VOICE, -VOICE],
        [VOICE + 0.02 * NOISE[0], 0.02 * NOISE[1] - VOICE],
        [VOICE, -torch.roll(VOICE, 8)],
        [VOICE, torch.cat([VOICE[: len(VOICE) // 2], -VOICE[len(VOICE) // 2 :]])],
        [VOICE, -VOICE, SILENCE, SILENCE, SILENCE, SILENCE],
        [VOICE, -VOICE, VOICE, -VOICE],
    ],
    ids=["exactly", "and softer", "with noise", "and late", "for half of the time", "in 5.1", "four times"],
)
def test_channels_that_cancel_are_noted_and_one_is_heard(upside_down):
    with pytest.warns(UserWarning, match="cancel each other"):
        mixed = mix_to_mono(torch.stack(upside_down))
    assert abs(share_of_voice(mixed)) == pytest.approx(1, abs=0.01)
    assert mixed.square().sum() < 1.1 * VOICE.square().sum()


def test_wide_stereo_is_not_taken_for_canceled():
    """Two people, one on each side; a voice with an echo that is upside down; music on one side only at times."""
    other = torch.roll(VOICE, 3 * RATE)
    for pair in ([VOICE, other], [VOICE, VOICE - 0.4 * other], [VOICE + NOISE[0], VOICE - NOISE[0]]):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert torch.allclose(mix_to_mono(torch.stack(pair)), (pair[0] + pair[1]) / 2, atol=1e-6)


def test_a_single_word_on_the_other_side_of_a_long_track_is_kept():
    word = torch.zeros(1_000_000)
    word[500_000:508_000] = VOICE[:8000] / 8
    long = VOICE.repeat(13)[:1_000_000]
    assert torch.allclose(mix_to_mono(torch.stack([long, word])), (long + word) / 2, atol=1e-6)


def test_five_to_two_keeps_center_and_sides_and_does_not_clip():
    weights = weights_of(torch.stack([NOISE[0], NOISE[1], VOICE, NOISE[2], NOISE[1], NOISE[0]]), FIVE_ONE, stereo=True)
    root = math.sqrt(0.5)
    assert torch.allclose(weights, torch.tensor([[root, 0, 1, 0, 0.5, 0], [0, root, 1, 0, 0, 0.5]]).double())
    only = weights_of(torch.stack([SILENCE, SILENCE, VOICE, SILENCE, SILENCE, SILENCE]), FIVE_ONE, stereo=True)
    assert only.tolist() == [[0, 0, 1, 0, 0, 0]] * 2
    quad = weights_of(torch.stack([VOICE, NOISE[0], NOISE[1], NOISE[2]]), ("FL", "FR", "BL", "BR"), stereo=True)
    assert quad.sum(1).tolist() == pytest.approx([1, 1]) and quad[0, 0] > quad[0, 2] > 0 == quad[0, 1]
    loud = torch.stack([VOICE] * 6) / VOICE.abs().max()
    assert mix(weights_of(loud, FIVE_ONE, stereo=True), loud).abs().max() <= 1.0001


def test_silence_stays_silence():
    for channels in (2, 3, 6, 8):
        assert not mix_to_mono(torch.zeros(channels, 100)).any()
        assert bool(weights_of(torch.zeros(channels, 100), usual_names(channels), stereo=True).isfinite().all())


def test_mix_to_mono_checks_its_argument():
    assert torch.equal(mix_to_mono(torch.tensor([[1.0, 0.0], [0.0, 0.5]])), torch.tensor([0.5, 0.25]))
    assert mix_to_mono(torch.zeros(5, dtype=torch.float64)).dtype == torch.float32
    assert mix_to_mono(torch.ones(2, 5, dtype=torch.float16)).tolist() == [1] * 5
    for wrong in (torch.zeros(1, 2, 5), torch.zeros(0, 5), torch.zeros(2, 0), torch.zeros(2, 5, dtype=torch.int16), torch.tensor(1.0)):
        with pytest.raises(AudioError):
            mix_to_mono(wrong)
