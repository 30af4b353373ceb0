"""Speech with phoneme timings from the espeak-ng library, through ctypes: nothing is compiled and nothing is downloaded.

Knows text, a voice and prosody, but nothing of mouths: see `visemes`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..errors import AudioError

# speak_lib.h
_SYNCHRONOUS, _PHONEME_EVENTS_IPA, _DONT_EXIT, _UTF8 = 2, 0x0001 | 0x0002, 0x8000, 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_EVENT_LAST, _EVENT_END, _EVENT_PHONEME = 0, 5, 7


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class Phoneme:
    """One phoneme.

    name: in IPA, "" for a pause.
    start: in seconds.
    end: in seconds.
    """

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Speech:
    """Spoken text.

    waveform: (samples,) float32 in [-1, 1].
    sample_rate: in Hz.
    phonemes: in order, without gaps between them.
    """

    waveform: np.ndarray
    sample_rate: int
    phonemes: tuple[Phoneme, ...]


@dataclass(frozen=True)
class Prosody:
    """How a text is spoken.

    rate: words per minute, 80 to 450.
    pitch: 0 to 100.
    range: how much the pitch varies, 0 to 100.
    volume: 0 to 200; 100 = normal.
    """

    rate: int = 175
    pitch: int = 50
    range: int = 50
    volume: int = 100


def speak(text: str, voice: str, prosody: Prosody) -> Speech:
    """Speaks one sentence. `voice`: a language and a variant, such as "en-us+f3"."""
    library, rate = _library()
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise AudioError(f"espeak-ng has no voice {voice!r}. `espeak-ng --voices` and `--voices=variant` list them.")
    for parameter, value in ((_RATE, prosody.rate), (_PITCH, prosody.pitch), (_RANGE, prosody.range), (_VOLUME, prosody.volume)):
        library.espeak_SetParameter(parameter, int(value), 0)
    parts: list[np.ndarray] = []
    events: list[tuple[int, float, str]] = []
    callback = _CALLBACK(_collector(parts, events))
    library.espeak_SetSynthCallback(callback)
    raw = text.encode() + b"\0"
    if library.espeak_Synth(raw, len(raw), 0, 1, 0, _UTF8, None, None) != 0 or not parts:
        raise AudioError(f"espeak-ng gave no audio for {text!r}.")
    waveform = np.concatenate(parts).astype(np.float32) / 32768
    return Speech(waveform, rate, _phonemes(events, len(waveform) / rate))


def _collector(parts: list[np.ndarray], events: list[tuple[int, float, str]]) -> Callable[[Any, int, Any], int]:
    def collect(samples: Any, count: int, first: Any) -> int:
        if samples and count > 0:
            parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while first[index].type != _EVENT_LAST:
            event = first[index]
            name = bytes(event.id.string).decode("utf-8", "ignore") if event.type == _EVENT_PHONEME else ""
            events.append((event.type, event.audio_position / 1000, name))
            index += 1
        return 0

    return collect


def _phonemes(events: list[tuple[int, float, str]], seconds: float) -> tuple[Phoneme, ...]:
    marks = [(time, name.strip("_:ː \u02c8\u02cc")) for kind, time, name in events if kind == _EVENT_PHONEME]
    marks = [(0.0, ""), *marks]
    ends = [time for time, _ in marks[1:]] + [seconds]
    return tuple(Phoneme(name, start, end) for (start, name), end in zip(marks, ends, strict=True) if end > start)


@cache
def _library() -> tuple[ctypes.CDLL, int]:
    for name in (ctypes.util.find_library("espeak-ng"), "libespeak-ng.so.1", "libespeak-ng.dylib", "libespeak-ng.dll"):
        library = _open(name) if name else None
        if library is not None:
            break
    else:
        raise AudioError("espeak-ng is not installed. Training voices need it: apt install espeak-ng, or brew install espeak-ng.")
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS_IPA | _DONT_EXIT)
    if rate <= 0:
        raise AudioError("espeak-ng is there but cannot start: its data files (espeak-ng-data) are missing. Install it again.")
    return library, int(rate)


def _open(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
