"""What a model makes of one real clip: its portrait driven by the right and by a wrong voice, measured against the real frames."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from ..audio.speech_emotion import choose_emotion
from ..errors import OptionError
from ..face.pixels import resize_square
from ..media.movie_file import QUALITY
from ..pipeline.encode import encode_audio, encode_identity, predict_emotion
from ..pipeline.render import render_frames
from ..pipeline.sample import sample_motion
from ..pixels import from_bytes, to_bytes
from ..types import AudioClip, EmotionCondition, FloatModel, MotionSequence, SamplingOptions, SourceIdentity
from .blinks import blink_rate, blink_seconds
from .codec import through_codec
from .image_measures import psnr, sharpness, ssim
from .lip_measures import (
    best_lag,
    closed_at,
    closed_elsewhere,
    correlation,
    lip_dynamics,
    opening_spread,
    silent_frames,
    silent_lip_stability,
)
from .motion_measures import diversity, head_dynamics, seam_ratio
from .spoken_clip import FPS, SAMPLE_RATE, FaceTracks, SpokenClip, Tracker

TRUTH, MODEL, WRONG = "real video", "model", "wrong voice"
_STEP = 3  # every third frame is enough for PSNR and SSIM
_AT_ONCE = 8  # frames that are encoded together


@dataclass(frozen=True)
class RunSettings:
    """`codec`: constant rate factor of the H.264 that all frames pass before they are measured, None for none; `seeds`: of which the
    diversity is measured, at least 2, or 0; `variants`: other ways to sample, by the name of their row, with the right voice only."""

    sampling: SamplingOptions = SamplingOptions()  # noqa: RUF009 (frozen)
    codec: int | None = QUALITY
    seeds: int = 3
    variants: dict[str, SamplingOptions] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Case:
    """A clip to be measured with a voice that is not its own, (samples,) at 16 kHz, and a portrait (S, S, 3) uint8 to be driven; None =
    the clip's first frame."""

    clip: SpokenClip
    wrong_voice: np.ndarray
    portrait: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Run:
    """`measures`: name -> number; `frames` (T, S, S, 3) uint8 as they were measured; `tracks` of them; `voice` (samples,) at 16 kHz
    that drove them."""

    measures: dict[str, float]
    frames: np.ndarray
    tracks: FaceTracks
    voice: np.ndarray


@dataclass(frozen=True, eq=False)
class _Scene:
    """A case at the size of the model: `true` frames and their `tracks`, the `portrait` (S, S, 3) and its `identity`."""

    case: Case
    true: np.ndarray
    tracks: FaceTracks
    portrait: np.ndarray
    identity: SourceIdentity


@torch.no_grad()
def run_case(model: FloatModel, case: Case, track: Tracker, settings: RunSettings) -> tuple[dict[str, Run], np.ndarray, FaceTracks]:
    """Runs by the names of their rows, the true frames at the size of the model, and their tracks.

    Raises OptionError for a model whose motion has not 25 frames a second.
    """
    if model.config.fps != FPS:
        raise OptionError(f"the model has {model.config.fps:g} frames a second; clips can only be measured at {FPS}")
    scene = _scene(model, case, track)
    voice = case.clip.waveform
    runs = {TRUTH: _real(scene, track, settings)}
    for name, options in {MODEL: settings.sampling, **settings.variants}.items():
        runs[name] = _made(model, scene, voice, track, settings, options)
    runs[WRONG] = _made(model, scene, np.resize(case.wrong_voice, len(voice)), track, settings, settings.sampling)
    runs[MODEL].measures["audio gain"] = _share(_distance(runs[WRONG], scene), _distance(runs[MODEL], scene))
    runs[MODEL].measures.update(_own_motion(model, scene, settings))
    if settings.seeds:
        runs[MODEL].measures["diversity over seeds"] = _diversity(model, scene, settings)
    return runs, scene.true, scene.tracks


def _scene(model: FloatModel, case: Case, track: Tracker) -> _Scene:
    size = model.require("autoencoder").config.size
    true = np.stack([_at_size(frame, size) for frame in case.clip.frames])
    portrait = true[0] if case.portrait is None else _at_size(case.portrait, size)
    return _Scene(case, true, track(true), portrait, encode_identity(model, _to_images(portrait[None]).to(model.device)))


def _real(scene: _Scene, track: Tracker, settings: RunSettings) -> Run:
    """The real frames themselves: what the codec and the tracker alone cost."""
    frames = _shown(scene.true, settings)
    tracks = scene.tracks if settings.codec is None else track(frames)
    voice = scene.case.clip.waveform
    return Run(_compare(scene, frames, tracks, voice, own=True), frames, tracks, voice)


def _made(model: FloatModel, scene: _Scene, voice: np.ndarray, track: Tracker, settings: RunSettings, options: SamplingOptions) -> Run:
    begun = time.perf_counter()
    motion = _sample(model, scene, voice, options)
    rendered = _render(model, scene.identity, motion)[: len(scene.true)]
    seconds = time.perf_counter() - begun
    frames = _shown(rendered, settings)
    tracks = track(frames)
    measures = _compare(scene, frames, tracks, voice, own=scene.case.portrait is None)
    window = model.require("transformer").config.window
    curves = (motion.latents[0] @ model.basis).cpu().numpy()
    measures["seam ratio"] = seam_ratio([curves], window) if len(curves) > window + 1 else float("nan")
    measures["frames a second"] = len(rendered) / seconds
    return Run(measures, frames, tracks, voice)


def _compare(scene: _Scene, frames: np.ndarray, tracks: FaceTracks, voice: np.ndarray, *, own: bool) -> dict[str, float]:
    """`own`: whether the frames show the person of the true ones, so that pixels can be compared."""
    count, samples = len(frames), len(frames) * SAMPLE_RATE // FPS
    true, clip = scene.tracks.first(count), scene.case.clip
    best, lag = best_lag(tracks.lips, true.lips, FPS)
    some, same = frames[::_STEP], scene.true[:count:_STEP]
    pixels = {"PSNR (dB)": _psnr(some, same), "SSIM": ssim(some, same)} if own else {}
    return pixels | {
        "sharpness (of the portrait)": _share(sharpness(some), sharpness(scene.portrait[None])),
        "face found (share)": float(tracks.seen.mean()),
        "lip r": correlation(tracks.lips, true.lips),
        "lip r in speech": _lip_r_in_speech(tracks, true, clip),
        "lip r at the best lag": best,
        "lip lag (ms)": 1000 * lag,
        "lip opening spread (of the true)": opening_spread(tracks.lips, true.lips),
        "lips closed at p b m (share)": closed_at(tracks.lips, clip.closures, FPS),
        "lips closed elsewhere in speech (share)": closed_elsewhere(tracks.lips, clip.waveform, clip.closures, FPS),
        "lip dynamics": lip_dynamics(tracks.lips, true.lips),
        "silent-lip stability": silent_lip_stability(tracks.lips, voice[:samples], true.lips, clip.waveform[:samples]),
        "blinks per minute": blink_rate(tracks.lids, FPS),
        "blink duration (s)": blink_seconds(tracks.lids, FPS),
        **{f"head {name} spread (degrees)": float(tracks.pose[:, n].std()) for n, name in enumerate(("yaw", "pitch", "roll"))},
        "head dynamics": head_dynamics(tracks.pose, true.pose),
    }


def _lip_r_in_speech(tracks: FaceTracks, true: FaceTracks, clip: SpokenClip) -> float:
    """r of the frames that are not silent: what is left where a closed mouth before and after a sentence does not count."""
    spoken = ~silent_frames(clip.waveform, len(clip.frames))[: len(tracks.lips)]
    return correlation(tracks.lips[spoken], true.lips[spoken]) if spoken.sum() > 1 else float("nan")


def _own_motion(model: FloatModel, scene: _Scene, settings: RunSettings) -> dict[str, float]:
    """The motion that the encoder finds in the true frames, rendered: what the auto-encoder alone loses."""
    some = scene.true[::_STEP]
    parts = _to_images(some).to(model.device).split(_AT_ONCE)
    motion = torch.cat([encode_identity(model, part).motion for part in parts])[None]
    identity = scene.identity
    if scene.case.portrait is not None:
        identity = encode_identity(model, _to_images(scene.true[:1]).to(model.device))
    frames = _shown(_render(model, identity, MotionSequence(motion, FPS)), settings)
    return {"own-motion PSNR (dB)": _psnr(frames, some), "own-motion SSIM": ssim(frames, some)}


def _diversity(model: FloatModel, scene: _Scene, settings: RunSettings) -> float:
    first = settings.sampling.seed
    options = [replace(settings.sampling, seed=(first + n) % 2**64) for n in range(settings.seeds)]
    return diversity(np.stack([_sample(model, scene, scene.case.clip.waveform, each).latents[0].cpu().numpy() for each in options]))


def _sample(model: FloatModel, scene: _Scene, voice: np.ndarray, options: SamplingOptions) -> MotionSequence:
    audio = AudioClip(torch.from_numpy(np.ascontiguousarray(voice, np.float32)), SAMPLE_RATE)
    return sample_motion(model, scene.identity, encode_audio(model, audio), _emotion(model, scene.case.clip, audio), options)


def _emotion(model: FloatModel, clip: SpokenClip, audio: AudioClip) -> EmotionCondition:
    """The clip's, if it is known; else the one that the model hears, or none."""
    if clip.emotion or not model.has("emotion"):
        return choose_emotion(clip.emotion or "neutral")
    return predict_emotion(model, audio)


def _render(model: FloatModel, identity: SourceIdentity, motion: MotionSequence) -> np.ndarray:
    chunks = [to_bytes(chunk.frames).permute(0, 2, 3, 1).cpu().numpy() for chunk in render_frames(model, identity, motion)]
    return np.concatenate(chunks)


def _shown(frames: np.ndarray, settings: RunSettings) -> np.ndarray:
    return frames if settings.codec is None else through_codec(frames, FPS, settings.codec)


def _share(value: float, whole: float) -> float:
    return value / whole if whole > 1e-6 else float("nan")


def _distance(run: Run, scene: _Scene) -> float:
    return float(np.abs(run.tracks.lips - scene.tracks.first(len(run.frames)).lips).mean())


def _psnr(frames: np.ndarray, reference: np.ndarray) -> float:
    return psnr(torch.from_numpy(frames), torch.from_numpy(np.ascontiguousarray(reference)), span=255.0)


def _to_images(frames: np.ndarray) -> Tensor:
    return from_bytes(torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2))


def _at_size(frame: np.ndarray, size: int) -> np.ndarray:
    return resize_square(torch.from_numpy(frame).permute(2, 0, 1).float(), size).byte().permute(1, 2, 0).numpy()
