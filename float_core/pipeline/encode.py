"""From images and audio to identity, audio features and emotion. Networks compute in the model's dtype; results are float32."""

from __future__ import annotations

import torch
from torch import Tensor

from ..argument_checks import check_audio, check_images, check_number
from ..audio.waveform import stream_audio
from ..chunks import cut_spans
from ..frame_rate import frame_count
from ..progress import ProgressCallback
from ..types import AudioClip, AudioFeatures, AudioFile, EmotionCondition, FloatModel, SourceIdentity
from .long_audio import hear_emotion, stream_audio_features, told_while_hearing

_SHORTEST_WINDOW = 0.25  # seconds: about one syllable, the least in which an emotion can be heard


@torch.no_grad()
def encode_identity(model: FloatModel, images: Tensor) -> SourceIdentity:
    """Identity, motion coefficients and skip features of `images` (B, 3, S, S), RGB in [-1, 1] (paper section 3.1).

    >>> import float_core
    >>> identity = encode_identity(float_core.load_model("mini"), torch.zeros(1, 3, 256, 256))
    >>> identity.latent.shape, identity.coefficients.shape
    (torch.Size([1, 64]), torch.Size([1, 20]))
    """
    autoencoder = model.require("autoencoder")
    value = check_images(model, images).to(model.device, torch.float32)
    identity, coefficients, skips = autoencoder.encode(value)
    coefficients = coefficients.float()
    motion = coefficients @ model.basis.T  # w_{r->S} = sum_m lambda_m v_m
    return SourceIdentity(identity.float(), coefficients, motion, tuple(skip.float() for skip in skips))


@torch.no_grad()
def encode_audio(model: FloatModel, audio: AudioClip | AudioFile, *, on_progress: ProgressCallback | None = None) -> AudioFeatures:
    """Audio features w_a (1, T, D_a), T = ceil(samples * fps / rate). Audio of more than 60 s is encoded in windows;
    `stream_audio_features` gives them without holding all of them. Progress: stage "audio", in layers of the network, window by window.

    >>> import float_core
    >>> audio = float_core.AudioClip(torch.zeros(16000), 16000)
    >>> encode_audio(float_core.load_model("mini"), audio).features.shape
    torch.Size([1, 25, 64])
    """
    encoder = model.require("audio_encoder")
    samples = stream_audio(check_audio(audio), encoder.config.sample_rate).samples
    with told_while_hearing(encoder, [samples], "audio", on_progress):
        pieces = list(stream_audio_features(model, audio))
    return AudioFeatures(torch.cat(pieces, dim=1), model.config.fps)


def predict_emotion(
    model: FloatModel,
    audio: AudioClip | AudioFile,
    *,
    window_seconds: float | None = None,
    overlap: float = 0.5,
    on_progress: ProgressCallback | None = None,
) -> EmotionCondition:
    """The emotion that the voice shows: probabilities of the seven emotions, (1, 1, 7). Of more than 60 s, the mean over windows.

    With `window_seconds` the emotion changes over time, (1, T, 7) with T = ceil(samples * fps / rate): it is predicted in windows of that
    length, each of which overlaps the one before by about `overlap` (0..0.9), and goes in straight lines from the middle of one window
    to the middle of the next. Progress: stage "emotion", in layers of the network, window by window.

    >>> import float_core
    >>> model = float_core.load_model("models/float/FLOAT.safetensors")  # doctest: +SKIP
    >>> predict_emotion(model, float_core.read_audio("voice.wav")).probabilities.shape  # doctest: +SKIP
    torch.Size([1, 1, 7])
    """
    check_audio(audio)
    classifier = model.require("emotion")
    rate = classifier.config.sample_rate
    stream = stream_audio(audio, rate)
    if window_seconds is None:
        with told_while_hearing(classifier, [stream.samples], "emotion", on_progress):
            return EmotionCondition(hear_emotion(classifier, stream, model.device))
    check_number("window_seconds", window_seconds, low=_SHORTEST_WINDOW, high=3600)
    check_number("overlap", overlap, low=0, high=0.9)
    length = round(window_seconds * rate)
    spans = _window_spans(stream.samples, length, max(1, round(length * (1 - overlap))))
    parts = (stream_audio(AudioClip(part, rate), rate) for part in cut_spans(stream.read(), spans))
    with told_while_hearing(classifier, [stop - start for start, stop in spans], "emotion", on_progress):
        heard = torch.cat([hear_emotion(classifier, part, model.device)[:, 0] for part in parts])
    middles = [(start + stop) / (2 * rate) for start, stop in spans]
    frames = frame_count(stream.samples, rate, model.config.fps)
    return EmotionCondition(_between(heard, middles, [i / model.config.fps for i in range(frames)])[None])


def _window_spans(samples: int, length: int, hop: int) -> list[tuple[int, int]]:
    """(start, stop) of windows about `hop` apart, evenly spread: the first starts and the last ends with the audio."""
    rest = samples - length
    if rest <= 0:
        return [(0, samples)]
    steps = max(1, round(rest / hop))
    return [(start, start + length) for start in (round(i * rest / steps) for i in range(steps + 1))]


def _between(rows: Tensor, times: list[float], wanted: list[float]) -> Tensor:
    """Rows (n, 7) at rising times, interpolated linearly at the wanted times, (T, 7), and held at both ends."""
    if len(rows) == 1:
        return rows.expand(len(wanted), -1)
    known, positions = (torch.tensor(values, dtype=torch.float64) for values in (times, wanted))
    after = torch.searchsorted(known, positions).clamp(1, len(times) - 1)
    share = ((positions - known[after - 1]) / (known[after] - known[after - 1])).clamp(0, 1).to(rows.device, rows.dtype)
    after = after.to(rows.device)
    return torch.lerp(rows[after - 1], rows[after], share[:, None])
