"""The motion of a speaking head: mouth, blinks, gaze, head and expression as rig curves at 25 frames per second.

Knows the phonemes (or the real mouth), the loudness and the emotion of a clip, and draws the rest from a random generator: real clips of
people who read sit still and blink little, and must not teach that. Knows nothing of how the audio was made, of coefficients, or of images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .espeak import Phoneme
from .rig import RIG_NAMES, RIG_RANGES
from .visemes import CONTROLS, mouth_curves

_FPS = 25.0
_COLUMN = {name: i for i, name in enumerate(RIG_NAMES)}
# Spread of a clip's own pose and of its face at rest, in natural units.
_REST = {
    "yaw": 7.0, "pitch": 4.5, "roll": 2.5, "shift_x": 0.05, "shift_y": 0.05, "scale": 0.07,
    "smile": 0.18, "mouth_wide": 0.1, "brow_inner": 0.18, "brow_outer": 0.18, "blink": 0.05, "upper_lip": 0.06, "lower_lip": 0.06,
}  # fmt: skip
# Spread of the head's slow wander. Yaw spreads by 4 to 10 degrees in public speeches; the calmest of these heads stay below.
_DRIFT = {"yaw": 5.6, "pitch": 2.0, "roll": 1.8, "shift_x": 0.008, "shift_y": 0.006, "scale": 0.006}


@dataclass(frozen=True)
class Expression:
    """One emotion: `offsets` of the rig at full intensity; `energy` of the head and `effort` of the jaw, 1 = neutral."""

    offsets: Mapping[str, float]
    energy: float = 1.0
    effort: float = 1.0


EXPRESSIONS: dict[str, Expression] = {
    "angry": Expression({"brow_inner": -0.7, "brow_outer": -0.3, "smile": -0.25, "blink": 0.06, "pitch": 1.5}, 1.25, 1.12),
    "disgust": Expression({"upper_lip": 0.45, "smile": -0.3, "brow_inner": -0.35, "blink": 0.14, "pitch": -1.0}, 0.9, 0.95),
    "fear": Expression({"brow_inner": 0.7, "brow_outer": 0.25, "mouth_wide": 0.2, "blink": -0.12, "smile": -0.1, "pitch": -0.5}, 1.1, 0.95),
    "happy": Expression({"smile": 0.7, "mouth_wide": 0.2, "blink": 0.1, "brow_outer": 0.12, "brow_inner": 0.05}, 1.2, 1.05),
    "neutral": Expression({}),
    "sad": Expression({"smile": -0.5, "brow_inner": 0.6, "brow_outer": -0.2, "blink": 0.12, "gaze_y": 0.15, "pitch": 2.5}, 0.65, 0.85),
    "surprise": Expression({"brow_inner": 0.65, "brow_outer": 0.65, "blink": -0.15, "pitch": -1.5}, 1.1, 1.1),
}


@dataclass(frozen=True)
class ClipMotion:
    """`rig` (T, 20) and the clip's `rest` (20,): its own pose and the face it falls back to, both in natural units."""

    rig: np.ndarray
    rest: np.ndarray


def clip_motion(
    phonemes: Sequence[Phoneme],
    loudness: np.ndarray,
    emotion: str,
    random: np.random.Generator,
    *,
    mouth: Mapping[str, np.ndarray] | None = None,
) -> ClipMotion:
    """The motion of one clip. `loudness` (T,) is about 0 in silence and 1 in loud speech; T decides the length. `mouth`: curves (T,) of a
    real mouth by control, used instead of those that the phonemes give."""
    frames, expression = len(loudness), EXPRESSIONS[emotion]
    rest = _draw_rest(random)
    rig = np.tile(rest, (frames, 1))
    speaking = smooth((loudness > 0.12).astype(float), 6)
    energy = expression.energy * random.uniform(0.75, 1.3) * (0.35 + 0.65 * speaking)  # a head settles in pauses
    _add(rig, _spoken_mouth(phonemes, loudness, expression, random) if mouth is None else mouth)
    _add(rig, {name: spread * energy * drift(random, frames) for name, spread in _DRIFT.items()})
    _add(rig, _accents(loudness, expression, random))
    _add(rig, _offsets(expression, speaking, random))
    _add(rig, _gaze(rig - rest, random))
    blinks = _blinks(loudness, random)
    rig[:, _COLUMN["blink"]] = rig[:, _COLUMN["blink"]] * (1 - blinks) + blinks
    rig[:, _COLUMN["wink"]] += 0.03 * drift(random, frames)
    low, high = np.array([RIG_RANGES[name] for name in RIG_NAMES]).T
    return ClipMotion(np.clip(rig, low, high).astype(np.float32), np.clip(rest, low, high).astype(np.float32))


def loudness_curve(waveform: np.ndarray, sample_rate: int, frames: int) -> np.ndarray:
    """Root mean square of two frames around each frame, 1 = the clip's loud parts. (samples,) to (frames,)."""
    step = sample_rate / _FPS
    padded = np.concatenate([[0.0], np.cumsum(np.square(waveform, dtype=np.float64))])
    bounds = [np.clip((np.arange(frames) + shift) * step, 0, len(waveform)).astype(int) for shift in (-0.5, 1.5)]
    power = (padded[bounds[1]] - padded[bounds[0]]) / np.maximum(bounds[1] - bounds[0], 1)
    level = np.sqrt(np.maximum(power, 0))
    return np.clip(level / (np.percentile(level, 92) + 1e-6), 0, 1.5)


def smooth(curve: np.ndarray, width: float) -> np.ndarray:
    """Gaussian smoothing along the first axis with the standard deviation `width` in frames; the ends are repeated."""
    reach = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    return np.convolve(np.pad(curve, reach, mode="edge"), kernel / kernel.sum(), mode="valid")


def drift(random: np.random.Generator, frames: int) -> np.ndarray:
    """A slow wander of unit spread: two bands of low-passed noise, about half a second and one and a half seconds long.

    Slower ones could not be learned: the transformer sees one window of two seconds."""
    total = np.zeros(frames)
    for width, share in ((7.0, 0.55), (17.0, 0.83)):
        noise = random.standard_normal(frames + int(8 * width))
        curve = smooth(noise, width)[int(4 * width) :][:frames]
        total += share * curve * np.sqrt(2 * np.sqrt(np.pi) * width)  # smoothing divides the variance by 2 sqrt(pi) width
    return total


def _add(rig: np.ndarray, curves: Mapping[str, np.ndarray | float]) -> None:
    for name, curve in curves.items():
        rig[:, _COLUMN[name]] += curve


def _draw_rest(random: np.random.Generator) -> np.ndarray:
    rest = np.zeros(len(RIG_NAMES))
    for name, spread in _REST.items():
        rest[_COLUMN[name]] = np.clip(spread * random.standard_normal(), -2.2 * spread, 2.2 * spread)
    return rest


def _spoken_mouth(
    phonemes: Sequence[Phoneme], loudness: np.ndarray, expression: Expression, random: np.random.Generator
) -> dict[str, np.ndarray]:
    effort = expression.effort * random.uniform(0.9, 1.1) * (0.95 + 0.25 * smooth(loudness, 1.5))
    curves = mouth_curves(phonemes, len(loudness), effort=effort)
    mouth = {name: curves[:, i] for i, name in enumerate(CONTROLS)}
    return mouth | {"jaw_side": 0.12 * mouth["jaw_open"] * drift(random, len(loudness))}


def _accents(loudness: np.ndarray, expression: Expression, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Nods and brow raises on loud syllables."""
    level, nod, brow = smooth(loudness, 2.0), np.zeros(len(loudness)), np.zeros(len(loudness))
    last = -100
    for frame in range(1, len(level) - 1):
        peak = level[frame] >= level[frame - 1] and level[frame] > level[frame + 1] and level[frame] > 0.55
        if not peak or frame - last < 11:
            continue
        last = frame
        if random.random() < 0.7:
            nod += random.uniform(1.2, 3.6) * expression.energy * _bump(len(level), frame + 1, 3.0, 6.0)
        if random.random() < 0.35:
            brow += random.uniform(0.12, 0.38) * _bump(len(level), frame, 3.5, 8.0)
    return {"pitch": nod, "shift_y": 0.002 * nod, "brow_inner": brow, "brow_outer": 0.8 * brow}


def _bump(frames: int, center: int, rise: float, fall: float) -> np.ndarray:
    offset = np.arange(frames) - center
    return np.exp(-0.5 * (offset / np.where(offset < 0, rise, fall)) ** 2)


def _offsets(expression: Expression, speaking: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    intensity = random.uniform(0.9, 1.05) * (0.85 + 0.15 * speaking + 0.1 * drift(random, len(speaking)))
    return {name: offset * intensity for name, offset in expression.offsets.items()}


def _gaze(moved: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Saccades around the camera; the eyes turn against the head, so that they keep looking at it."""
    frames = len(moved)
    curves = np.zeros((frames, 2))
    frame = 0
    while frame < frames:
        spread = 0.3 if random.random() < 0.22 else 0.07
        hold = int(_FPS * (0.3 + random.exponential(1.1 if spread < 0.1 else 0.35)))
        curves[frame : frame + hold] = random.standard_normal(2) * (spread, 0.6 * spread)
        frame += hold
    gaze_x, gaze_y = (smooth(curves[:, i], 0.45) for i in (0, 1))
    return {"gaze_x": gaze_x - moved[:, _COLUMN["yaw"]] / 32, "gaze_y": gaze_y - moved[:, _COLUMN["pitch"]] / 32}


def _blinks(loudness: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Closure by blinks: about 17 a minute, 4 to 6 frames each, more often where speech pauses."""
    curve, frame = np.zeros(len(loudness)), int(random.integers(0, 12))
    pause = smooth((loudness < 0.12).astype(float), 3)
    rate = 22 * random.uniform(0.8, 1.25) / 60 / _FPS
    while frame < len(curve):
        if random.random() < rate * (0.8 + 1.2 * pause[frame]):
            shape = np.array(((0.55, 1.0, 0.75, 0.3), (0.5, 1.0, 0.9, 0.5, 0.2), (0.3, 0.9, 1.0, 0.75, 0.4, 0.15))[int(random.integers(3))])
            span = curve[frame : frame + len(shape)]
            np.maximum(span, shape[: len(span)], out=span)
            frame += len(shape) + int(0.4 * _FPS)
        frame += 1
    return curve
