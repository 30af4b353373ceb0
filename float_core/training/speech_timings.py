"""When which word and which sound is spoken, from the files beside a recording: Praat's TextGrid, JSON, GRID's .align.

    NAME.TextGrid                tiers "words" and "phones" (also "phonemes", "sounds"; any case), long or short format
    NAME.json                    {"text": ..., "phones": [[start, end, "AH"], ...], "words": [[start, end, "bin"], ...]}, each if known
    phones.json, words.json      in the same folder, for all files: name -> the same, or name -> [[start, end, label], ...]
    NAME.align                   lines "start end word", in thousandths of a frame of 25 a second
    NAME.txt, NAME.lab           the transcript
Sounds may be ARPAbet (with or without stress) or IPA; they come out as IPA, which the visemes know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import FloatError
from ..synthetic.espeak import Phoneme

_ARPABET = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AX": "ə", "AXR": "ɚ", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð",
    "DX": "ɾ", "EH": "ɛ", "ER": "ɝ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IX": "ɨ", "IY": "i", "JH": "dʒ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ",
    "UH": "ʊ", "UW": "u", "UX": "ʉ", "V": "v", "W": "w", "WH": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_PAUSES = ("", "SIL", "SP", "SPN", "NSN", "H#", "PAU", "EPI", "<SIL>", "<EPS>", "<P:>", "+SPN+", "+NSN+", "++SMACK++", "[NOISE]")
_PHONE_TIERS, _WORD_TIERS = ("phones", "phonemes", "sounds", "mau"), ("words", "word", "ort")
_TOGETHER = ("phones.json", "words.json")
_ALIGN_UNIT = 25_000  # of GRID's .align files, a second


@dataclass(frozen=True)
class SpeechTimings:
    """`text`: the transcript, "" if it is not known; `words` with times in seconds, pauses left out; `phones`: IPA, "" for a pause."""

    text: str = ""
    words: tuple[Phoneme, ...] = ()
    phones: tuple[Phoneme, ...] = ()

    def moved(self, seconds: float, stretch: float = 1.0) -> SpeechTimings:
        """All times t as t * stretch + seconds."""
        words, phones = (
            tuple(Phoneme(p.name, p.start * stretch + seconds, p.end * stretch + seconds) for p in parts)
            for parts in (self.words, self.phones)
        )
        return replace(self, words=words, phones=phones)

    def between(self, start: float, end: float) -> SpeechTimings:
        """What is spoken from `start` to `end`, cut there, counted from `start`. The text is that of the words, if they are known."""
        words, phones = (
            tuple(Phoneme(p.name, max(p.start, start) - start, min(p.end, end) - start) for p in parts if p.end > start and p.start < end)
            for parts in (self.words, self.phones)
        )
        return SpeechTimings(" ".join(word.name for word in words) or self.text, words, phones)


class TimingsError(FloatError):
    """A file beside a recording is there and cannot be read."""


def find_timings(path: Path) -> SpeechTimings:
    """All that the files beside a recording say. Raises TimingsError, which names the file, if one of them is damaged."""
    found = SpeechTimings()
    for beside, read in (
        (path.with_suffix(".TextGrid"), read_textgrid),
        (path.with_suffix(".json"), _read_own_json),
        (path.with_suffix(".align"), _read_align),
        *((path.parent / name, lambda file: _of_all(file, path.stem)) for name in _TOGETHER),
        (path.with_suffix(".txt"), _read_text),
        (path.with_suffix(".lab"), _read_text),
    ):
        if beside.is_file():
            try:
                found = _joined(found, read(beside))
            except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
                raise TimingsError(f"{beside} does not hold the times of words or sounds: {error}") from error
    return found


def read_textgrid(path: Path) -> SpeechTimings:
    """The interval tiers of Praat's TextGrid, in its long or its short format, in UTF-8 or UTF-16."""
    data = path.read_bytes()
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    tokens = iter(re.findall(r'"(?:[^"]|"")*"|(?<![\w\[.])-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?(?![\w\]])', _without_names(text)))
    tiers = dict(_tiers(tokens))
    words = next((tiers[name] for name in _WORD_TIERS if name in tiers), [])
    phones = next((tiers[name] for name in _PHONE_TIERS if name in tiers), [])
    if not words and not phones:
        raise ValueError(f"it has the tiers {', '.join(tiers) or 'none'}; expected one of {', '.join((*_PHONE_TIERS, *_WORD_TIERS))}")
    return _timings(words=words, phones=phones)


def _without_names(text: str) -> str:
    """The long format is the short one with a name before each value."""
    return re.sub(r"(?m)^\s*(?:[\w ]+\[\d*\]:?|[\w ]+\s*[=?:])\s*(?=\S|$)", "", text)


def _tiers(tokens: Iterator[str]) -> Iterator[tuple[str, list[tuple[float, float, str]]]]:
    """(name in lower case, its intervals) of each interval tier; tiers of points are passed over."""
    for token in tokens:
        if token not in ('"IntervalTier"', '"TextTier"'):
            continue
        name, _start, _end, count = (next(tokens, "") for _ in range(4))  # an early end gives "", which is no number
        if token == '"TextTier"':
            for _ in range(2 * int(count)):
                next(tokens, "")
            continue
        parts = [(next(tokens, ""), next(tokens, ""), next(tokens, "")) for _ in range(int(count))]
        rows = [(float(start), float(end), text[1:-1].replace('""', '"')) for start, end, text in parts]
        yield name[1:-1].lower(), rows


def _read_own_json(path: Path) -> SpeechTimings:
    return _of_entry(json.loads(path.read_text(encoding="utf-8")), "phones")


@lru_cache(maxsize=4)
def _whole(path: Path, _changed: int) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _of_all(path: Path, name: str) -> SpeechTimings:
    entries = _whole(path, path.stat().st_mtime_ns)
    return _of_entry(entries[name], path.stem) if name in entries else SpeechTimings()


def _of_entry(entry: Any, kind: str) -> SpeechTimings:
    """`kind`: what a bare list is."""
    if isinstance(entry, list):
        entry = {kind: entry}
    return _timings(str(entry.get("text", "")), entry.get("words", ()), entry.get("phones", ()))


def _read_align(path: Path) -> SpeechTimings:
    rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
    return _timings(words=[(int(start) / _ALIGN_UNIT, int(end) / _ALIGN_UNIT, word) for start, end, word in rows])


def _read_text(path: Path) -> SpeechTimings:
    return SpeechTimings(" ".join(path.read_text(encoding="utf-8-sig").split()))


def _timings(text: str = "", words: Sequence[Any] = (), phones: Sequence[Any] = ()) -> SpeechTimings:
    said = tuple(Phoneme(str(name), float(start), float(end)) for start, end, name in words if not is_pause(str(name)))
    sounds = tuple(Phoneme(ipa(str(name)), float(start), float(end)) for start, end, name in phones)
    _require_order(said, "words")
    _require_order(sounds, "phones")
    return SpeechTimings(text or " ".join(word.name for word in said), said, sounds)


def _require_order(parts: Iterable[Phoneme], kind: str) -> None:
    last = 0.0
    for part in parts:
        if part.end < part.start or part.start < last - 1e-3:
            raise ValueError(f"its {kind} are not in order at {part.start:g} s")
        last = part.end


def _joined(first: SpeechTimings, second: SpeechTimings) -> SpeechTimings:
    return SpeechTimings(first.text or second.text, first.words or second.words, first.phones or second.phones)


def is_pause(label: str) -> bool:
    """Whether a label means that nobody speaks."""
    return label.strip().upper() in _PAUSES


def ipa(label: str) -> str:
    """A sound in IPA: of ARPAbet (AH0, ah), of IPA itself; "" for a pause."""
    label = label.strip()
    if is_pause(label):
        return ""
    return _ARPABET.get(label.rstrip("012").upper(), label) if label.isascii() and (label[:-1] or label).isalpha() else label
