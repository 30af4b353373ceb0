"""A folder of recordings becomes speech to train with: 16 kHz mono, who speaks, and when which sound is spoken.

    <folder>/speech.json          of each recording: speaker, emotion, split
    <folder>/NAME.npz             waveform, phonemes (IPA, "" = pause) with times, words with times, text
The times come from the files beside a recording (`speech_timings`), or by forced alignment of its transcript. Restartable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ..atomic_file import write_beside
from ..audio.waveform import resample
from ..errors import AudioError, FloatError, OptionError
from ..media.read_audio import read_audio
from ..progress import ProgressCallback
from ..synthetic.espeak import Phoneme
from .forced_alignment import Aligner, PocketSphinxAligner
from .name_layouts import label
from .preparation import SPLITS, Rejected, counted_reasons, file_name, split_speakers, work_through, write_json
from .speech_timings import SpeechTimings, find_timings
from .video_clips import SAMPLE_RATE

SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3", ".m4a", ".aac", ".mp4", ".mov", ".mkv", ".webm", ".mpg", ".avi", ".flv")
INDEX, _REPORT, _TEXT = "speech.json", "report.json", "report.txt"
_SHORTEST, _LONGEST = 0.5, 60.0  # seconds
_SILENCE = 1e-3  # root mean square
_BEYOND = 0.1  # seconds that the times may go on after the recording's end: rounding


@dataclass(frozen=True)
class SpeechFacts:
    """One recording of a prepared folder. `emotion`: one of config.EMOTIONS, "" if not known; `split`: "train", "valid" or "test";
    `timed`: how its times were found, "beside" it or by "alignment"; "unknown": only its emotion is, which
    teaches to hear emotions."""

    name: str
    source: str
    seconds: float
    speaker: str
    emotion: str
    timed: str
    split: str = ""


@dataclass(frozen=True)
class PreparedSpeech:
    """`recordings` of the folder; `seconds` of them in each split; `rejected`: reason -> how often."""

    folder: Path
    recordings: tuple[SpeechFacts, ...]
    seconds: dict[str, float]
    rejected: dict[str, int]


@dataclass(frozen=True)
class _Recording:
    path: Path
    source: Path
    out: Path
    layout: str

    @property
    def name(self) -> str:
        return file_name(self.path, self.source)


def prepare_speech(
    source: str | Path, out: str | Path, *, layout: str = "folder", workers: int = 1, on_progress: ProgressCallback | None = None
) -> PreparedSpeech:
    """Prepares every recording under `source` into `out`. `layout`: how the files are named, see `name_layouts`.

    Raises OptionError if there is none, or if one has only a transcript and no aligner is installed."""
    source, out = Path(source), Path(out)
    paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise OptionError(f"{source} holds no recordings; expected files ending in {', '.join(SUFFIXES)}")
    out.mkdir(parents=True, exist_ok=True)
    rejects: dict[str, str] = {}  # they are tried again: their transcripts may have come in the meantime
    todo = [_Recording(path, source, out, layout) for path in paths]
    left = [work for work in todo if not (out / f"{work.name}.npz").exists()]
    for done, (name, reason) in enumerate(work_through(_work, left, workers, _crashed), len(todo) - len(left) + 1):
        if reason:
            rejects[name] = reason
        if on_progress is not None:
            on_progress("speech", done, len(todo))
    return _finish(out, [work.name for work in todo], rejects)


_aligner: list[Aligner] = []  # one a process


def _work(work: _Recording) -> tuple[str, str]:
    """The recording's name, and why it was left out or ""."""
    place = PurePosixPath(work.path.relative_to(work.source).as_posix())
    try:
        names = label(work.layout, place)
        waveform = _waveform(work.path)
        timings, timed = _timings(work.path, waveform, names.emotion)
        facts = SpeechFacts(work.name, place.as_posix(), len(waveform) / SAMPLE_RATE, names.speaker, names.emotion, timed)
    except Rejected as reason:
        return work.name, str(reason)
    except OptionError:  # what is missing is missing for all
        raise
    except FloatError as error:
        return work.name, f"broken file: {error}"
    _save(work.out, facts, waveform, timings)
    return work.name, ""


def _crashed(work: _Recording) -> tuple[str, str]:
    return work.name, f"broken file: {work.path} ends the process that reads it"


def _waveform(path: Path) -> np.ndarray:
    audio = read_audio(path)
    seconds = audio.waveform.numel() / audio.sample_rate
    if not _SHORTEST <= seconds <= _LONGEST:
        raise Rejected(f"shorter than {_SHORTEST:g} s" if seconds < _SHORTEST else f"longer than {_LONGEST:g} s")
    waveform = resample(audio.waveform, audio.sample_rate, SAMPLE_RATE).numpy()
    if float(np.sqrt(np.mean(np.square(waveform)))) < _SILENCE:
        raise Rejected("silent")
    return waveform


def _timings(path: Path, waveform: np.ndarray, emotion: str) -> tuple[SpeechTimings, str]:
    found = find_timings(path)
    seconds = len(waveform) / SAMPLE_RATE
    if found.phones:
        if found.phones[-1].end > seconds + _BEYOND:
            raise Rejected(f"the times go on after its end: {found.phones[-1].end:.2f} s of {seconds:.2f} s")
        return replace(found, phones=tuple(with_pauses(found.phones, seconds))), "beside"
    if not found.text and emotion:
        return found, "unknown"
    if not found.text:
        raise Rejected("neither times of sounds nor a transcript beside it")
    if not _aligner:
        _aligner.append(PocketSphinxAligner())
    aligned = _aligner[0].align(waveform, found.text)
    return replace(aligned, words=found.words or aligned.words, phones=tuple(with_pauses(aligned.phones, seconds))), "alignment"


def with_pauses(phones: Iterable[Phoneme], seconds: float) -> list[Phoneme]:
    """The sounds of `seconds` without gaps: what nobody names is a pause, and what overlaps or goes on after the end is cut."""
    filled: list[Phoneme] = []
    time = 0.0
    for phone in phones:
        start, end = max(phone.start, time), min(phone.end, seconds)
        if end - start < 1e-4:
            continue
        if start > time + 1e-4:
            filled.append(Phoneme("", time, start))
        filled.append(Phoneme(phone.name, start, end))
        time = end
    return [*filled, Phoneme("", time, seconds)] if seconds > time + 1e-4 else filled


def _save(out: Path, facts: SpeechFacts, waveform: np.ndarray, timings: SpeechTimings) -> None:
    arrays: dict[str, Any] = {
        "waveform": np.round(np.clip(waveform, -1, 1) * 32767).astype(np.int16),
        "phonemes": np.array([p.name for p in timings.phones], dtype=np.str_),
        "times": np.array([(p.start, p.end) for p in timings.phones], np.float32).reshape(-1, 2),
        "words": np.array([p.name for p in timings.words], dtype=np.str_),
        "word_times": np.array([(p.start, p.end) for p in timings.words], np.float32).reshape(-1, 2),
        "text": timings.text,
    }
    arrays |= {f"about_{key}": getattr(facts, key) for key in ("source", "speaker", "emotion", "timed")}
    with write_beside(out / f"{facts.name}.npz") as unfinished, unfinished.open("wb") as file:
        np.savez_compressed(file, **arrays)


def open_speech(folder: str | Path) -> list[SpeechFacts]:
    """The recordings of a prepared folder. Raises OptionError if it is none."""
    path = Path(folder) / INDEX
    try:
        return [SpeechFacts(**facts) for facts in json.loads(path.read_text())["recordings"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError(f"{folder} is no folder of prepared speech: {path} cannot be read ({error}). Prepare speech into it.") from error


def load_speech(folder: str | Path, name: str) -> tuple[np.ndarray, SpeechTimings]:
    """The waveform (samples,) float32 at 16 kHz of a prepared recording, and what is said when. Raises AudioError if it is damaged."""
    try:
        with np.load(Path(folder) / f"{name}.npz", allow_pickle=False) as data:
            rows = {kind: zip(data[kind], data[times], strict=True) for kind, times in (("words", "word_times"), ("phonemes", "times"))}
            words, phones = (tuple(Phoneme(str(n), float(a), float(b)) for n, (a, b) in rows[kind]) for kind in ("words", "phonemes"))
            return data["waveform"].astype(np.float32) / 32767, SpeechTimings(str(data["text"]), words, phones)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise AudioError(f"the prepared speech {folder}/{name} cannot be read: {error}. Delete it and prepare it again.") from error


def _facts(out: Path, name: str) -> SpeechFacts:
    with np.load(out / f"{name}.npz", allow_pickle=False) as data:
        about = {key: str(data[f"about_{key}"]) for key in ("source", "speaker", "emotion", "timed")}
        return SpeechFacts(name, seconds=len(data["waveform"]) / SAMPLE_RATE, **about)


def _finish(out: Path, names: list[str], rejects: dict[str, str]) -> PreparedSpeech:
    found = [_facts(out, name) for name in names if name not in rejects]
    reasons = counted_reasons(rejects.values())
    if not found:
        raise OptionError(f"no recording could be used: {reasons}")
    splits = split_speakers(facts.speaker for facts in found)
    found = [replace(facts, split=splits[facts.speaker]) for facts in found]
    seconds = {split: sum(facts.seconds for facts in found if facts.split == split) for split in SPLITS}
    done = PreparedSpeech(out, tuple(found), seconds, reasons)
    write_json(out / INDEX, {"sample_rate": SAMPLE_RATE, "recordings": [asdict(facts) for facts in found]})
    write_json(out / _REPORT, {"recordings": len(found), "hours": sum(seconds.values()) / 3600, "seconds": seconds, "rejected": reasons})
    with write_beside(out / _TEXT) as unfinished:
        unfinished.write_text("\n".join([speech_report(done), *(f"{name}: {reason}" for name, reason in sorted(rejects.items()))]) + "\n")
    return done


def speech_report(done: PreparedSpeech) -> str:
    """The report in words."""
    lines = [f"{len(done.recordings)} recordings, {sum(done.seconds.values()) / 3600:.2f} hours, in {done.folder}"]
    for split, seconds in done.seconds.items():
        speakers = {facts.speaker for facts in done.recordings if facts.split == split}
        lines.append(f"{split:>8}: {seconds / 60:.1f} minutes of {len(speakers)} speakers")
    beside, aligned, unknown = (sum(facts.timed == how for facts in done.recordings) for how in ("beside", "alignment", "unknown"))
    lines.append(f"   times: {beside} from files beside them, {aligned} by alignment, {unknown} unknown (only their emotion is of use)")
    return "\n".join([*lines, *(f"{count:>8}  left out: {reason}" for reason, count in done.rejected.items())])
