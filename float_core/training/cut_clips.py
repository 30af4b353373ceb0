"""One video file becomes clips: cuts and faces are found, each face gets its square, frames and sound are written.

The file is read twice: once for cuts and faces, and, once the squares are known, for the frames, so that its length needs no memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np

from ..audio.waveform import resample
from ..errors import FloatError
from ..face.crop import Square, cut_square
from ..face.pixels import resize_square
from ..media.read_audio import read_audio
from ..media.read_video import first_frame_time, has_audio, read_frames
from ..synthetic.portraits import MeshLayout
from .audio_offset import correlate
from .face_tracks import CutFinder, FaceRun, clip_square, face_height, follow_face, measure_tracks
from .mediapipe_landmarks import FaceTracker, MediaPipeTracker
from .name_layouts import label
from .preparation import Rejected, file_name
from .speech_timings import SpeechTimings, find_timings
from .video_clips import FPS, MARGIN, SAMPLE_RATE, ClipFacts, RawClip, save_clip

_TURNED = 0.1  # of the frames that may be turned too far


@dataclass(frozen=True)
class VideoLimits:
    """What is kept: the face's height in pixels, its turn in degrees, and a clip's length in seconds; longer ones are divided."""

    face_pixels: int = 100
    yaw: float = 45.0
    pitch: float = 35.0
    shortest: float = 1.0
    longest: float = 20.0


@dataclass(frozen=True)
class VideoFile:
    """A file to prepare: `path` under `source`, its clips go to `out`. `layout`: how it is named; `size`: pixels of a clip."""

    path: Path
    source: Path
    out: Path
    layout: str
    size: int
    limits: VideoLimits

    @property
    def name(self) -> str:
        """Its own name among all files of the source."""
        return file_name(self.path, self.source)

    @property
    def place(self) -> PurePosixPath:
        """Where it is under the source."""
        return PurePosixPath(self.path.relative_to(self.source).as_posix())

    @property
    def settings(self) -> list:
        """What its clips depend on: with other settings they are made again."""
        return [self.layout, self.size, *asdict(self.limits).values()]


@dataclass
class FileRecord:
    """What became of a file: `clips`, without splits and delays, and what was left out: (reason, seconds). `recording`: see
    `name_layouts.NameLabel`."""

    settings: list
    recording: str = ""
    clips: list[ClipFacts] = field(default_factory=list)
    rejected: list[tuple[str, float]] = field(default_factory=list)

    @classmethod
    def from_json(cls, data: dict) -> FileRecord:
        """The inverse of `dataclasses.asdict`."""
        rejected = [(str(reason), float(seconds)) for reason, seconds in data["rejected"]]
        return cls(data["settings"], data["recording"], [ClipFacts(**clip) for clip in data["clips"]], rejected)


_tracker: list[FaceTracker] = []  # one a process


def cut_clips(work: VideoFile) -> tuple[str, FileRecord]:
    """The file's name and record, once its clips are written. A broken file is a record, too."""
    if not _tracker:
        _tracker.append(MediaPipeTracker())
    record = FileRecord(work.settings)
    try:
        names = label(work.layout, work.place)
        record.recording = names.recording
        for facts, reason in _clips(work, _tracker[0]):
            if reason:
                record.rejected.append((reason, facts.seconds))
            else:
                record.clips.append(replace(facts, speaker=names.speaker, emotion=names.emotion))
    except Rejected as reason:
        record.rejected.append((str(reason), 0.0))
    except FloatError as error:
        record.rejected.append((f"broken file: {error}", 0.0))
        record.clips.clear()
    return work.name, record


def crashed(work: VideoFile) -> tuple[str, FileRecord]:
    """The record of a file that ended the process which read it."""
    return work.name, FileRecord(work.settings, rejected=[(f"broken file: {work.path} ends the process that reads it", 0.0)])


def _clips(work: VideoFile, tracker: FaceTracker) -> Iterator[tuple[ClipFacts, str]]:
    """Every clip of a file, written, or why it is not."""
    runs, frames, (height, width) = _look_through(work, tracker)
    good: list[tuple[ClipFacts, FaceRun, Square]] = []
    seconds = 0.0
    for number, run in enumerate(part for whole in runs for part in _divided(whole, work.limits)):
        facts = ClipFacts(f"{work.name}_{number:03}", work.place.as_posix(), run.start / FPS, len(run.points), "", "", "", "none")
        seconds += facts.seconds
        try:
            good.append((facts, run, _checked(run, tracker.layout, work.limits, height, width)))
        except Rejected as reason:
            yield facts, str(reason)
    if frames / FPS - seconds > 0.5 / FPS:
        yield ClipFacts("", "", 0.0, frames - round(seconds * FPS), "", "", "", "none"), "no face"
    if good:
        sound, timings = _sound(work.path), find_timings(work.path).moved(-first_frame_time(work.path))
        yield from _write(work, good, tracker.layout, sound, timings)


def _look_through(work: VideoFile, tracker: FaceTracker) -> tuple[list[FaceRun], int, tuple[int, int]]:
    """The runs of the followed face, how many frames there are, and their size (height, width)."""
    tracker.restart()
    cuts, shape, start = CutFinder(), (0, 0), 0
    shot: list[tuple[np.ndarray, ...]] = []
    runs: list[FaceRun] = []
    for pixels in read_frames(work.path, FPS):
        if cuts.is_cut(pixels):
            runs += follow_face(shot, tracker.layout, start)
            start, shot = start + len(shot), []
            tracker.restart()
        shot.append(tuple(mesh.astype(np.float32) for mesh in tracker.find(pixels)))
        shape = pixels.shape[0], pixels.shape[1]
    return [*runs, *follow_face(shot, tracker.layout, start)], start + len(shot), shape


def _divided(run: FaceRun, limits: VideoLimits) -> Iterator[FaceRun]:
    """Equal parts that are not too long."""
    frames = len(run.points)
    parts = -(-frames // round(limits.longest * FPS))
    edges = [frames * n // parts for n in range(parts + 1)]
    for start, end in zip(edges, edges[1:], strict=False):
        yield run.cut(start, end)


def _checked(run: FaceRun, layout: MeshLayout, limits: VideoLimits, height: int, width: int) -> Square:
    if len(run.points) < round(limits.shortest * FPS):
        raise Rejected("too short")
    if face_height(run, layout) < limits.face_pixels:
        raise Rejected("face too small")
    square = clip_square(run, layout, height, width)
    tracks, _rig = measure_tracks(run.points[::5] / (square[2] - square[0]) * 2, layout)
    turned = (np.abs(tracks[:, 3]) > limits.yaw) | (np.abs(tracks[:, 4]) > limits.pitch)
    if turned.mean() > _TURNED:
        raise Rejected("turned too far")
    return square


def _sound(path: Path) -> np.ndarray | None:
    """(samples,) float32 at 16 kHz from the first frame on; None for a video without sound."""
    if not has_audio(path):
        return None
    audio = read_audio(path, start=first_frame_time(path))
    return resample(audio.waveform, audio.sample_rate, SAMPLE_RATE).numpy()


def _write(
    work: VideoFile, good: Sequence[tuple[ClipFacts, FaceRun, Square]], layout: MeshLayout, sound: np.ndarray | None, timings: SpeechTimings
) -> Iterator[tuple[ClipFacts, str]]:
    frames = read_frames(work.path, FPS)
    done = 0
    for facts, run, square in good:
        half, corner = (square[2] - square[0]) / 2, np.array([square[0], square[1], 0.0])
        points = ((run.points - corner) / half - np.array([1.0, 1.0, 0.0])).astype(np.float32)
        tracks, rig = measure_tracks(points, layout)
        part = None if sound is None else _part(sound, facts.start - MARGIN, facts.start + facts.seconds + MARGIN)
        following = None
        if part is not None:
            inside = part[round(MARGIN * SAMPLE_RATE) :][: round(facts.seconds * SAMPLE_RATE)]
            following = correlate(tracks[:, 0], FPS, inside, SAMPLE_RATE, facts.start)
        spoken = timings.between(facts.start - MARGIN, facts.start + facts.seconds + MARGIN).moved(-MARGIN)
        own = islice(frames, run.start - done, run.start - done + len(run.points))
        crops = (resize_square(cut_square(pixels, square), work.size).byte() for pixels in own)
        save_clip(work.out, facts.name, crops, RawClip(points, run.seen, tracks, rig, part, following, spoken), work.size)
        done = run.start + len(run.points)
        heard = "none" if following is None else "silent" if following.silent else "voice"
        yield replace(facts, sound=heard), ""


def _part(sound: np.ndarray, start: float, end: float) -> np.ndarray:
    """From `start` to `end` in seconds; silence where there is no sound."""
    first, last = round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
    inside = sound[max(first, 0) : max(last, 0)]
    return np.pad(inside, (max(0, -first), max(0, last - max(first, 0) - len(inside))))
