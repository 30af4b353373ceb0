"""Training voices with exact motion: espeak-ng speech in many voices and seven emotions, and the rig curves of a head that says it.

    <folder>/voices.json            what was made: count, seed, which voices are held out
    <folder>/voice_00000.npz ...    waveform (16 kHz), rig (T, 20), rest (20,), emotion, phonemes with times
It knows nothing of networks, coefficients or images.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..atomic_file import write_beside
from ..config import EMOTIONS
from ..errors import OptionError
from ..frame_rate import frame_count
from ..progress import ProgressCallback, counted
from .espeak import Phoneme, Prosody, speak
from .sentences import LANGUAGES, draw_sentence
from .speech_motion import clip_motion, loudness_curve
from .voice_effects import disturb, resample

SAMPLE_RATE, FPS = 16000, 25.0
_ACCENTS = ("en", "en-us", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc")
_TRAINED = (
    "f1", "f2", "f3", "f4", "m1", "m2", "m3", "m4", "m5", "m6", "klatt", "klatt2", "klatt3", "klatt4", "Alex", "Alicia", "Andrea",
    "Annie", "belinda", "linda", "anika", "aunty", "Denis", "Gene", "Henrique", "Hugo", "Jacky", "Lee", "Marco", "Mario", "max", "Michael",
    "miguel", "pablo", "paul", "pedro", "rob", "robert", "victor", "travis", "norbert", "zac", "ed", "edward", "benjamin", "boris",
    "antonio", "adam", "iven2", "sandro", "grandma", "grandpa",
)  # fmt: skip
_HELD_OUT = ("f5", "m7", "klatt5", "steph", "david", "quincy", "caleb", "john")
# Prosody of an emotion: factor of the rate, offset of the pitch, factor of its range, volume, factor of the pauses.
_PROSODY = {
    "angry": (1.12, 4, 1.4, 130, 0.7), "disgust": (0.9, -6, 0.9, 100, 1.1), "fear": (1.18, 14, 0.8, 85, 1.0),
    "happy": (1.08, 9, 1.5, 110, 0.9), "neutral": (1.0, 0, 1.0, 100, 1.0), "sad": (0.82, -8, 0.5, 75, 1.5),
    "surprise": (1.02, 17, 1.7, 110, 0.9),
}  # fmt: skip


@dataclass(frozen=True)
class VoiceClip:
    """A spoken clip with exact motion.

    waveform: (samples,) float32 at 16 kHz.
    rig: (T, 20) in natural units, T = ceil(samples * 25 / 16000).
    rest: (20,) in natural units, the clip's own pose and its face at rest.
    emotion: index in config.EMOTIONS.
    phonemes: with times in seconds.
    held_out: spoken by a voice that is not used in training.
    """

    waveform: np.ndarray
    rig: np.ndarray
    rest: np.ndarray
    emotion: int
    phonemes: tuple[Phoneme, ...]
    voice: str
    held_out: bool


def synthesize_voices(
    folder: str | Path, *, count: int = 1200, seed: int = 0, held_out: float = 0.06, on_progress: ProgressCallback | None = None
) -> Path:
    """Writes `count` clips of about 4 to 8 s; the last `held_out` share is of voices not trained on.

    The seed decides texts, voices and motion; espeak-ng's own timing wavers by a few milliseconds from call to call."""
    if count < 1 or not 0 <= held_out <= 1:
        raise OptionError(f"count is {count} and held_out {held_out}; expected at least 1 clip and a share from 0 to 1")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    first_held_out = count - round(count * held_out)
    for index in counted(range(count), "voices", on_progress):
        clip = make_clip(seed, index, held_out=index >= first_held_out)
        save_clip(clip, folder / f"voice_{index:05d}.npz")
    manifest = {"count": count, "seed": seed, "held_out_from": first_held_out, "held_out_voices": _HELD_OUT}
    with write_beside(folder / "voices.json") as unfinished:
        unfinished.write_text(json.dumps(manifest, indent=1))
    return folder


def make_clip(seed: int, index: int, *, held_out: bool = False) -> VoiceClip:
    """One clip, decided by the seed and its index, but for what espeak-ng draws itself."""
    random = np.random.default_rng([seed, index])
    emotion = "neutral" if random.random() < 0.25 else EMOTIONS[int(random.integers(len(EMOTIONS)))]
    voice = _draw_voice(random, held_out)
    clean, phonemes = _draw_speech(random, voice, emotion)
    frames = frame_count(len(clean), SAMPLE_RATE, FPS)
    motion = clip_motion(phonemes, loudness_curve(clean, SAMPLE_RATE, frames), emotion, random)
    return VoiceClip(disturb(clean, random), motion.rig, motion.rest, EMOTIONS.index(emotion), phonemes, voice, held_out)


def save_clip(clip: VoiceClip, path: Path) -> None:
    """Writes one clip; the waveform as 16-bit integers."""
    with write_beside(path) as unfinished, unfinished.open("wb") as file:
        np.savez(
            file,
            waveform=np.round(np.clip(clip.waveform, -1, 1) * 32767).astype(np.int16),
            rig=clip.rig,
            rest=clip.rest,
            emotion=clip.emotion,
            phonemes=np.array([p.name for p in clip.phonemes]),
            times=np.array([(p.start, p.end) for p in clip.phonemes], dtype=np.float32),
            voice=clip.voice,
            held_out=clip.held_out,
        )


def load_clip(path: Path) -> VoiceClip:
    """The inverse of `save_clip`."""
    with np.load(path, allow_pickle=False) as data:
        phonemes = tuple(Phoneme(str(n), float(a), float(b)) for n, (a, b) in zip(data["phonemes"], data["times"], strict=True))
        waveform = data["waveform"].astype(np.float32) / 32767
        return VoiceClip(waveform, data["rig"], data["rest"], int(data["emotion"]), phonemes, str(data["voice"]), bool(data["held_out"]))


def _draw_voice(random: np.random.Generator, held_out: bool) -> str:
    names = _HELD_OUT if held_out else _TRAINED
    languages = LANGUAGES if random.random() < 0.15 else _ACCENTS
    return f"{languages[int(random.integers(len(languages)))]}+{names[int(random.integers(len(names)))]}"


def _draw_speech(random: np.random.Generator, voice: str, emotion: str) -> tuple[np.ndarray, tuple[Phoneme, ...]]:
    """Sentences with pauses between them until the clip is long enough: (samples,) at 16 kHz and its phonemes."""
    language = voice.split("+")[0]
    rate, pitch, span, volume, pause = _PROSODY[emotion]
    base = random.integers(135, 200), random.integers(25, 75), random.integers(35, 70)
    size = random.uniform(0.92, 1.09)  # played faster or slower: another size of the vocal tract
    parts, phonemes = [_silence(random.uniform(0.1, 0.8))], []
    length, wanted = len(parts[0]) / SAMPLE_RATE, random.uniform(3.6, 6.5)
    while length < wanted:
        prosody = Prosody(int(base[0] * rate), int(np.clip(base[1] + pitch, 2, 98)), int(np.clip(base[2] * span, 5, 100)), volume)
        speech = speak(draw_sentence(random, language if language in LANGUAGES else "en"), voice, prosody)
        spoken = resample(speech.waveform, speech.sample_rate * size, SAMPLE_RATE)
        stretch = len(spoken) / SAMPLE_RATE / (len(speech.waveform) / speech.sample_rate)
        phonemes += [Phoneme(p.name, length + p.start * stretch, length + p.end * stretch) for p in speech.phonemes]
        parts += [spoken, _silence(random.uniform(0.05, 0.7) * pause)]
        length = sum(map(len, parts)) / SAMPLE_RATE
    return _level(np.concatenate(parts)), tuple(_with_pauses(phonemes, length))


def _with_pauses(phonemes: list[Phoneme], length: float) -> list[Phoneme]:
    filled, time = [], 0.0
    for phoneme in phonemes:
        if phoneme.start > time + 1e-4:
            filled.append(Phoneme("", time, phoneme.start))
        filled.append(phoneme)
        time = phoneme.end
    return [*filled, Phoneme("", time, length)] if length > time + 1e-4 else filled


def _silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)


def _level(waveform: np.ndarray) -> np.ndarray:
    return 0.9 * waveform / (np.abs(waveform).max() + 1e-6)
