"""How far the directions of a basis move in sampled speech: the natural range of an edit's offset."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..audio.speech_emotion import choose_emotion
from ..config import EMOTIONS
from ..errors import AudioError
from ..pipeline.encode import encode_audio
from ..pipeline.sample import sample_motion
from ..progress import ProgressCallback, counted
from ..synthetic.synthetic_voices import SAMPLE_RATE, make_clip
from ..types import AudioClip, FloatModel, SamplingOptions, SourceIdentity

SYNTHETIC_VOICES = 3
_VOICE_SEED = 24_681_357  # far from the seeds of training


@dataclass(frozen=True)
class NaturalRange:
    """The natural range of each of M directions, in coefficient units.

    low: percentile 1 of the deviation from the mean of a motion.
    high: percentile 99 of it.
    spread: standard deviation of it.
    source: what the range was measured on, in plain words.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    spread: tuple[float, ...]
    source: str

    @classmethod
    def of_clips(cls, clips: list[Tensor], source: str) -> NaturalRange:
        """From the coefficients (T, M) of several motions."""
        deviation = torch.cat([clip - clip.mean(0) for clip in clips]).double().cpu()
        low, high = torch.quantile(deviation, torch.tensor([0.01, 0.99], dtype=torch.float64), dim=0)
        spread = deviation.square().mean(0).sqrt()
        return cls(rounded(low.clamp_max(0)), rounded(high.clamp_min(0)), rounded(spread), source)


def rounded(values: Tensor) -> tuple[float, ...]:
    """The values as in a file: five decimals, no minus zero."""
    return tuple(round(float(value), 5) + 0.0 for value in values)


def sampled_range(
    model: FloatModel,
    identities: Sequence[SourceIdentity],
    voices: Sequence[AudioClip],
    *,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> NaturalRange | None:
    """The natural range in motion that is sampled for every voice in every emotion, each with its own seed, for the identities in turn.

    None, with a warning, if the model cannot sample motion or if there are no voices; `calibrate` then guesses the ranges.
    Progress: stage "motion", in motions.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> identity = float_core.encode_identity(model, torch.zeros(1, 3, 256, 256))
    >>> len(sampled_range(model, [identity], [AudioClip(torch.randn(4000), 16000)]).low)
    20
    """
    if not (model.has("transformer") and model.has("audio_encoder")) or not voices:
        missing = "there is no voice" if not voices else "the model has no transformer or no audio encoder"
        warnings.warn(f"{missing}: ranges are guessed from how far the face moves", stacklevel=2)
        return None
    features = [encode_audio(model, voice) for voice in voices]
    clips = []
    total = len(features) * len(EMOTIONS)
    for number in counted(range(total), "motion", on_progress):
        audio, emotion = features[number // len(EMOTIONS)], choose_emotion(EMOTIONS[number % len(EMOTIONS)])
        identity = identities[number % len(identities)]
        motion = sample_motion(model, identity, audio, emotion, SamplingOptions(seed=seed * 1000 + number))
        clips.append(motion.latents[0] @ model.basis)
    seconds = sum(len(clip) for clip in clips) / model.config.fps
    source = f"percentiles 1 and 99 of {seconds:.0f} s of sampled motion, {len(voices)} voices in {len(EMOTIONS)} emotions, {total} seeds"
    return NaturalRange.of_clips(clips, source)


def synthetic_voices(seed: int = 0, count: int = SYNTHETIC_VOICES) -> list[AudioClip]:
    """Synthetic voices that were not used in training. An empty list, with a warning, if espeak-ng is not installed.

    >>> [voice.sample_rate for voice in synthetic_voices(count=2)]  # doctest: +SKIP
    [16000, 16000]
    """
    try:
        made = [make_clip(_VOICE_SEED + seed, number, held_out=True) for number in range(count)]
    except AudioError as error:
        warnings.warn(str(error), stacklevel=2)
        return []
    return [AudioClip(torch.from_numpy(clip.waveform), SAMPLE_RATE) for clip in made]
