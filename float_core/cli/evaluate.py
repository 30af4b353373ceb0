"""`evaluate`: the measures of a model whose directions are the rig's, on a portrait and on held-out synthetic voices and heads."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from .. import evaluation as metrics
from ..atomic_file import write_beside
from ..errors import OptionError
from ..progress import ProgressCallback, counted
from ..types import AudioClip, FloatModel, SamplingOptions
from .options import add_model_options, open_model
from .progress_bar import ProgressReport

if TYPE_CHECKING:
    from ..synthetic.synthetic_voices import VoiceClip

_ASSETS = Path(__file__).parents[2] / "assets"
_SEED = 987_654_321  # far from the seeds of training


def add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `evaluate` to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a model",
        description="Measure a model. portrait: how well an image is rebuilt from its own motion. speech: how sampled motion follows "
        "held-out synthetic voices on held-out synthetic heads (needs espeak-ng, and a model whose directions are the synthetic rig's).",
    )
    add_model_options(parser)
    parser.add_argument("--what", choices=("portrait", "speech", "all"), default="all", help="(default: %(default)s)")
    parser.add_argument("--image", type=Path, default=_ASSETS / "portrait.jpg", help="portrait to rebuild (default: the sample portrait)")
    parser.add_argument("--clips", type=int, default=8, metavar="N", help="held-out voices to sample (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the sampled motion (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.set_defaults(run=run_evaluate)


def run_evaluate(options: argparse.Namespace) -> None:
    """Runs the command and prints one line a figure."""
    if options.clips < 2:
        raise OptionError(f"--clips is {options.clips}; the wrong voice is the next clip's, so give 2 or more")
    model = open_model(options)
    figures: dict[str, float] = {}
    with ProgressReport() as report:
        if options.what in ("portrait", "all"):
            figures |= measure_portrait(model, options.image)
        if options.what in ("speech", "all"):
            figures |= measure_speech(model, options.clips, options.seed, report)
    for name, value in figures.items():
        print(f"{name:34s} {value:8.3f}")
    if options.json is not None:
        with write_beside(options.json) as unfinished:
            unfinished.write_text(json.dumps(figures, indent=1) + "\n")
        print(options.json, file=sys.stderr)


@torch.no_grad()
def measure_portrait(model: FloatModel, path: Path) -> dict[str, float]:
    """PSNR of the image decoded from its own identity and motion, at the model's size."""
    from .. import MotionSequence, encode_identity, prepare_image, read_image, render_frames

    assert model.config.autoencoder is not None
    image = prepare_image(read_image(path), model.config.autoencoder.size).image.to(model.device)
    identity = encode_identity(model, image)
    frames = next(iter(render_frames(model, identity, MotionSequence(identity.motion[:, None], model.config.fps)))).frames
    return {"portrait psnr (dB)": metrics.psnr(frames, image)}


@dataclass(frozen=True)
class _Run:
    """One clip: rigs (T, 20) in natural units: the truth, sampled with its own voice and with another, and seen in the frames."""

    true: np.ndarray
    sampled: np.ndarray
    wrong: np.ndarray
    seen: np.ndarray
    still: float
    closures: np.ndarray


def measure_speech(model: FloatModel, clips: int, seed: int, on_progress: ProgressCallback) -> dict[str, float]:
    """Mouth, head, eyes and seams of sampled clips, from the coefficients and from the rendered frames."""
    from ..synthetic.rig import RIG_NAMES, RIG_SCALES, index
    from ..synthetic.synthetic_voices import load_clip, synthesize_voices

    if model.basis.shape[1] != len(RIG_NAMES):
        found = f"the model has {model.basis.shape[1]} directions, the rig {len(RIG_NAMES)}"
        raise OptionError(f"{found}: speech can only be measured for models that were trained on it")
    with TemporaryDirectory() as folder:
        synthesize_voices(folder, count=clips, seed=_SEED, held_out=1.0)
        voices = [load_clip(path) for path in sorted(Path(folder).glob("*.npz"))]
    runs = []
    for i in counted(range(len(voices)), "speech", on_progress):
        runs.append(_run(model, voices[i], voices[(i + 1) % len(voices)], i, seed))

    def curve(rigs: Sequence[np.ndarray], *names: str) -> list[np.ndarray]:
        return [sum((rig[:, index(name)] for name in names), start=np.zeros(len(rig))) for rig in rigs]

    true, sampled, wrong, seen = ([getattr(run, name) for run in runs] for name in ("true", "sampled", "wrong", "seen"))
    mouth = ("jaw_open", "lips_part")
    assert model.config.transformer is not None
    return {
        "mouth correlation": metrics.mouth_correlation(curve(sampled, *mouth), curve(true, *mouth)),
        "mouth correlation, seen in frames": metrics.mouth_correlation(curve(seen, *mouth), curve(true, *mouth)),
        "audio gain": metrics.audio_gain(curve(sampled, *mouth), curve(wrong, *mouth), curve(true, *mouth)),
        "lips closed at p, b, m": metrics.closed_share(curve(sampled, *mouth), [run.closures for run in runs]),
        "seam acceleration ratio": metrics.seam_ratio([rig / np.array(RIG_SCALES) for rig in sampled], model.config.transformer.window),
        "blinks per minute": metrics.blinks_per_minute(curve(sampled, "blink")),
        "head yaw spread (degrees)": metrics.temporal_spread(curve(sampled, "yaw")),
        "head pitch spread (degrees)": metrics.temporal_spread(curve(sampled, "pitch")),
        "head yaw spread, true": metrics.temporal_spread(curve(true, "yaw")),
        "background standing still (share)": float(np.mean([run.still for run in runs])),
    }


def _run(model: FloatModel, voice: VoiceClip, other: VoiceClip, number: int, seed: int) -> _Run:
    from .. import MotionSequence, choose_emotion, encode_audio, encode_identity, render_frames, sample_motion
    from ..config import EMOTIONS
    from ..synthetic.rig import RIG_SCALES
    from ..synthetic.visemes import closure, segments

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
    still = metrics.still_share(frames, background)
    return _Run(voice.rig, sampled, wrong, seen, still, closure(segments(voice.phonemes), len(voice.rig)))


def _held_out_head(model: FloatModel, voice: VoiceClip, number: int) -> tuple[Tensor, Tensor]:
    """A head never trained on, at the clip's rest: image (1, 3, S, S) and where its background is (S, S)."""
    from ..synthetic.head_geometry import HeadShape, pixel_grid
    from ..synthetic.head_textures import TexturePool, sample_look
    from ..synthetic.synthetic_faces import flow, render

    assert model.config.autoencoder is not None
    size = model.config.autoencoder.size
    generator = torch.Generator().manual_seed(_SEED + number)
    shape = HeadShape.sample(1, generator)
    look = sample_look(shape, TexturePool.make(generator, noises=4), generator)
    rig = torch.from_numpy(voice.rest).float()[None]
    moved = rig.clone()
    moved[:, :5] += 1  # whatever moves with the head is not background
    grid = flow(shape, look.hair_volume, rig, rig, moved, size).grid
    background = (grid - pixel_grid(size)).abs().amax(-1)[0] == 0
    return render(shape, look, rig, rig, size), background
