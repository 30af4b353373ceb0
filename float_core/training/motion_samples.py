"""What phase 2 writes while it trains: measures of motion that is sampled for held-out clips, and its curves beside the true ones.

It samples with the default options, as a user would, clips of all kinds and of as many speakers as there are. Knows nothing of losses.
"""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import evaluation as metrics
from ..atomic_file import write_beside
from ..audio.compact_encoder import MELS_PER_FRAME
from ..chunks import repeat_last
from ..motion_flow.window_sampler import sample_windows
from ..synthetic.rig import RIG_NAMES, RIG_SCALES
from ..types import SamplingOptions
from .clip_mouths import drawn_opening
from .motion_dataset import MotionClip, portrait_coefficients
from .preparation import json_text

_LIMIT, _LONGEST = 24, 200  # at most so many clips are sampled, and so many frames of each
_SHUT = 0.03  # head units: lips that are nearer than this touch
_SHOWN = (("jaw_open", "lips_part"), ("mouth_wide", "pucker"), ("smile", "brow_inner"), ("yaw", "pitch"), ("blink", "gaze_x"))


@dataclass(frozen=True)
class Sampled:
    """Rig curves (T, 20) of held-out clips, in natural units.

    true: those of the clips.
    sampled: sampled with their own audio.
    wrong: sampled with the audio of another clip.
    """

    true: list[np.ndarray]
    sampled: list[np.ndarray]
    wrong: list[np.ndarray]


def write_motion_samples(networks: Any, clips: Sequence[MotionClip], basis: Tensor, folder: Path, step: int) -> dict[str, float]:
    """Appends a line of measures to measures.jsonl and draws the curves of one clip; returns the measures."""
    clips = [_head(clip) for clip in chosen(clips)]
    found: dict[str, float] = {}
    for scale in (1.0, 2.0):
        runs = sample_clips(networks, clips, basis, SamplingOptions(audio_guidance=scale))
        found |= {f"{name}_a{scale:g}": value for name, value in measure(runs, clips, networks.fmt.config.window).items()}
    found["out_of_basis"] = residual(networks, clips, basis)
    with (folder / "measures.jsonl").open("a") as file:
        file.write(json_text({"step": step, **{name: round(value, 4) for name, value in found.items()}}) + "\n")
    draw_curves(runs, folder / f"curves_{step:06d}.png")
    return found


def chosen(clips: Sequence[MotionClip]) -> list[MotionClip]:
    """At most _LIMIT clips: one of each speaker of each kind, then a second one of each, and so on. Takes of one recording count once."""
    heard = list({id(clip.audio): clip for clip in clips}.values())
    turns: dict[tuple[str, str], int] = defaultdict(int)
    ranked: list[tuple[int, int, MotionClip]] = []
    for clip in heard:
        ranked.append((turns[clip.kind, clip.speaker], len(ranked), clip))
        turns[clip.kind, clip.speaker] += 1
    kinds: dict[str, int] = defaultdict(int)
    order: list[tuple[int, int, int, MotionClip]] = []
    for turn, number, clip in sorted(ranked, key=lambda entry: entry[:2]):
        order.append((kinds[clip.kind], turn, number, clip))  # kinds take turns, too: few videos stand beside many recordings
        kinds[clip.kind] += 1
    return [clip for *_, clip in sorted(order, key=lambda entry: entry[:3])[:_LIMIT]]


def _head(clip: MotionClip) -> MotionClip:
    return replace(clip, motion=clip.motion[:_LONGEST], closed=clip.closed[:_LONGEST])


@torch.no_grad()
def sample_clips(networks: Any, clips: Sequence[MotionClip], basis: Tensor, options: SamplingOptions) -> Sampled:
    """Samples each clip with its own audio and with that of the next clip."""
    scales = np.array(RIG_SCALES)
    true = [(clip.motion @ basis.cpu()).numpy() * scales for clip in clips]
    rigs = []
    for spoken in (clips, [*clips[1:], clips[0]]):
        motion = sample_batch(networks, clips, spoken, basis, options) @ basis
        rigs.append([rig[: len(clip.motion)] * scales for rig, clip in zip(motion.cpu().numpy(), spoken, strict=True)])
    return Sampled(true, rigs[0], rigs[1])


@torch.no_grad()
def sample_batch(
    networks: Any, clips: Sequence[MotionClip], spoken: Sequence[MotionClip], basis: Tensor, options: SamplingOptions
) -> Tensor:
    """Motion (B, longest T, D) with the rest and the emotion of `clips` and the audio of `spoken`."""
    device = basis.device
    longest = max(len(clip.motion) for clip in spoken)
    features = []
    for clip in spoken:
        encoded = networks.audio_encoder.encode_mel(clip.mel[None].float().to(device), len(clip.mel) // MELS_PER_FRAME)
        features.append(repeat_last(encoded, longest, dim=1))
    source = torch.stack([_source(clip, basis) for clip in clips]).to(device)
    emotion = torch.stack([clip.emotion for clip in clips])[:, None].to(device)
    return torch.cat(list(sample_windows(networks.fmt, source, torch.cat(features), emotion, options)), dim=1)


def _source(clip: MotionClip, basis: Tensor) -> Tensor:
    return clip.motion[0] if clip.rest is None else portrait_coefficients(clip.rest) @ basis.T.cpu()


def measure(runs: Sampled, clips: Sequence[MotionClip], window: int) -> dict[str, float]:
    """Measures by name, in natural units of the rig. `*_true`: the same for the true curves; `*_jitter`: relative to the true curves."""
    sampled, wrong, true = ([drawn_opening(rig) for rig in rigs] for rigs in (runs.sampled, runs.wrong, runs.true))
    found = {
        "lip_error": metrics.mouth_error(sampled, true),
        "audio_gain": metrics.audio_gain(sampled, wrong, true),
        "closed": metrics.closed_share(sampled, [clip.closed for clip in clips], _SHUT),
        "opening_spread": metrics.temporal_spread(sampled) / max(metrics.temporal_spread(true), 1e-6),
    }
    for kind in sorted({clip.kind for clip in clips}):
        own = [i for i, clip in enumerate(clips) if clip.kind == kind]
        found[f"lip_r_{kind}"], found[f"lip_r_wrong_{kind}"] = (
            metrics.mouth_correlation([curves[i] for i in own], [true[i] for i in own]) for curves in (sampled, wrong)
        )
    for suffix, rigs in (("", runs.sampled), ("_true", runs.true)):
        found["seam" + suffix] = metrics.seam_ratio([rig / np.array(RIG_SCALES) for rig in rigs], window)
        found["blinks" + suffix] = metrics.blinks_per_minute([control(rig, "blink") for rig in rigs])
        for name in ("yaw", "pitch", "jaw_open"):
            found[f"{name}_spread{suffix}"] = metrics.temporal_spread([control(rig, name) for rig in rigs])
    for name in ("yaw", "jaw_open", "gaze_x"):
        found[f"{name}_jitter"] = _jitter(runs.sampled, name) / _jitter(runs.true, name)
    return found


def control(rig: np.ndarray, name: str) -> np.ndarray:
    """One control of a rig (T, 20)."""
    return rig[:, RIG_NAMES.index(name)]


def _jitter(rigs: Sequence[np.ndarray], name: str) -> float:
    return float(np.mean([np.abs(np.diff(control(rig, name), n=2)).mean() for rig in rigs]))


def residual(networks: Any, clips: Sequence[MotionClip], basis: Tensor) -> float:
    """How much of the sampled motion lies outside the basis: root mean square per dimension."""
    motion = sample_batch(networks, clips[:4], clips[:4], basis, SamplingOptions())
    return float((motion - motion @ basis @ basis.T).square().mean().sqrt())


def draw_curves(runs: Sampled, path: Path, clip: int = 0) -> None:
    """Draws the controls of one clip: sampled (solid) and true (dashed). Does nothing if matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 12))
    FigureCanvasAgg(figure)
    for row, names in enumerate(_SHOWN):
        axes = figure.add_subplot(len(_SHOWN), 1, row + 1)
        for color, name in enumerate(names):
            column = RIG_NAMES.index(name)
            axes.plot(runs.sampled[clip][:, column], color=f"C{color}", label=name)
            axes.plot(runs.true[clip][:, column], "--", color=f"C{color}", linewidth=0.8)
        axes.legend(loc="upper right", fontsize=7)
        axes.grid(alpha=0.3)
    figure.tight_layout()
    with write_beside(path) as unfinished:
        figure.savefig(unfinished, dpi=70, format="png")
