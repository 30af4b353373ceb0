"""From phonemes with timings to the curves of the mouth: about 15 visemes, joined by dominance functions.

Each viseme pulls every control of the mouth towards its target, with a strength that falls off in time before and after it (Cohen and
Massaro 1993): rounding is anticipated, lips that must close do close. It knows nothing of voices, emotions or images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .espeak import Phoneme

CONTROLS = ("jaw_open", "lips_part", "mouth_wide", "pucker", "upper_lip", "lower_lip")
_RATE = 200  # instants a second at which the dominance is evaluated
_CLOSED = ("PP",)


@dataclass(frozen=True)
class Viseme:
    """`target` of CONTROLS; `strength` of the jaw and of the lips; `before`, `after`: seconds over which the pull falls to 1/e."""

    target: tuple[float, ...]
    jaw: float
    lips: float
    before: float = 0.05
    after: float = 0.045


VISEMES: dict[str, Viseme] = {
    "sil": Viseme((0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.5, 0.5, 0.06, 0.08),
    "PP": Viseme((0.02, -0.15, 0.0, 0.06, 0.0, 0.0), 1.6, 6.0, 0.022, 0.022),
    "FF": Viseme((0.10, 0.16, 0.05, 0.0, 0.25, -0.55), 1.0, 3.5, 0.03, 0.025),
    "TH": Viseme((0.20, 0.30, 0.05, 0.0, 0.10, 0.10), 0.8, 1.0, 0.03, 0.03),
    "DD": Viseme((0.15, 0.26, 0.10, 0.0, 0.05, 0.10), 0.8, 0.5, 0.03, 0.03),
    "kk": Viseme((0.22, 0.26, 0.0, 0.0, 0.05, 0.05), 0.5, 0.4, 0.035, 0.03),
    "CH": Viseme((0.10, 0.40, -0.30, 0.55, 0.30, 0.35), 1.4, 1.8, 0.045, 0.04),
    "SS": Viseme((0.06, 0.38, 0.28, 0.0, 0.10, 0.25), 1.5, 1.0, 0.035, 0.03),
    "nn": Viseme((0.15, 0.24, 0.08, 0.0, 0.05, 0.05), 0.7, 0.45, 0.03, 0.03),
    "RR": Viseme((0.18, 0.26, -0.25, 0.42, 0.10, 0.15), 0.7, 1.0, 0.05, 0.04),
    "aa": Viseme((0.72, 0.32, 0.08, 0.0, 0.15, 0.25), 1.0, 1.0, 0.06, 0.05),
    "E": Viseme((0.46, 0.32, 0.30, 0.0, 0.10, 0.20), 0.9, 0.9, 0.055, 0.05),
    "ax": Viseme((0.32, 0.26, 0.04, 0.0, 0.05, 0.10), 0.55, 0.5, 0.045, 0.04),
    "ih": Viseme((0.24, 0.32, 0.45, 0.0, 0.10, 0.15), 0.8, 1.0, 0.06, 0.05),
    "oh": Viseme((0.50, 0.26, -0.35, 0.50, 0.10, 0.20), 1.0, 1.2, 0.09, 0.06),
    "ou": Viseme((0.22, 0.18, -0.55, 0.85, 0.05, 0.05), 1.0, 1.6, 0.11, 0.07),
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


def mouth_curves(phonemes: Sequence[Phoneme], frames: int, fps: float = 25.0, *, effort: np.ndarray | None = None) -> np.ndarray:
    """The mouth (frames, 6) in the order of CONTROLS, frame by frame. `effort` (frames,) scales the jaw: loud speech opens wider."""
    parts = segments(phonemes)
    fine = _blend(parts, frames, fps)
    per_frame = fine.reshape(frames, -1, len(CONTROLS)).mean(1)
    if effort is not None:
        per_frame[:, 0] *= effort
    return _close_lips(per_frame, closure(parts, frames, fps))


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


def _blend(parts: Sequence[Segment], frames: int, fps: float) -> np.ndarray:
    per_frame = max(1, round(_RATE / fps))
    instants = (np.arange(frames * per_frame) + 0.5) / (fps * per_frame)
    pull, total = np.zeros((len(instants), len(CONTROLS))), np.full((len(instants), len(CONTROLS)), 1e-6)
    for part in parts:
        viseme = VISEMES[part.viseme]
        margin = 0.25 * (part.end - part.start)  # the pull is full in the middle half of a viseme
        from_start, from_end = part.start + margin - instants, instants - (part.end - margin)
        fall = np.exp(-np.maximum(from_start, 0) / viseme.before - np.maximum(from_end, 0) / viseme.after)
        strength = np.array([viseme.jaw] + [viseme.lips] * (len(CONTROLS) - 1))
        weight = fall[:, None] * strength
        pull += weight * np.array(viseme.target)
        total += weight
    return pull / total


def _close_lips(curves: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Lips meet where they must: the jaw may stay a little open, then the lips take up what is left."""
    amount = closed[:, None]
    target = np.stack([0.12 * curves[:, 0], np.full(len(curves), -0.12), curves[:, 2], curves[:, 3], 0 * curves[:, 4], 0 * curves[:, 5]], 1)
    return curves * (1 - amount) + target * amount
