"""A folder of videos becomes training clips: one face each in one fixed square, 25 frames a second, the sound in step with the lips.

Files are cut by `cut_clips`. Which delay their sound has is decided at the end, when all that was recorded together is known.
Restartable: what became of a file is written when it is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..atomic_file import write_beside
from ..errors import OptionError
from ..face.pixels import resize_square
from ..media.read_video import IMAGES
from ..pixels import from_bytes
from ..progress import ProgressCallback
from ..synthetic.portraits import MeshLayout
from .audio_offset import SMALLEST, Delay, settle
from .contact_sheet import write_sheet
from .cut_clips import FileRecord, VideoFile, VideoLimits, crashed, cut_clips
from .mediapipe_landmarks import MediaPipeTracker
from .preparation import SPLITS, counted_reasons, read_json, split_speakers, work_through, write_json
from .video_clips import CLIPS, ClipFacts, delayed, load_clip, read_following, save_clip_index

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".flv", ".wmv", ".ts", ".mts", ".3gp", ".ogv")
_LIMITS = VideoLimits()
_FILES, _REPORT, _TEXT, _SHEET = "files", "report.json", "report.txt", "sheet.jpg"
_SHOWN, _TILE, _COLUMNS = 24, 128, 8  # clips on the sheet, pixels of a frame, frames of a clip


@dataclass(frozen=True)
class PreparedVideos:
    """`clips` of the folder; `seconds` of them in each split; `rejected`: reason -> how often; `rejected_seconds` of video that was
    looked at; `moved`: clips whose sound was moved into step."""

    folder: Path
    clips: tuple[ClipFacts, ...]
    seconds: dict[str, float]
    rejected: dict[str, int]
    rejected_seconds: float
    moved: int


def prepare_videos(
    source: str | Path,
    out: str | Path,
    *,
    layout: str = "folder",
    size: int = 512,
    limits: VideoLimits = _LIMITS,
    workers: int = 1,
    on_progress: ProgressCallback | None = None,
) -> PreparedVideos:
    """Prepares every video under `source` into `out`, at `size` pixels. `layout`: how the files are named, see `name_layouts`; with
    "vfhq", folders of images are videos, too. Raises OptionError if there is none, or if no landmark detector is installed."""
    source, out = Path(source), Path(out)
    if size % 2:
        raise OptionError(f"size is {size}; expected an even number of pixels, which H.264 needs")
    paths = _videos(source, layout)
    if not paths:
        raise OptionError(f"{source} holds no videos; expected files ending in {', '.join(SUFFIXES)}")
    for folder in (CLIPS, _FILES):
        (out / folder).mkdir(parents=True, exist_ok=True)
    mesh = MediaPipeTracker().layout  # fails here, once, if it is not installed
    todo = [VideoFile(path, source, out, layout, size, limits) for path in paths]
    records = {work.name: _earlier(work) for work in todo}
    left = [work for work in todo if records[work.name] is None]
    for done, (name, record) in enumerate(work_through(cut_clips, left, workers, crashed), len(todo) - len(left) + 1):
        records[name] = record
        write_json(out / _FILES / f"{name}.json", asdict(record))
        if on_progress is not None:
            on_progress("videos", done, len(todo))
    return _finish(out, mesh, {name: record for name, record in records.items() if record is not None}, size)


def _earlier(work: VideoFile) -> FileRecord | None:
    """What an earlier call with the same settings found."""
    data = read_json(work.out / _FILES / f"{work.name}.json")
    return FileRecord.from_json(data) if data is not None and data["settings"] == work.settings else None


def _videos(source: Path, layout: str) -> list[Path]:
    found = {path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()}
    if layout == "vfhq":
        found |= {path.parent for path in source.rglob("*") if path.suffix.lower() in IMAGES and path.parent != source}
    return sorted(found)


def _finish(out: Path, mesh: MeshLayout, records: dict[str, FileRecord], size: int) -> PreparedVideos:
    rejected = [(reason, seconds) for record in records.values() for reason, seconds in record.rejected]
    clips: list[ClipFacts] = []
    for facts, delay in _delays(out, records):
        if delay.follows:
            clips.append(replace(facts, **delayed(facts, delay, SMALLEST)))  # type: ignore[arg-type]
        else:
            rejected.append(("the lips do not follow the sound", facts.seconds))
    if not clips:
        raise OptionError(f"no video could be used: {counted_reasons(reason for reason, _ in rejected)}; see {out / _FILES}")
    splits = split_speakers(clip.speaker for clip in clips)
    clips = [replace(clip, split=splits[clip.speaker]) for clip in clips]
    save_clip_index(out, mesh, clips, size)
    seconds = {split: sum(clip.seconds for clip in clips if clip.split == split) for split in SPLITS}
    reasons = counted_reasons(reason for reason, _ in rejected)
    done = PreparedVideos(
        out, tuple(clips), seconds, reasons, sum(s for _, s in rejected), sum(bool(clip.delay or clip.drift) for clip in clips)
    )
    _report(done, [reason for reason, _ in rejected if ":" in reason])
    _sheet(done)
    return done


def _delays(out: Path, records: dict[str, FileRecord]) -> Iterator[tuple[ClipFacts, Delay]]:
    """Every clip with the delay of its sound, decided together with the rest of its recording."""
    recordings: dict[str, list[tuple[str, ClipFacts]]] = {}
    for name, record in records.items():
        recordings.setdefault(record.recording, []).extend((name, facts) for facts in record.clips)
    for members in recordings.values():
        following = {facts.name: read_following(out, facts.name) for _, facts in members}
        heard = [found for found in following.values() if found is not None]
        delays = iter(settle(heard, one_clock=len({name for name, _ in members}) == 1))
        for _, facts in members:
            yield facts, next(delays) if following[facts.name] is not None else Delay()


def report_text(done: PreparedVideos) -> str:
    """The report in words."""
    speakers = {split: len({clip.speaker for clip in done.clips if clip.split == split}) for split in done.seconds}
    lines = [f"{len(done.clips)} clips, {sum(done.seconds.values()) / 3600:.2f} hours, in {done.folder}"]
    lines += [f"{split:>8}: {seconds / 60:.1f} minutes of {speakers[split]} speakers" for split, seconds in done.seconds.items()]
    voices = [clip.following for clip in done.clips if clip.sound == "voice"]
    if voices:
        lines.append(
            f"   voice: {len(voices)} clips, lips follow it with r = {np.median(voices):.2f} (median), {done.moved} moved into step"
        )
    lines.append(f"left out: {done.rejected_seconds / 60:.1f} minutes")
    return "\n".join([*lines, *(f"{count:>8}  {reason}" for reason, count in done.rejected.items())])


def _report(done: PreparedVideos, details: list[str]) -> None:
    sounds = {kind: sum(clip.sound == kind for clip in done.clips) for kind in ("voice", "silent", "none")}
    facts = {
        "clips": len(done.clips), "hours": sum(done.seconds.values()) / 3600, "seconds": done.seconds, "sound": sounds, "moved": done.moved,
        "speakers": {clip.speaker: clip.split for clip in done.clips}, "rejected": done.rejected,
        "rejected_seconds": done.rejected_seconds, "details": details,
    }  # fmt: skip
    write_json(done.folder / _REPORT, facts)
    with write_beside(done.folder / _TEXT) as unfinished:
        unfinished.write_text("\n".join([report_text(done), *details]) + "\n")


def _sheet(done: PreparedVideos) -> None:
    """A row a clip: its first frame, then the widest open mouth, the most closed eyes, the turns to both sides, up and down, the last."""
    rows = []
    shown = np.linspace(0, len(done.clips) - 1, min(_SHOWN, len(done.clips))).astype(int)
    for facts in (done.clips[int(number)] for number in shown):
        clip = load_clip(done.folder, facts)
        lips, lids, yaw, pitch = clip.tracks[:, 0], clip.tracks[:, 1:3].mean(1), clip.tracks[:, 3], clip.tracks[:, 4]
        picks = [0, lips.argmax(), lids.argmin(), yaw.argmin(), yaw.argmax(), pitch.argmin(), pitch.argmax(), len(lips) - 1]
        assert clip.frames is not None and len(picks) == _COLUMNS
        images = [torch.from_numpy(clip.frames[int(pick)]).permute(2, 0, 1).float() for pick in picks]
        rows.append(from_bytes(torch.stack([resize_square(image, _TILE) for image in images])))
    write_sheet(done.folder / _SHEET, rows)
