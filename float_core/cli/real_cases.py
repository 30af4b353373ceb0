"""For `evaluate --real`: which clips of a folder of prepared videos are measured, with which wrong voices, on which portraits, and what
reads the faces of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..errors import OptionError
from ..evaluation.landmark_tracker import landmark_tracker
from ..evaluation.speech_runs import Case
from ..evaluation.spoken_clip import FaceTracks, SpokenClip, Tracker, lip_closures
from ..synthetic.portraits import load_portrait, open_portraits
from .options import require_training

if TYPE_CHECKING:
    from ..training.video_clips import ClipFacts

SPLITS = ("train", "valid", "test", "all")


def chosen_clips(folder: Path, split: str, count: int) -> list[ClipFacts]:
    """`count` clips with a voice, one of each speaker after another. Raises OptionError where there are fewer than two."""
    require_training()
    from ..training.video_clips import open_clips

    _layout, clips = open_clips(folder)
    spoken = [clip for clip in clips if clip.sound == "voice"]
    people: dict[str, list[ClipFacts]] = {}
    for clip in spoken:
        if split in ("all", clip.split):
            people.setdefault(clip.speaker, []).append(clip)
    rounds = range(max(map(len, people.values()), default=0))
    chosen = [clips[n] for n in rounds for clips in people.values() if n < len(clips)][:count]
    if len(chosen) < 2:
        there = ", ".join(f"{sum(clip.split == name for clip in spoken)} in {name}" for name in SPLITS[:3])
        raise OptionError(f"{folder} has {len(chosen)} clips with a voice in the split {split}; expected at least 2. There are {there}")
    return chosen


def read_cases(folder: Path, chosen: Sequence[ClipFacts], *, portraits: Path | None, voices: Path | None) -> Iterator[Case]:
    """The clips, each with a wrong voice: of the next clip of another speaker, or of the clips in the folder `voices`; and with the
    portraits in the folder, one after another."""
    from ..training.video_clips import load_clip

    others = chosen if voices is None else chosen_clips(voices, "all", len(chosen))
    faces = None if portraits is None else open_portraits(portraits)[1]
    for number, facts in enumerate(chosen):
        clip = load_clip(folder, facts)
        assert clip.frames is not None and clip.waveform is not None  # asked for, and with a voice
        wrong = load_clip(voices or folder, _other(facts, others, number), frames=False).waveform
        assert wrong is not None
        words, sounds = ([(part.name, part.start, part.end) for part in parts] for parts in (clip.timings.words, clip.timings.phones))
        spoken = SpokenClip(facts.name, facts.speaker, facts.emotion, clip.frames, clip.waveform, lip_closures(words, sounds))
        face = None if faces is None or portraits is None else load_portrait(portraits, faces[number % len(faces)]).image
        yield Case(spoken, wrong, face)


def _other(facts: ClipFacts, clips: Sequence[ClipFacts], number: int) -> ClipFacts:
    """The next clip of another speaker, else the next one."""
    order = [*clips[number + 1 :], *clips[: number + 1]]
    foreign = [clip for clip in order if clip.speaker != facts.speaker]
    return (foreign or order)[0]


def mediapipe_tracker(_device: torch.device) -> Tracker:
    """By MediaPipe's face mesh. Raises OptionError if it is not installed."""
    from ..training.face_tracks import measure_tracks
    from ..training.mediapipe_landmarks import MediaPipeTracker

    tracker = MediaPipeTracker(faces=1)

    def row(frame: np.ndarray) -> np.ndarray | None:
        meshes = tracker.find(frame)
        if not meshes:
            return None
        tracks, _rig = measure_tracks(meshes[0][None] * 2 / frame.shape[1], tracker.layout)
        return tracks[0, :6]  # lips, two lids, yaw, pitch, roll

    def track(frames: np.ndarray) -> FaceTracks:
        tracker.restart()
        return FaceTracks.of_rows([row(frame) for frame in frames])

    return track


TRACKERS: dict[str, Callable[[torch.device], Tracker]] = {"mediapipe": mediapipe_tracker, "landmarks": landmark_tracker}
