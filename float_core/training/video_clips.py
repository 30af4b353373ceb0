"""Prepared clips on disk: a face in one fixed square at 25 frames a second, its mesh, what it does, and its sound in step.

    <folder>/videos.json          the mesh's layout, and of each clip: speaker, emotion, split, delay of the sound
    <folder>/clips/NAME.mp4       the frames, H.264, without sound
    <folder>/clips/NAME.npz       points, tracks, sound as it was (with a margin, so that its delay can be decided later), words and sounds
`load_clip` puts them together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..atomic_file import write_beside
from ..errors import OptionError, VideoError
from ..media.movie_file import MovieFile
from ..media.read_video import read_frames
from ..synthetic.espeak import Phoneme
from ..synthetic.portraits import MeshLayout
from .audio_offset import Delay, Following
from .preparation import write_json
from .speech_timings import SpeechTimings

INDEX, CLIPS = "videos.json", "clips"
FPS, SAMPLE_RATE = 25, 16000
MARGIN = 0.7  # seconds of sound kept before and after a clip
_QUALITY = 15  # x264's constant rate factor: finer than what is made to be looked at
_STEPS = 8192  # of a point's coordinate, in half image widths: at 512 pixels, 0.03 of a pixel


@dataclass(frozen=True)
class ClipFacts:
    """One clip of a prepared folder. `source`: the file's place under the folder that was prepared, `start`: where in it, in seconds;
    `emotion`: one of config.EMOTIONS, "" if not known; `split`: "train", "valid" or "test"; `sound`: "none", "silent" or "voice";
    `delay`, `drift`: by how much the sound was late, in seconds at the clip's begin and in seconds a second, corrected by `load_clip`;
    `following`: correlation of lips and sound, `evidence`: its z value."""

    name: str
    source: str
    start: float
    frames: int
    speaker: str
    emotion: str
    split: str
    sound: str
    delay: float = 0.0
    drift: float = 0.0
    following: float = 0.0
    evidence: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.frames / FPS


@dataclass(frozen=True, eq=False)
class VideoClip:
    """A clip in memory, T frames of S pixels a side. `frames` (T, S, S, 3) uint8 RGB, None if they were not asked for; `points` (T, N, 3):
    x, y in [-1, 1] over the image, z in the same unit to the viewer; `seen` (T,): False where the face was not found and its points lie
    between its neighbors'; `tracks` (T, 8), `rig` (T, 20): see `face_tracks.measure_tracks`; `waveform` (T * 640,) float32 at 16 kHz in
    step with the frames, None without sound; `timings`: what is said, as far as it is known."""

    facts: ClipFacts
    frames: np.ndarray | None
    points: np.ndarray
    seen: np.ndarray
    tracks: np.ndarray
    rig: np.ndarray
    waveform: np.ndarray | None
    timings: SpeechTimings


@dataclass(frozen=True, eq=False)
class RawClip:
    """What is written of a clip before the delay of its sound is known. `sound`: (samples,) float32 at 16 kHz from MARGIN before the clip
    to MARGIN after it, or None; `following`: how its lips follow the sound; `timings`: on the clock of the sound, 0 = the clip's begin."""

    points: np.ndarray
    seen: np.ndarray
    tracks: np.ndarray
    rig: np.ndarray
    sound: np.ndarray | None
    following: Following | None
    timings: SpeechTimings


def save_clip(folder: Path, name: str, frames: Iterable[torch.Tensor], raw: RawClip, size: int) -> None:
    """Writes the frames, RGB (3, size, size) uint8, and then the rest."""
    with (
        write_beside(folder / CLIPS / f"{name}.mp4") as unfinished,
        MovieFile(unfinished, "mp4", (size, size), Fraction(FPS), quality=_QUALITY) as movie,
    ):
        for frame in frames:
            movie.add_frame(frame)
        movie.finish()
    if movie.frames != len(raw.points):
        raise VideoError(f"{movie.frames} frames could be read again, {len(raw.points)} were found at first: the file changes")
    arrays: dict[str, Any] = {
        "points": np.clip(np.round(raw.points * _STEPS), -32768, 32767).astype(np.int16),
        "seen": raw.seen,
        "tracks": raw.tracks,
        "rig": raw.rig,
        "text": np.array(raw.timings.text),
    }
    for kind, parts in (("word", raw.timings.words), ("phone", raw.timings.phones)):
        arrays |= {f"{kind}s": np.array([p.name for p in parts], dtype=np.str_), f"{kind}_times": _times(parts)}
    if raw.sound is not None and raw.following is not None:
        arrays["sound"] = np.round(np.clip(raw.sound, -1, 1) * 32767).astype(np.int16)
        arrays |= {f"following_{key}": np.asarray(value) for key, value in vars(raw.following).items()}
    with write_beside(folder / CLIPS / f"{name}.npz") as unfinished, unfinished.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_following(folder: Path, name: str) -> Following | None:
    """How a clip's lips follow its sound; None if it has none."""
    with np.load(folder / CLIPS / f"{name}.npz", allow_pickle=False) as data:
        if "sound" not in data:
            return None
        times, r, weight = (data[f"following_{key}"] for key in ("times", "r", "weight"))
        return Following(times, r, weight, bool(data["following_silent"]), bool(data["following_still"]))


def delayed(facts: ClipFacts, delay: Delay, least: float) -> dict[str, float]:
    """The fields of ClipFacts that a delay decides; one below `least` seconds all over the clip is none."""
    begin = delay.seconds + delay.drift * (facts.start - delay.middle)
    end = begin + delay.drift * facts.seconds
    kept = {"delay": begin, "drift": delay.drift} if max(abs(begin), abs(end)) >= least else {"delay": 0.0, "drift": 0.0}
    return {name: round(value, 4) for name, value in {**kept, "following": delay.r, "evidence": delay.z}.items()}


def save_clip_index(folder: Path, layout: MeshLayout, clips: Iterable[ClipFacts], size: int) -> None:
    """Writes the list of a prepared folder."""
    write_json(folder / INDEX, {"size": size, "fps": FPS, "layout": asdict(layout), "clips": [asdict(clip) for clip in clips]})


def open_clips(folder: str | Path) -> tuple[MeshLayout, list[ClipFacts]]:
    """The mesh's layout and the clips of a prepared folder. Raises OptionError if it is none.

    layout, clips = open_clips("clips/")
    mouths = [load_clip("clips/", clip).tracks[:, 0] for clip in clips if clip.split == "train"]
    """
    path = Path(folder) / INDEX
    try:
        data = json.loads(path.read_text())
        return MeshLayout.from_json(data["layout"]), [ClipFacts(**clip) for clip in data["clips"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError(f"{folder} is no folder of prepared videos: {path} cannot be read ({error}). Prepare videos into it.") from error


def load_clip(folder: str | Path, facts: ClipFacts, *, frames: bool = True) -> VideoClip:
    """One clip of `open_clips`, sound and words moved to where the lips are. `frames`: whether to read them, which takes most of the time.
    Raises VideoError if its files are damaged."""
    stem = Path(folder) / CLIPS / facts.name
    try:
        with np.load(f"{stem}.npz", allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        points = arrays["points"].astype(np.float32) / _STEPS
        timings = SpeechTimings(str(arrays["text"]), _parts(arrays, "word"), _parts(arrays, "phone"))
        waveform = _in_step(arrays["sound"].astype(np.float32) / 32767, facts) if "sound" in arrays else None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise VideoError(f"the prepared clip {stem} cannot be read: {error}. Delete its files and prepare it again.") from error
    images = np.stack(list(read_frames(f"{stem}.mp4", FPS))) if frames else None
    if len(points) != facts.frames or (images is not None and len(images) != facts.frames):
        raise VideoError(f"the prepared clip {stem} has not {facts.frames} frames. Delete its files and prepare it again.")
    spoken = timings.moved(-facts.delay / (1 + facts.drift), 1 / (1 + facts.drift))
    return VideoClip(facts, images, points, arrays["seen"], arrays["tracks"], arrays["rig"], waveform, spoken)


def _in_step(sound: np.ndarray, facts: ClipFacts) -> np.ndarray:
    """Sample t of the clip is that of the sound at t * (1 + drift) + delay."""
    samples = facts.frames * SAMPLE_RATE // FPS
    first = max(0, round((MARGIN + facts.delay) * SAMPLE_RATE))
    part = sound[first : first + int(samples * (1 + facts.drift)) + SAMPLE_RATE // 10]
    if facts.drift:
        import soxr

        part = soxr.resample(part, SAMPLE_RATE * (1 + facts.drift), SAMPLE_RATE)
    return np.pad(part, (0, max(0, samples - len(part))))[:samples]


def _times(parts: Iterable[Phoneme]) -> np.ndarray:
    return np.array([(part.start, part.end) for part in parts], np.float32).reshape(-1, 2)


def _parts(arrays: dict[str, np.ndarray], kind: str) -> tuple[Phoneme, ...]:
    rows = zip(arrays[f"{kind}s"], arrays[f"{kind}_times"], strict=True)
    return tuple(Phoneme(str(name), float(start), float(end)) for name, (start, end) in rows)
