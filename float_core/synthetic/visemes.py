"""From phonemes with timings to the curves of the mouth: about 15 visemes.

How far the lips open and where the corners are is fitted to real tracks (`coarticulation`). What those do not show, rounding and each lip
by itself, has targets that pull with a strength that falls off in time (dominance functions: Cohen and Massaro 1993): rounding is
anticipated. Lips that must close do close. It knows nothing of voices, emotions or images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .coarticulation import read_coarticulation
from .espeak import Phoneme
from .photo_controls import JAW_GAP, PART_GAP, PUCKER_GAP

CONTROLS = ("jaw_open", "lips_part", "mouth_wide", "smile", "pucker", "upper_lip", "lower_lip")
PARTED = 0.04  # head units: lips part so far before the jaw falls, as `photo_controls` measures it
_RATE, _FPS = 200, 25  # instants a second at which the dominance is evaluated; frames a second
_CLOSED = ("PP",)
_SHARE = 0.6  # of the targets of VISEMES that clear speech is: real lips go less far
_ROUND_NARROW = 0.7  # share of a narrow mouth's narrowness that is rounding


@dataclass(frozen=True)
class Viseme:
    """Targets; `strength` of the pull; `before`, `after`: seconds over which it falls to 1/e."""

    pucker: float
    upper_lip: float
    lower_lip: float
    strength: float
    before: float = 0.05
    after: float = 0.045


VISEMES: dict[str, Viseme] = {
    "sil": Viseme(0.0, 0.0, 0.0, 0.5, 0.06, 0.08),
    "PP": Viseme(0.06, 0.0, 0.0, 6.0, 0.022, 0.022),
    "FF": Viseme(0.0, 0.25, -0.55, 3.5, 0.03, 0.025),
    "TH": Viseme(0.0, 0.10, 0.10, 1.0, 0.03, 0.03),
    "DD": Viseme(0.0, 0.05, 0.10, 0.5, 0.03, 0.03),
    "kk": Viseme(0.0, 0.05, 0.05, 0.4, 0.035, 0.03),
    "CH": Viseme(0.55, 0.30, 0.35, 1.8, 0.045, 0.04),
    "SS": Viseme(0.0, 0.10, 0.25, 1.0, 0.035, 0.03),
    "nn": Viseme(0.0, 0.05, 0.05, 0.45, 0.03, 0.03),
    "RR": Viseme(0.42, 0.10, 0.15, 1.0, 0.05, 0.04),
    "aa": Viseme(0.0, 0.15, 0.25, 1.0, 0.06, 0.05),
    "E": Viseme(0.0, 0.10, 0.20, 0.9, 0.055, 0.05),
    "ax": Viseme(0.0, 0.05, 0.10, 0.5, 0.045, 0.04),
    "ih": Viseme(0.0, 0.10, 0.15, 1.0, 0.06, 0.05),
    "oh": Viseme(0.50, 0.10, 0.20, 1.2, 0.09, 0.06),
    "ou": Viseme(0.85, 0.05, 0.05, 1.6, 0.11, 0.07),
}
_SOUNDS = {
    "PP": "bpm", "FF": "fvɱʋ", "TH": "θð", "DD": "tdɾʈɖ", "kk": "kgɡŋxhçɣqχʁɦʔʀ", "CH": "ʃʒʂʐɕʑ", "SS": "szʦʣ", "nn": "nlɫɲʎɭɬ",
    "RR": "ɹrɚɝɜɻ", "aa": "aɑæʌɐ", "E": "eɛ", "ax": "əɨɘ", "ih": "iɪj", "oh": "oɔɒøœ", "ou": "uʊwyʏɥʉɯβ",
}  # fmt: skip
_VISEME_OF = {sound: viseme for viseme, sounds in _SOUNDS.items() for sound in sounds}


@dataclass(frozen=True)
class Segment:
    """One viseme from `start` to `end`, in seconds."""

    viseme: str
    start: float
    end: float


def segments(phonemes: Sequence[Phoneme]) -> list[Segment]:
    """The visemes of phonemes. A diphthong or an affricate is split into its parts; an unknown phoneme counts as a neutral vowel."""
    found: list[Segment] = []
    for phoneme in phonemes:
        names = [_VISEME_OF[sound] for sound in phoneme.name if sound in _VISEME_OF] or ["ax" if phoneme.name else "sil"]
        step = (phoneme.end - phoneme.start) / len(names)
        found.extend(Segment(name, phoneme.start + i * step, phoneme.start + (i + 1) * step) for i, name in enumerate(names))
    return found


def mouth_curves(phonemes: Sequence[Phoneme], frames: int, *, effort: np.ndarray | None = None) -> np.ndarray:
    """The mouth (frames, 7) in the order of CONTROLS at 25 frames a second. `effort` (frames,) scales the opening: loud speech opens
    wider."""
    parts = segments(phonemes)
    fitted = read_coarticulation().curves(occupancy(parts, frames))
    opening = np.maximum(fitted[:, 0], 0) * (1.0 if effort is None else effort)
    lips = _blend(parts, frames).reshape(frames, -1, 3).mean(1)
    lips = _SHARE * lips
    wide, pucker = rounded(fitted[:, 1], lips[:, 0])
    jaw, part = split_opening(opening, pucker)
    curves = np.stack([jaw, part, wide, fitted[:, 2], pucker, lips[:, 1], lips[:, 2]], 1)
    return _close_lips(curves, closure(parts, frames))


def split_opening(opening: np.ndarray, pucker: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """jaw_open and lips_part that draw an opening between the lips, in head units, with this pucker; as `photo_controls` measures them."""
    jaw = np.clip((opening - PARTED) / JAW_GAP, 0, 1)
    return jaw, (opening - JAW_GAP * jaw - PUCKER_GAP * pucker) / PART_GAP


def rounded(wide: np.ndarray, least: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """mouth_wide and pucker of a mouth as wide as `wide` says. A narrow mouth is mostly a rounded one; `least`: of pucker."""
    pucker = np.clip(np.maximum(least, _ROUND_NARROW * np.maximum(-wide - 0.05, 0)), 0, 1)
    return wide + pucker * np.clip(-wide, 0, 1), pucker  # both draw the corners inwards


def occupancy(parts: Sequence[Segment], frames: int) -> np.ndarray:
    """The share of each frame that each viseme fills, (frames, visemes) in the order of VISEMES; what nobody fills is "sil"."""
    names, share = list(VISEMES), np.zeros((frames, len(VISEMES)))
    for part in parts:
        first, last = part.start * _FPS, part.end * _FPS
        for frame in range(max(0, int(first)), min(frames, int(np.ceil(last)))):
            share[frame, names.index(part.viseme)] += max(0.0, min(last, frame + 1) - max(first, frame))
    share[:, names.index("sil")] += np.maximum(0, 1 - share.sum(1))
    return share


def closure(parts: Sequence[Segment], frames: int, fps: float = 25.0) -> np.ndarray:
    """How much of each frame lips must be closed for, (frames,) in [0, 1]. Each p, b, m closes at least the frame of its middle."""
    closed = np.zeros(frames)
    for part in parts:
        if part.viseme not in _CLOSED:
            continue
        first, last = part.start * fps, part.end * fps
        for frame in range(max(0, int(first)), min(frames, int(np.ceil(last)))):
            closed[frame] = max(closed[frame], min(1.0, min(last, frame + 1) - max(first, frame)))
        middle = int((first + last) / 2)
        if middle < frames:
            closed[middle] = 1.0
    return closed


def _blend(parts: Sequence[Segment], frames: int) -> np.ndarray:
    """pucker, upper_lip and lower_lip at every instant, (frames * _RATE / 25, 3)."""
    instants = (np.arange(frames * _RATE // _FPS) + 0.5) / _RATE
    pull, total = np.zeros((len(instants), 3)), np.full((len(instants), 1), 1e-6)
    for part in parts:
        viseme = VISEMES[part.viseme]
        margin = 0.25 * (part.end - part.start)  # the pull is full in the middle half of a viseme
        from_start, from_end = part.start + margin - instants, instants - (part.end - margin)
        fall = np.exp(-np.maximum(from_start, 0) / viseme.before - np.maximum(from_end, 0) / viseme.after)
        weight = viseme.strength * fall[:, None]
        pull += weight * np.array([viseme.pucker, viseme.upper_lip, viseme.lower_lip])
        total += weight
    return pull / total


def _close_lips(curves: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Lips meet where they must: the jaw may stay a little open, then the lips take up what is left."""
    amount, target = closed[:, None], curves.copy()
    target[:, 0] *= 0.12
    target[:, 1] = -0.12
    target[:, CONTROLS.index("upper_lip") :] = 0
    return curves * (1 - amount) + target * amount
