"""Fits how the mouth goes through sounds (`synthetic.coarticulation`) to prepared clips in which somebody speaks English.

Ridge regression of each speaker's mouth, relative to its rest, on which viseme is spoken in the frames around; what the clips do not tell
stays as mouths usually are. Clips of speakers who are kept back say how good it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import OptionError
from ..progress import ProgressCallback, counted
from ..synthetic.coarticulation import CURVES, Coarticulation, lagged
from ..synthetic.espeak import Phoneme
from ..synthetic.portraits import MeshLayout
from ..synthetic.visemes import VISEMES, occupancy, segments
from .clip_mouths import measure_mouth, mouth_rest, relative_mouth
from .forced_alignment import PocketSphinxAligner
from .preparation import Rejected
from .prepare_speech import with_pauses
from .video_clips import VideoClip, load_clip, open_clips

REACH = 5  # frames to each side in which a sound is seen: 0.2 s
_RIDGE = 1.0  # of the mean squared occupancy
_LIPS_SHUT = 0.02  # head units
_USUAL = {  # opening and mouth_wide of each viseme, where the clips do not tell
    "sil": (0.0, 0.0), "PP": (0.0, 0.0), "FF": (0.04, 0.02), "TH": (0.08, 0.02), "DD": (0.06, 0.04), "kk": (0.08, 0.0), "CH": (0.08, -0.15),
    "SS": (0.06, 0.12), "nn": (0.06, 0.03), "RR": (0.08, -0.12), "aa": (0.2, 0.03), "E": (0.14, 0.12), "ax": (0.1, 0.02), "ih": (0.09, 0.2),
    "oh": (0.16, -0.2), "ou": (0.09, -0.3),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class SpokenMouth:
    """A clip of T frames: `sounds` (T, visemes), the share of each frame that each one fills; `mouth` (T, 3), see `CURVES`."""

    speaker: str
    held_out: bool
    sounds: np.ndarray
    mouth: np.ndarray


@dataclass(frozen=True)
class FitReport:
    """Of speakers who are kept back. `r`: correlation of each of CURVES with what the table gives, mean over clips; `closed`: share of the
    places where p, b or m is spoken at which the real lips touch; `clips`, `speakers`: how many were fitted."""

    r: tuple[float, ...]
    closed: float
    clips: int
    speakers: int


def fit_coarticulation(folder: str | Path, made: str, *, on_progress: ProgressCallback | None = None) -> tuple[Coarticulation, FitReport]:
    """The table of the clips in `folder` whose split is "train". `made`: what to say of it in the file."""
    mouths = spoken_mouths(folder, on_progress)
    fitted, kept = [m for m in mouths if not m.held_out], [m for m in mouths if m.held_out]
    if not fitted or not kept:
        raise OptionError(f"{folder} has {len(fitted)} clips with known words to fit and {len(kept)} to test with; expected some of each")
    table = fit(fitted, made)
    r = [[_correlation(table.curves(m.sounds)[:, i], m.mouth[:, i]) for m in kept] for i in range(len(CURVES))]
    report = FitReport(tuple(float(np.mean(values)) for values in r), _closed(kept), len(fitted), len({m.speaker for m in fitted}))
    return table, report


def fit(mouths: Sequence[SpokenMouth], made: str = "") -> Coarticulation:
    """Ridge regression; a speaker with n frames counts as much as the square root of n."""
    size = (2 * REACH + 1) * len(VISEMES)
    squares, products = np.zeros((size, size)), np.zeros((size, len(CURVES)))
    for speaker in {m.speaker for m in mouths}:
        own = [m for m in mouths if m.speaker == speaker]
        weight = sum(len(m.mouth) for m in own) ** -0.5
        for m in own:
            sounds = lagged(m.sounds, REACH)
            squares += weight * sounds.T @ sounds
            products += weight * sounds.T @ m.mouth
    prior, ridge = _prior(), _RIDGE * np.trace(squares) / size
    weights = prior + np.linalg.solve(squares + ridge * np.eye(size), products - squares @ prior)
    table = Coarticulation(weights.reshape(2 * REACH + 1, len(VISEMES), -1), np.ones(len(CURVES)), made)
    spreads = np.array([[m.mouth.std(0), table.curves(m.sounds).std(0)] for m in mouths]).mean(0)
    return Coarticulation(table.weights, np.clip(spreads[0] / np.maximum(spreads[1], 1e-6), 1, 1.4), made)


def _prior() -> np.ndarray:
    """The weights, flat, that give the usual mouths with a blur of about two frames."""
    nearness = np.exp(-0.5 * (np.arange(-REACH, REACH + 1) / 1.5) ** 2)
    targets = np.array([(*_USUAL[name], 0.0) for name in VISEMES])
    return (nearness[:, None, None] / nearness.sum() * targets).reshape(-1, len(CURVES))


def spoken_mouths(folder: str | Path, on_progress: ProgressCallback | None = None) -> list[SpokenMouth]:
    """The mouths of all clips whose sounds are known, or can be found from their words."""
    layout, facts = open_clips(folder)
    clips = [load_clip(folder, each, frames=False) for each in counted(facts, "clips", on_progress)]
    return [mouth for speaker in sorted({c.facts.speaker for c in clips}) for mouth in _of_speaker(clips, speaker, layout)]


def _of_speaker(clips: Sequence[VideoClip], speaker: str, layout: MeshLayout) -> list[SpokenMouth]:
    own = [clip for clip in clips if clip.facts.speaker == speaker]
    measures = [measure_mouth(clip.points, layout) for clip in own]
    rest = mouth_rest(measures)
    found = []
    for clip, measure in zip(own, measures, strict=True):
        phones = known_phones(clip)
        if phones:
            sounds = occupancy(segments(phones), clip.facts.frames)
            found.append(SpokenMouth(speaker, clip.facts.split != "train", sounds, relative_mouth(measure, rest)))
    return found


_aligner: list[PocketSphinxAligner] = []  # made when the first text is to be aligned


def known_phones(clip: VideoClip) -> list[Phoneme]:
    """The sounds of a clip without gaps: its own, else those of its words by forced alignment; none if there is no text that fits."""
    if clip.timings.phones:
        return with_pauses(clip.timings.phones, clip.facts.seconds)
    if not clip.timings.text or clip.waveform is None:
        return []
    if not _aligner:
        _aligner.append(PocketSphinxAligner())
    try:
        return with_pauses(_aligner[0].align(clip.waveform, clip.timings.text).phones, clip.facts.seconds)
    except Rejected:
        return []


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first, second)[0, 1]) if first.std() > 0 and second.std() > 0 else 0.0


def _closed(mouths: Sequence[SpokenMouth]) -> float:
    """How often real lips touch within two frames of where p, b or m fills most of a frame."""
    column, hits = list(VISEMES).index("PP"), []
    for m in mouths:
        for frame in np.flatnonzero(m.sounds[:, column] > 0.6):
            hits.append(m.mouth[max(0, frame - 2) : frame + 3, 0].min() < _LIPS_SHUT)
    return float(np.mean(hits)) if hits else float("nan")
