"""Measures a model on a portrait, and on voices and heads that it was not trained on. These are synthetic: their true motion is known, so
no data set is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from ..audio.speech_emotion import choose_emotion
from ..config import EMOTIONS
from ..errors import OptionError
from ..pipeline.encode import encode_audio, encode_identity
from ..pipeline.render import render_frames
from ..pipeline.sample import sample_motion
from ..progress import ProgressCallback, counted
from ..synthetic.head_geometry import HeadShape, pixel_grid
from ..synthetic.head_textures import TexturePool, sample_look
from ..synthetic.rig import RIG_NAMES, RIG_SCALES, index
from ..synthetic.synthetic_faces import flow, render
from ..synthetic.synthetic_voices import VoiceClip, load_clip, synthesize_voices
from ..synthetic.visemes import closure, segments
from ..types import AudioClip, FloatModel, MotionSequence, SamplingOptions
from .image_measures import psnr, still_share
from .motion_measures import audio_gain, blinks_per_minute, closed_share, mouth_correlation, seam_ratio, temporal_spread

HELD_OUT_SEED = 987_654_321  # far from the seeds of training


@torch.no_grad()
def measure_portrait(model: FloatModel, image: Tensor) -> dict[str, float]:
    """PSNR of an image (1, 3, S, S) in [-1, 1] that is decoded from its own identity and motion."""
    image = image.to(model.device)
    identity = encode_identity(model, image)
    frames = next(iter(render_frames(model, identity, MotionSequence(identity.motion[:, None], model.config.fps)))).frames
    return {"portrait psnr (dB)": psnr(frames, image)}


@dataclass(frozen=True)
class _Run:
    """One clip. Rigs are (T, 20) in natural units.

    true: the true rig.
    sampled: sampled with the clip's own audio.
    wrong: sampled with the audio of another clip.
    seen: what the encoder finds in the rendered frames.
    still: 0..1, share of the background that stands still.
    closures: (T,), 1 where the speech closes the lips.
    """

    true: np.ndarray
    sampled: np.ndarray
    wrong: np.ndarray
    seen: np.ndarray
    still: float
    closures: np.ndarray


def measure_speech(model: FloatModel, clips: int, seed: int, on_progress: ProgressCallback) -> dict[str, float]:
    """Mouth, head, eyes and seams of `clips` sampled clips, from coefficients and from rendered frames."""
    if model.basis.shape[1] != len(RIG_NAMES):
        found = f"the model has {model.basis.shape[1]} directions, the rig {len(RIG_NAMES)}"
        raise OptionError(f"{found}: speech can only be measured for models that were trained on the rig")
    with TemporaryDirectory() as folder:
        synthesize_voices(folder, count=clips, seed=HELD_OUT_SEED, held_out=1.0)
        voices = [load_clip(path) for path in sorted(Path(folder).glob("*.npz"))]
    runs = []
    for i in counted(range(len(voices)), "speech", on_progress):
        runs.append(_run(model, voices[i], voices[(i + 1) % len(voices)], i, seed))

    def curve(rigs: Sequence[np.ndarray], *names: str) -> list[np.ndarray]:
        return [sum((rig[:, index(name)] for name in names), start=np.zeros(len(rig))) for rig in rigs]

    true, sampled, wrong, seen = ([getattr(run, name) for run in runs] for name in ("true", "sampled", "wrong", "seen"))
    mouth = ("jaw_open", "lips_part")
    return {
        "mouth correlation": mouth_correlation(curve(sampled, *mouth), curve(true, *mouth)),
        "mouth correlation, seen in frames": mouth_correlation(curve(seen, *mouth), curve(true, *mouth)),
        "audio gain": audio_gain(curve(sampled, *mouth), curve(wrong, *mouth), curve(true, *mouth)),
        "lips closed at p, b, m": closed_share(curve(sampled, *mouth), [run.closures for run in runs]),
        "seam acceleration ratio": seam_ratio([rig / np.array(RIG_SCALES) for rig in sampled], model.require("transformer").config.window),
        "blinks per minute": blinks_per_minute(curve(sampled, "blink")),
        "head yaw spread (degrees)": temporal_spread(curve(sampled, "yaw")),
        "head pitch spread (degrees)": temporal_spread(curve(sampled, "pitch")),
        "head yaw spread, true": temporal_spread(curve(true, "yaw")),
        "background standing still (share)": float(np.mean([run.still for run in runs])),
    }


def _run(model: FloatModel, voice: VoiceClip, other: VoiceClip, number: int, seed: int) -> _Run:
    image, background = _held_out_head(model, voice, number)
    identity = encode_identity(model, image.to(model.device))
    emotion = choose_emotion(EMOTIONS[voice.emotion])
    scales = np.array(RIG_SCALES)
    motions = []
    for spoken in (voice, other):
        audio = encode_audio(model, AudioClip(torch.from_numpy(spoken.waveform), 16000))
        motions.append(sample_motion(model, identity, audio, emotion, SamplingOptions(seed=seed + number)))
    sampled, wrong = ((motion.latents[0] @ model.basis).cpu().numpy() * scales for motion in motions)
    frames = torch.cat([chunk.frames for chunk in render_frames(model, identity, MotionSequence(motions[0].latents, model.config.fps))])
    seen = torch.cat([encode_identity(model, part).coefficients for part in frames.split(8)]).cpu().numpy() * scales
    still = still_share(frames, background)
    return _Run(voice.rig, sampled, wrong, seen, still, closure(segments(voice.phonemes), len(voice.rig)))


def _held_out_head(model: FloatModel, voice: VoiceClip, number: int) -> tuple[Tensor, Tensor]:
    """A head that was not used in training, at the clip's rest pose: image (1, 3, S, S), and where its background is (S, S)."""
    size = model.require("autoencoder").config.size
    generator = torch.Generator().manual_seed(HELD_OUT_SEED + number)
    shape = HeadShape.sample(1, generator)
    look = sample_look(shape, TexturePool.make(generator, noises=4), generator)
    rig = torch.from_numpy(voice.rest).float()[None]
    moved = rig.clone()
    moved[:, :5] += 1  # what moves with the head is not background
    grid = flow(shape, look.hair_volume, rig, rig, moved, size).grid
    background = (grid - pixel_grid(size)).abs().amax(-1)[0] == 0
    return render(shape, look, rig, rig, size), background
