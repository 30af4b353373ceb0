"""When each sound of a known text is spoken: forced alignment by PocketSphinx, whose wheel holds its English model.

PocketSphinx is part of the extra `train`, imported when an aligner is made. Whatever else aligns can take its place: see `Aligner`.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

import numpy as np

from ..errors import OptionError
from ..synthetic.espeak import Phoneme
from .preparation import Rejected
from .speech_timings import SpeechTimings, ipa, is_pause

_FRAMES = 100  # a second, of PocketSphinx
_MOST_UNKNOWN = 0.34  # of a text's words: then it is in another language
_LETTERS = {
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M",
    "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Aligner(Protocol):
    """Finds the times of a text's words and sounds."""

    def align(self, waveform: np.ndarray, text: str) -> SpeechTimings:
        """`waveform` (samples,) float32 at 16 kHz in [-1, 1]. Raises Rejected if the text is not what is said."""
        ...


class PocketSphinxAligner:
    """English, with the dictionary of CMU. A word that it lacks is spelled: its length is then right, its sounds are guesses."""

    def __init__(self) -> None:
        try:
            from pocketsphinx import Decoder
        except ImportError as error:
            raise OptionError(
                f"the times of sounds are to be found from a text, which needs PocketSphinx ({error}). Install it: pip install pocketsphinx"
            ) from error
        self._decoder: Any = Decoder(lm=None, loglevel="FATAL", samprate=16000)

    def align(self, waveform: np.ndarray, text: str) -> SpeechTimings:
        """See `Aligner`."""
        words = self._known(plain_words(text))
        sound = np.round(np.clip(waveform, -1, 1) * 32767).astype("<i2").tobytes()
        try:
            self._decoder.set_align_text(" ".join(words))
            self._decode(sound)
            self._decoder.set_alignment()  # of the words that were found, down to their sounds
            self._decode(sound)
            found = self._decoder.get_alignment()
        except RuntimeError as error:
            raise Rejected(f"the text is not what is said: {error}") from error
        timings = _timings(found or (), text)
        if len(timings.words) != len(words):
            raise Rejected("the text is not what is said")
        return timings

    def _decode(self, sound: bytes) -> None:
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(sound, full_utt=True)
        finally:
            self._decoder.end_utt()

    def _known(self, words: list[str]) -> list[str]:
        if not words:
            raise Rejected("there is no text to align")
        unknown = [word for word in dict.fromkeys(words) if self._decoder.lookup_word(word) is None]
        if len(unknown) > _MOST_UNKNOWN * len(words) and len(unknown) > 1:
            raise Rejected("the text is not English: most of its words are unknown")
        for word in unknown:
            self._decoder.add_word(word, " ".join(_LETTERS[letter] for letter in word if letter in _LETTERS), True)
        return words


def plain_words(text: str) -> list[str]:
    """A text's words as the dictionary writes them.

    >>> plain_words("Don't -- call 112, Mr. O'Hara!")
    ["don't", 'call', 'one', 'one', 'two', 'mr', "o'hara"]
    """
    spelled = re.sub(r"\d", lambda digit: f" {_DIGITS[int(digit[0])]} ", text.lower().replace("\u2019", "'"))
    return [word for word in (part.strip("'") for part in re.findall(r"[a-z']+", spelled)) if word]


def _timings(alignment: Any, text: str) -> SpeechTimings:
    words, phones = [], []
    for word in alignment:
        name = re.sub(r"\(\d+\)$", "", word.name)
        if not name.startswith("<") and not is_pause(name):
            words.append(Phoneme(name, word.start / _FRAMES, (word.start + word.duration) / _FRAMES))
        for phone in word:
            phones.append(Phoneme(ipa(phone.name), phone.start / _FRAMES, (phone.start + phone.duration) / _FRAMES))
    return SpeechTimings(text, tuple(words), tuple(phones))
