"""Who speaks, and with which emotion: what the file names of known data sets say. One rule a data set.

A `recording` is what was recorded and put together at once, so that its sound has one delay: all files of a speaker in the sets that were
made in a studio, else each file by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..config import EMOTIONS
from ..errors import OptionError
from .preparation import Rejected

_RAVDESS = ("neutral", "neutral", "happy", "sad", "angry", "fear", "disgust", "surprise")  # 01 to 08; 02 is "calm"
_CREMA = {"ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
_EMODB = {"W": "angry", "L": "", "E": "disgust", "A": "fear", "F": "happy", "T": "sad", "N": "neutral"}  # L: boredom, none of the seven
_WORDS = {
    "anger": "angry", "disgusted": "disgust", "fearful": "fear", "afraid": "fear", "happiness": "happy", "joy": "happy", "calm": "neutral",
    "sadness": "sad", "surprised": "surprise", **{name: name for name in EMOTIONS},
}  # fmt: skip


@dataclass(frozen=True)
class NameLabel:
    """What a name says. `emotion`: one of config.EMOTIONS, or "" if it is not known."""

    speaker: str
    emotion: str
    recording: str


def label(layout: str, path: PurePosixPath) -> NameLabel:
    """`path` is the file's place under the source folder. Raises Rejected for a name that does not fit the layout, or for a file that the
    data set has twice or without a voice; OptionError for an unknown layout.

    >>> label("crema-d", PurePosixPath("VideoFlash/1001_DFA_ANG_XX.flv"))
    NameLabel(speaker='1001', emotion='angry', recording='1001')
    """
    if layout not in LAYOUTS:
        raise OptionError(f"the layout is {layout!r}; expected one of {', '.join(LAYOUTS)}")
    return LAYOUTS[layout](path)


def _match(pattern: str, path: PurePosixPath, layout: str) -> re.Match[str]:
    found = re.fullmatch(pattern, path.stem)
    if found is None:
        raise Rejected(f"the name does not fit the layout {layout}")
    return found


def _hdtf(path: PurePosixPath) -> NameLabel:
    """WDA_BarackObama_000: the person, and the number of the part."""
    name = _match(r"(\w+?)(_\d+)?", path, "hdtf")[1]
    return NameLabel(name, "", path.as_posix())


def _vfhq(path: PurePosixPath) -> NameLabel:
    """Clip+_-3V4z1Yv3Y+P0+C0+F1234-1345: the video and the person in it. A folder of images has its name itself."""
    found = re.fullmatch(r"Clip\+(.+\+P\d+)\+C\d+\+F\d+-\d+(\.\w+)?", path.name)
    if found is None:
        raise Rejected("the name does not fit the layout vfhq")
    return NameLabel(found[1], "", path.as_posix())


def _ravdess(path: PurePosixPath) -> NameLabel:
    """01-01-05-02-01-02-12: what is in the file, speech or song, emotion, intensity, sentence, repetition, actor."""
    kind, channel, emotion, actor = _match(r"(\d\d)-(\d\d)-(0[1-8])-\d\d-\d\d-\d\d-(\d\d)", path, "ravdess").groups()
    if kind == "02":
        raise Rejected("a copy without sound")
    if channel == "02":
        raise Rejected("a song")
    return NameLabel(actor, _RAVDESS[int(emotion) - 1], actor)


def _crema(path: PurePosixPath) -> NameLabel:
    """1001_DFA_ANG_XX: speaker, sentence, emotion, intensity."""
    speaker, emotion = _match(r"(\d{4})_[A-Z]{3}_([A-Z]{3})_[A-Z]{1,2}", path, "crema-d").groups()
    if emotion not in _CREMA:
        raise Rejected("the name does not fit the layout crema-d")
    return NameLabel(speaker, _CREMA[emotion], speaker)


def _grid(path: PurePosixPath) -> NameLabel:
    """s1_bbaf2n, or bbaf2n in a folder s1: read sentences, so without emotion."""
    found = re.fullmatch(r"(s\d+)_\w+", path.stem)
    above = [part for part in path.parts[:-1] if re.fullmatch(r"s\d+", part)]
    if found is None and not above:
        raise Rejected("the name does not fit the layout grid")
    speaker = found[1] if found else above[-1]
    return NameLabel(speaker, "neutral", speaker)


def _librispeech(path: PurePosixPath) -> NameLabel:
    """103-1240-0000: speaker, chapter, sentence."""
    return NameLabel(_match(r"(\d+)-\d+-\d+", path, "librispeech")[1], "", path.as_posix())


def _emodb(path: PurePosixPath) -> NameLabel:
    """03a01Wa: speaker, sentence, emotion (its German initial), version."""
    speaker, emotion = _match(r"(\d\d)[ab]\d\d([WLEAFTN])[a-z]?", path, "emodb").groups()
    return NameLabel(speaker, _EMODB[emotion], speaker)


def _folder(path: PurePosixPath) -> NameLabel:
    """One's own files: the first folder is the speaker, if there is one, else each file is; an emotion's name anywhere is the emotion."""
    words = re.findall(r"[a-z]+", " ".join(path.with_suffix("").parts).lower())
    emotions = [_WORDS[word] for word in words if word in _WORDS]
    speakers = [part for part in path.parts[:-1] if part.lower() not in _WORDS]
    return NameLabel(speakers[0] if speakers else path.stem, emotions[-1] if emotions else "", path.as_posix())


LAYOUTS: dict[str, Callable[[PurePosixPath], NameLabel]] = {
    "folder": _folder, "hdtf": _hdtf, "ravdess": _ravdess, "vfhq": _vfhq, "crema-d": _crema, "grid": _grid, "librispeech": _librispeech,
    "emodb": _emodb,
}  # fmt: skip
