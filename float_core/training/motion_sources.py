"""Reads the material of phase 2: prepared clips, prepared speech, synthetic voices, cached latents.

Motion truth is the rig of each frame, which a basis brings into the latent space. Of prepared clips only the mouth is taken as it is: the
head, lids, brows and gaze are drawn as for the other kinds. Who reads sentences to a camera, as in GRID, sits still (yaw spreads by half a
degree) and hardly blinks in three seconds; a model must not learn that from it. `video_truth` "all" takes everything from the clips.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..audio.compact_encoder import CompactAudioEncoder
from ..config import EMOTIONS
from ..errors import OptionError
from ..frame_rate import frame_count
from ..progress import ProgressCallback, counted
from ..synthetic import rig as rigs
from ..synthetic.espeak import Phoneme
from ..synthetic.portraits import MeshLayout
from ..synthetic.rig import to_coefficients
from ..synthetic.speech_motion import ClipMotion, clip_motion, loudness_curve
from ..synthetic.visemes import closure, segments
from .clip_mouths import measure_mouth, mouth_controls, mouth_rest, relative_mouth
from .heard_audio import HeardAudio
from .motion_dataset import MotionClip, SourceShares
from .prepare_speech import load_speech, open_speech
from .video_clips import FPS, SAMPLE_RATE, VideoClip, load_clip, open_clips

Kind = Literal["videos", "speech", "synthetic", "latents"]
_POSE = ("yaw", "pitch", "roll", "shift_x", "shift_y", "scale")
_SHUT, _OPEN, _NEAR = 0.012, 0.05, 8  # head units; frames in which lips that touch between two sounds have been open
_NEUTRAL = EMOTIONS.index("neutral")


@dataclass(frozen=True)
class MotionSource:
    """A folder of one kind: what prepare videos ("videos"), prepare speech ("speech"), synthesize ("synthetic", its folder voices) or
    prepare latents ("latents") wrote."""

    kind: Kind
    folder: Path


@dataclass(frozen=True)
class MaterialConfig:
    """How material becomes clips.

    shares: of the kinds in a batch.
    takes: how many heads are drawn for each recording, with other motion, rest and emotion.
    emotional: 0..1, share of the takes that show a drawn emotion, where the voice's own is not known.
    video_truth: what of prepared clips is taken: "mouth", the rest is drawn as for other kinds, or "all".
    variants: how many other voices, rooms and microphones each recording is heard through; 0 = only as it is.
    """

    shares: SourceShares = field(default_factory=SourceShares)
    takes: int = 3
    emotional: float = 0.5
    video_truth: Literal["mouth", "all"] = "mouth"
    variants: int = 4

    def __post_init__(self) -> None:
        if self.takes < 1 or self.variants < 0 or not 0 <= self.emotional <= 1:
            raise OptionError(
                f"takes is {self.takes}, variants {self.variants}, emotional {self.emotional}; expected at least 1, at least 0, and 0 to 1"
            )


@dataclass(frozen=True)
class Reader:
    """What every kind needs. `basis` (D, M) brings coefficients into the latent space."""

    basis: Tensor
    encoder: CompactAudioEncoder
    config: MaterialConfig

    def audio(self, name: str, waveform: np.ndarray) -> HeardAudio:
        """The recording, heard by the encoder's mel."""
        return HeardAudio(name, torch.from_numpy(waveform), self.encoder.mel, self.config.variants)

    def clip(self, audio: HeardAudio, motion: ClipMotion, emotion: str, closed: np.ndarray, **facts: Any) -> MotionClip:
        """A clip of a known rig."""
        coefficients, rest = (to_coefficients(torch.from_numpy(values).float()) for values in (motion.rig, motion.rest))
        weights = F.one_hot(torch.tensor(EMOTIONS.index(emotion)), len(EMOTIONS)).float()
        return MotionClip(audio, coefficients @ self.basis.T, weights, rest, closed, **facts)

    def takes(self, name: str, emotion: str) -> list[tuple[np.random.Generator, str]]:
        """Of each take: its randomness and its emotion. Sentences read without one, and voices of which none is known, are given any."""
        found = []
        for number in range(self.config.takes):
            random = np.random.default_rng(zlib.crc32(f"{name}:{number}".encode()))
            drawn = EMOTIONS[int(random.integers(len(EMOTIONS)))] if random.random() < self.config.emotional else "neutral"
            found.append((random, emotion if emotion not in ("", "neutral") else drawn))
        return found


def load_sources(
    sources: Sequence[MotionSource],
    basis: Tensor,
    encoder: CompactAudioEncoder,
    config: MaterialConfig,
    *,
    on_progress: ProgressCallback | None = None,
) -> list[MotionClip]:
    """All clips of all sources. Raises OptionError for a folder without any."""
    reader = Reader(basis.detach().cpu().float(), encoder, config)
    readers: dict[str, Callable[[Path, Reader, ProgressCallback | None], list[MotionClip]]] = {
        "videos": read_videos, "speech": read_speech, "synthetic": read_arrays, "latents": read_arrays,
    }  # fmt: skip
    clips = [clip for source in sources for clip in readers[source.kind](source.folder, reader, on_progress)]
    if not any(not clip.held_out for clip in clips):
        raise OptionError(f"there is nothing to train on in {', '.join(str(source.folder) for source in sources) or 'no folder'}")
    return clips


def read_videos(folder: Path, reader: Reader, on_progress: ProgressCallback | None = None) -> list[MotionClip]:
    """Prepared clips with a voice: their mouths relative to each speaker's own rest."""
    layout, facts = open_clips(folder)
    found = [load_clip(folder, one, frames=False) for one in counted(facts, "load clips", on_progress) if one.sound == "voice"]
    speakers = sorted({clip.facts.speaker for clip in found})
    return [one for name in speakers for one in _speaker_clips([c for c in found if c.facts.speaker == name], layout, reader)]


def _speaker_clips(clips: Sequence[VideoClip], layout: MeshLayout, reader: Reader) -> list[MotionClip]:
    measures = [measure_mouth(clip.points, layout) for clip in clips]
    rest = mouth_rest(measures)
    usual = np.median(np.concatenate([clip.rig for clip in clips]), axis=0)
    made = []
    for clip, measure in zip(clips, measures, strict=True):
        curves = relative_mouth(measure, rest)
        mouth, closed = mouth_controls(curves), _touching(curves[:, 0])
        facts = {"held_out": clip.facts.split != "train", "kind": "videos", "speaker": clip.facts.speaker}
        assert clip.waveform is not None
        audio = reader.audio(clip.facts.name, clip.waveform)
        if reader.config.video_truth == "all":
            made.append(reader.clip(audio, _as_filmed(clip, mouth, usual), clip.facts.emotion or "neutral", closed, **facts))
            continue
        loudness = loudness_curve(clip.waveform, SAMPLE_RATE, clip.facts.frames)
        for random, emotion in reader.takes(clip.facts.name, clip.facts.emotion):
            motion = clip_motion([], loudness, emotion, random, mouth=mouth)
            if clip.facts.emotion not in ("", "neutral"):
                motion = _with_own_mouth(motion, mouth)
            made.append(reader.clip(audio, motion, emotion, closed, **facts))
    return made


def _touching(opening: np.ndarray) -> np.ndarray:
    """1 where lips touch that are open shortly before and after: while somebody speaks."""
    reach = np.lib.stride_tricks.sliding_window_view(np.pad(opening, _NEAR, mode="edge"), _NEAR + 1).max(1)
    return ((opening < _SHUT) & (reach[: len(opening)] > _OPEN) & (reach[_NEAR:] > _OPEN)).astype(float)


def _with_own_mouth(motion: ClipMotion, mouth: dict[str, np.ndarray]) -> ClipMotion:
    """An emotion that the mouth shows already is not drawn on it once more."""
    rig = motion.rig.copy()
    for name, curve in mouth.items():
        rig[:, rigs.index(name)] = motion.rest[rigs.index(name)] + curve
    return ClipMotion(rig, motion.rest)


def _as_filmed(clip: VideoClip, mouth: dict[str, np.ndarray], usual: np.ndarray) -> ClipMotion:
    """All of the clip's motion: the head as it is, the face relative to the speaker's `usual` one (20,)."""
    pose = [rigs.index(name) for name in _POSE]
    rig = clip.rig - usual
    rig[:, pose] = clip.rig[:, pose]
    for name, curve in mouth.items():
        rig[:, rigs.index(name)] = curve
    rest = np.zeros(len(rigs.RIG_NAMES), np.float32)
    rest[pose] = np.median(clip.rig[:, pose], axis=0)
    return ClipMotion(rigs.clamp(torch.from_numpy(rig)).numpy(), rest)


def read_speech(folder: Path, reader: Reader, on_progress: ProgressCallback | None = None) -> list[MotionClip]:
    """Prepared recordings with known sounds: mouths by coarticulation, everything else drawn."""
    made = []
    for facts in counted(open_speech(folder), "load speech", on_progress):
        waveform, timings = load_speech(folder, facts.name)
        if not timings.phones:  # only its emotion is known
            continue
        frames = frame_count(len(waveform), SAMPLE_RATE, FPS)
        audio, loudness = reader.audio(facts.name, waveform), loudness_curve(waveform, SAMPLE_RATE, frames)
        closed = closure(segments(timings.phones), frames)
        for random, emotion in reader.takes(facts.name, facts.emotion):
            motion = clip_motion(timings.phones, loudness, emotion, random)
            made.append(reader.clip(audio, motion, emotion, closed, held_out=facts.split != "train", kind="speech", speaker=facts.speaker))
    return made


def read_arrays(folder: Path, reader: Reader, on_progress: ProgressCallback | None = None) -> list[MotionClip]:
    """A folder of .npz files: `waveform` (16 kHz), `rig` with `rest` (synthetic voices) or `motion` (cached latents); optional are
    `emotion` (an index, or 7 weights), `phonemes` with `times`, `speaker` and `held_out`."""
    paths = sorted(Path(folder).glob("*.npz"))
    if not paths:
        raise OptionError(f"{folder} holds no clips; expected the .npz files of synthesize or prepare latents")
    return [_array_clip(path, reader) for path in counted(paths, "load clips", on_progress)]


def _array_clip(path: Path, reader: Reader) -> MotionClip:
    with np.load(path, allow_pickle=False) as data:
        motion, rest = _motion(data, path, reader.basis)
        samples = data["waveform"]
        waveform = samples.astype(np.float32) / (32767.0 if samples.dtype == np.int16 else 1.0)
        frames = min(len(motion), frame_count(len(waveform), SAMPLE_RATE, FPS))  # a video may be a frame longer than its audio
        return MotionClip(
            reader.audio(path.stem, waveform),
            motion[:frames],
            _emotion(data),
            rest,
            _closed(data, frames),
            bool(data["held_out"]) if "held_out" in data else False,
            "latents" if "motion" in data else "synthetic",
            str(data["speaker"]) if "speaker" in data else str(data["voice"]) if "voice" in data else "",
        )


def _motion(data: Any, path: Path, basis: Tensor) -> tuple[Tensor, Tensor | None]:
    if "motion" in data:
        return torch.from_numpy(data["motion"]).float(), None
    if "rig" not in data:
        raise OptionError(f"{path} has neither motion nor rig; expected a clip of synthesize or prepare latents")
    coefficients, rest = (to_coefficients(torch.from_numpy(data[name]).float()) for name in ("rig", "rest"))
    return coefficients @ basis.T, rest


def _closed(data: Any, frames: int) -> np.ndarray:
    if "phonemes" not in data:
        return np.zeros(frames)
    phonemes = [Phoneme(str(name), float(start), float(end)) for name, (start, end) in zip(data["phonemes"], data["times"], strict=True)]
    return closure(segments(phonemes), frames)


def _emotion(data: Any) -> Tensor:
    value = torch.from_numpy(np.asarray(data["emotion"])) if "emotion" in data else torch.tensor(_NEUTRAL)
    return value.float() if value.ndim else F.one_hot(value.long(), len(EMOTIONS)).float()
