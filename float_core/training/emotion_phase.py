"""The compact emotion classifier, trained on recordings with a known emotion: `prepare speech` of EmoDB, RAVDESS and the like, or clips.

Each recording is heard as it is and through other rooms and microphones; voices are not shifted, since their pitch tells. Emotions and
speakers count alike, and an emotion of which there is no recording is never heard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..audio.compact_emotion import CompactEmotionClassifier
from ..config import EMOTIONS, CompactEmotionConfig
from ..errors import OptionError
from ..progress import ProgressCallback, counted
from .audio_augmentation import disturb_place
from .prepare_speech import SpeechFacts, load_speech, open_speech
from .video_clips import ClipFacts, load_clip, open_clips

_NEVER = -30.0  # added to the logit of an emotion without examples; half precision holds it
_VARIANTS = 3
_NOISE = 1.0  # on the normed statistics


@dataclass(frozen=True, eq=False)
class Heard:
    """N recordings, each in some variants. statistics: (N, variants, features), the first variant is the recording as it is; emotion: (N,),
    index in EMOTIONS; speakers: N names; held_out: (N,), not for training."""

    statistics: Tensor
    emotion: Tensor
    speakers: tuple[str, ...]
    held_out: Tensor


@dataclass(frozen=True)
class EmotionReport:
    """accuracy: mean over the emotions of the share of held-out recordings that are heard right; nan if none are held out. recordings,
    speakers: trained on. missing: emotions without examples."""

    accuracy: float
    recordings: int
    speakers: int
    missing: tuple[str, ...]


def train_emotion(
    speech: Sequence[str | Path],
    clips: Sequence[str | Path] = (),
    *,
    config: CompactEmotionConfig | None = None,
    steps: int = 400,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> tuple[CompactEmotionClassifier, EmotionReport]:
    """A classifier of the recordings in folders of prepared speech and prepared clips whose split is "train"."""
    network = CompactEmotionClassifier(config or CompactEmotionConfig())
    heard = hear(known_emotions(speech, clips), network, seed, on_progress)
    fit_emotion(network, heard, steps=steps, seed=seed)
    trained = ~heard.held_out
    missing = tuple(name for i, name in enumerate(EMOTIONS) if not (heard.emotion[trained] == i).any())
    speakers = {name for name, kept in zip(heard.speakers, heard.held_out.tolist(), strict=True) if not kept}
    return network, EmotionReport(accuracy(network, heard), int(trained.sum()), len(speakers), missing)


@dataclass(frozen=True)
class Labelled:
    """A recording of a known emotion. waveform: reads it, (samples,) float32 at 16 kHz."""

    emotion: str
    speaker: str
    split: str
    waveform: Callable[[], np.ndarray | None]


def known_emotions(speech: Sequence[str | Path], clips: Sequence[str | Path]) -> list[Labelled]:
    """All recordings in these folders whose emotion is known."""

    def spoken(folder: str | Path, facts: SpeechFacts) -> Labelled:
        return Labelled(facts.emotion, facts.speaker, facts.split, lambda: load_speech(folder, facts.name)[0])

    def filmed(folder: str | Path, facts: ClipFacts) -> Labelled:
        return Labelled(facts.emotion, facts.speaker, facts.split, lambda: load_clip(folder, facts, frames=False).waveform)

    found = [spoken(folder, facts) for folder in speech for facts in open_speech(folder) if facts.emotion]
    found += [filmed(folder, facts) for folder in clips for facts in open_clips(folder)[1] if facts.emotion and facts.sound == "voice"]
    if not any(one.split == "train" for one in found):
        raise OptionError(f"{', '.join(map(str, (*speech, *clips)))} holds no recordings of a known emotion to train on")
    return found


def hear(found: Sequence[Labelled], network: CompactEmotionClassifier, seed: int, on_progress: ProgressCallback | None = None) -> Heard:
    """The statistics of the recordings."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for one in counted(found, "hear emotions", on_progress):
        samples = one.waveform()
        assert samples is not None, "clips without a voice were left out"
        waveform = torch.from_numpy(samples)
        variants = [waveform, *(disturb_place(waveform, generator) for _ in range(_VARIANTS))]
        with torch.no_grad():
            rows.append(torch.cat([network.statistics(variant[None]) for variant in variants]))
    return Heard(
        torch.stack(rows),
        torch.tensor([EMOTIONS.index(one.emotion) for one in found]),
        tuple(one.speaker for one in found),
        torch.tensor([one.split != "train" for one in found]),
    )


def fit_emotion(network: CompactEmotionClassifier, heard: Heard, *, steps: int, seed: int) -> None:
    """Cross-entropy over the emotions that have examples, by Adam on all recordings at once."""
    trained = ~heard.held_out
    rows, emotion = heard.statistics[trained], heard.emotion[trained]
    flat = rows.flatten(0, 1)
    network.center.copy_(flat.mean(0))
    network.scale.copy_(flat.std(0).clamp(min=1e-3))
    weight = _weights(emotion, [name for name, kept in zip(heard.speakers, trained.tolist(), strict=True) if kept])
    absent = torch.ones(len(EMOTIONS), dtype=torch.bool)
    absent[emotion] = False
    generator = torch.Generator().manual_seed(seed)
    for layer in (network.first, network.last):
        layer.weight.data = torch.randn(layer.weight.shape, generator=generator) * layer.in_features**-0.5
        layer.bias.data.zero_()
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.05)
    for _ in range(steps):
        pick = torch.randint(rows.shape[1], (len(rows),), generator=generator)
        noisy = rows[torch.arange(len(rows)), pick]
        noisy = noisy + _NOISE * network.scale * torch.randn(noisy.shape, generator=generator)
        loss = masked_cross_entropy(network.classify(noisy), emotion, weight, absent)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        network.last.bias[absent] = _NEVER
    network.eval().requires_grad_(False)


def masked_cross_entropy(logits: Tensor, emotion: Tensor, weight: Tensor, absent: Tensor) -> Tensor:
    """Cross-entropy (N, classes) with a weight for each row; `absent` (classes,): emotions that take no part."""
    chances = F.log_softmax(logits.masked_fill(absent, float("-inf")), dim=-1)
    return -(weight * chances.gather(1, emotion[:, None])[:, 0]).sum() / weight.sum()


def accuracy(network: CompactEmotionClassifier, heard: Heard) -> float:
    """Mean over emotions of the share of held-out recordings, as they are, that are heard right."""
    kept = heard.held_out
    if not kept.any():
        return float("nan")
    right = network.classify(heard.statistics[kept, 0]).argmax(1) == heard.emotion[kept]
    return float(torch.stack([right[heard.emotion[kept] == i].float().mean() for i in heard.emotion[kept].unique()]).mean())


def _weights(emotion: Tensor, speakers: Sequence[str]) -> Tensor:
    emotions, names = Counter(emotion.tolist()), Counter(speakers)
    return torch.tensor([1 / (emotions[one] * names[name] ** 0.5) for one, name in zip(emotion.tolist(), speakers, strict=True)])
