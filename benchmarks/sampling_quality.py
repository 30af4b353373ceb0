"""How close sampled motion comes to the exact solution, by solver, time grid, number of evaluations and guidance interval.

    python -m benchmarks.sampling_quality [--clips 4] [--seeds 2] [--out docs/sampling_quality.md]

Conditions are held-out synthetic voices (needs espeak-ng) and the sample voice, on the sample portrait, with the bundled model. Windows
feed one another, so that small errors of one become another motion in the next; each window is therefore solved from the exact solution's
preceding frames and from the same noise, and compared with the exact solution of that window. Whole clips, windows feeding one another as
they do in use, are compared with the true mouth of the synthetic voices. Nothing depends on the clock or the machine, but for what
espeak-ng draws itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor

import float_core
from float_core import EMOTIONS, AudioClip, FloatModel, SamplingOptions, evaluation
from float_core.chunks import repeat_last
from float_core.evaluation.held_out import HELD_OUT_SEED
from float_core.motion_flow.guidance import branch_weights, scales_at
from float_core.motion_flow.ode_solvers import evaluation_times
from float_core.motion_flow.window_sampler import WindowState, draw_noise, sample_window, sample_windows
from float_core.synthetic.rig import RIG_SCALES, index
from float_core.synthetic.synthetic_voices import make_clip
from float_core.types import QualityName

from .material import open_portrait
from .settings import PORTRAIT, VOICE

EXACT = SamplingOptions(steps=200, solver="midpoint", time_grid="fine_end")  # 100 steps; it asks for no velocity at t = 1
DEFAULT = SamplingOptions()
MOUTH = [index("jaw_open"), index("lips_part")]
AB2 = SamplingOptions(solver="ab2", time_grid="fine_end")
INTERVALS = {4: ((0.0, 0.7), (0.0, 0.9), (0.05, 0.9)), 6: ((0.0, 0.9), (0.05, 0.9)), 8: ((0.0, 0.7), (0.0, 0.9), (0.05, 0.9), (0.3, 0.9))}
SETTINGS: list[SamplingOptions] = [
    *(SamplingOptions(steps=steps) for steps in (4, 10, 20, 50)),
    *(SamplingOptions(steps=20, solver=solver) for solver in ("midpoint", "heun", "rk4")),
    *(SamplingOptions(steps=steps, solver="ab2") for steps in (4, 10, 20)),
    SamplingOptions(steps=10, time_grid="fine_end"),
    SamplingOptions(steps=20, solver="heun", time_grid="fine_end"),
    *(SamplingOptions(steps=steps, solver="midpoint", time_grid="fine_end") for steps in (10, 20)),
    *(replace(AB2, steps=steps) for steps in (3, 4, 5, 6, 8, 10, 20)),
    *(replace(AB2, steps=steps, guidance_interval=interval) for steps, intervals in INTERVALS.items() for interval in intervals),
]


@dataclass(frozen=True)
class Clips:
    """A batch of clips, filled up to the longest: `source` (B, D), `audio` (B, T, Da), `emotion` (B, 1, 7); `frames` of each, `true` mouth
    opening of the synthetic ones, in the rig's natural units."""

    source: Tensor
    audio: Tensor
    emotion: Tensor
    frames: tuple[int, ...]
    true: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Windows:
    """Whole windows of those clips as one batch: conditions, noise, the state before each, and the exact motion (N, W, D)."""

    source: Tensor
    audio: Tensor
    emotion: Tensor
    noise: Tensor
    state: WindowState
    exact: Tensor


@dataclass(frozen=True)
class Row:
    """One setting's figures: `motion`, `mouth` errors and `variation` of the motion, relative to the variation of the exact solution;
    measures of whole clips."""

    options: SamplingOptions
    passes: int
    motion: float
    mouth: float
    variation: float
    correlation: float
    gain: float
    seams: float


def read_clips(model: FloatModel, count: int, most: int) -> Clips:
    """`count` synthetic voices, then the sample voice; `most` frames of each."""
    voices = [make_clip(HELD_OUT_SEED, number, held_out=True) for number in range(count)]
    heard = [*(AudioClip(torch.from_numpy(voice.waveform), 16000) for voice in voices), float_core.read_audio(VOICE)]
    features = [float_core.encode_audio(model, audio).features[:, :most] for audio in heard]
    longest = max(part.shape[1] for part in features)
    audio = torch.cat([repeat_last(part, longest, dim=1) for part in features])
    emotion = torch.cat([float_core.choose_emotion(name).probabilities for name in [*(EMOTIONS[v.emotion] for v in voices), "neutral"]])
    source = float_core.encode_identity(model, open_portrait(model, PORTRAIT)).motion.expand(len(heard), -1)
    return Clips(
        source, audio, emotion, tuple(part.shape[1] for part in features), tuple(voice.rig[:most, MOUTH].sum(1) for voice in voices)
    )


def exact_windows(model: FloatModel, clips: Clips, seed: int) -> Windows:
    """The exact solution, window after window; of it the windows that lie wholly within their clip."""
    net, batch = model.require("transformer"), len(clips.source)
    window = net.config.window
    options = replace(EXACT, seed=seed)
    state, draws = WindowState.start(net.config, batch), draw_noise(options, (batch, window, net.config.latent_size))
    parts: list[Windows] = []
    for start in range(0, max(clips.frames) - window + 1, window):
        noise, audio = next(draws), clips.audio[:, start : start + window]
        motion, following = sample_window(net, state, clips.source, audio, clips.emotion, noise, options)
        whole = torch.tensor([frames >= start + window for frames in clips.frames])
        before = WindowState(state.motion[whole], state.audio[whole])
        parts.append(Windows(clips.source[whole], audio[whole], clips.emotion[whole], noise[whole], before, motion[whole]))
        state = following
    names = ("source", "audio", "emotion", "noise", "exact")
    joined = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    state = WindowState(torch.cat([part.state.motion for part in parts]), torch.cat([part.state.audio for part in parts]))
    return Windows(**joined, state=state)


def window_errors(model: FloatModel, windows: Sequence[Windows], options: SamplingOptions) -> tuple[float, float, float]:
    """norm(motion - exact) / norm(exact - its mean over the window), of all motion and of the mouth's opening; and the motion's variation,
    norm(motion - its mean) / norm(exact - its mean)."""
    sums = np.zeros(5)
    for w in windows:
        motion, _ = sample_window(model.require("transformer"), w.state, w.source, w.audio, w.emotion, w.noise, options)
        for i, (found, exact) in enumerate(((motion, w.exact), (opening(model, motion), opening(model, w.exact)))):
            sums[2 * i] += float((found - exact).square().sum())
            sums[2 * i + 1] += _variation(exact)
        sums[4] += _variation(motion)
    return float(np.sqrt(sums[0] / sums[1])), float(np.sqrt(sums[2] / sums[3])), float(np.sqrt(sums[4] / sums[1]))


def _variation(motion: Tensor) -> float:
    """Sum of squares of (B, W, D) about the mean of each window."""
    return float((motion - motion.mean(1, keepdim=True)).square().sum())


def opening(model: FloatModel, motion: Tensor) -> Tensor:
    """How far the mouth is open, in the rig's natural units: (..., D) -> (..., 1)."""
    return (motion @ model.basis * torch.tensor(RIG_SCALES))[..., MOUTH].sum(-1, keepdim=True)


def clip_measures(model: FloatModel, clips: Clips, options: SamplingOptions, seeds: int) -> tuple[float, float, float]:
    """Mouth correlation and audio gain of the synthetic voices, and the seams of all, over the seeds."""
    right: list[np.ndarray] = []
    wrong: list[np.ndarray] = []
    true: list[np.ndarray] = []
    seams: list[np.ndarray] = []
    transformer = model.require("transformer")
    count = len(clips.true)
    others = [*range(1, count), 0, *range(count, len(clips.frames))]
    for seed in range(seeds):
        for order, curves in (([*range(len(clips.frames))], right), (others, wrong)):
            motion = torch.cat(
                list(sample_windows(transformer, clips.source, clips.audio[order], clips.emotion, replace(options, seed=seed))),
                dim=1,
            )
            curves += [opening(model, motion[i, : clips.frames[order[i]]])[:, 0].numpy() for i in range(count)]
            if curves is right:
                seams += [(m @ model.basis).numpy()[:frames] for m, frames in zip(motion, clips.frames, strict=True)]
        true += clips.true
    ratio = evaluation.seam_ratio(seams, transformer.config.window)
    return evaluation.mouth_correlation(right, true), evaluation.audio_gain(right, wrong, true), ratio


def passes(options: SamplingOptions) -> int:
    """How many times the network runs for a window: the evaluations, each with its guidance passes."""
    times = evaluation_times(options.solver, options.steps, options.time_grid)
    return sum(len(branch_weights(*scales_at(options, t))) for t in times)


def measure(clip_count: int, seeds: int, most: int) -> Iterator[Row]:
    """All settings in turn, the exact solution last."""
    model = float_core.load_model("mini")
    clips = read_clips(model, clip_count, most)
    windows = [exact_windows(model, clips, seed) for seed in range(seeds)]
    for options in [*SETTINGS, EXACT]:
        row = Row(options, passes(options), *window_errors(model, windows, options), *clip_measures(model, clips, options, seeds))
        print(line(row), flush=True)
        yield row


def names_of(options: SamplingOptions) -> str:
    """What the setting is called."""
    known = {**{name: SamplingOptions.of_quality(name) for name in get_args(QualityName)}, "default": DEFAULT, "exact": EXACT}
    return ", ".join(f"**{name}**" for name, settings in known.items() if settings == options)


def line(row: Row) -> str:
    """A row of the table."""
    o = row.options
    interval = "" if o.guidance_interval == (0.0, 1.0) else f"{o.guidance_interval[0]:g} to {o.guidance_interval[1]:g}"
    figures = f"{row.motion:.3f} | {row.mouth:.3f} | {row.variation:.2f} | {row.correlation:.3f} | {row.gain:.2f} | {row.seams:.2f}"
    return f"| {names_of(o)} | {o.solver} | {o.time_grid} | {interval} | {o.steps} | {row.passes} | {figures} |"


COLUMNS = ("", "solver", "time grid", "guidance at t", "evaluations", "passes")
MEASURES = ("motion error", "mouth error", "variation", "mouth r", "audio gain", "seams")
HEAD = "|" + "".join(f" {name} |" if name else " |" for name in (*COLUMNS, *MEASURES)) + "\n|" + "---|" * (len(COLUMNS) + len(MEASURES))


def write(path: Path, lines: Sequence[str]) -> None:
    """Puts the table's lines into the page, in the place of those that are there."""
    before, after = path.read_text().split(HEAD)
    following = dropwhile(lambda text: text.startswith("|"), after.removeprefix("\n").split("\n"))
    path.write_text("\n".join([before + HEAD, *lines, *following]))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=4, help="synthetic voices (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=2, help="(default: %(default)s)")
    parser.add_argument("--frames", type=int, default=100, help="of each clip at most (default: %(default)s, which is 4 seconds)")
    parser.add_argument("--out", type=Path, help="put the table into this page")
    options = parser.parse_args()
    torch.manual_seed(0)
    with torch.no_grad():
        rows = list(measure(options.clips, options.seeds, options.frames))
    if options.out is not None:
        write(options.out, [line(row) for row in rows])


if __name__ == "__main__":
    main()
