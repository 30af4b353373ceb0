"""One setting of the sampling at several values: the paper's ablations of evaluations and guidance, as rows and as a plot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import OptionError
from ..types import SamplingOptions
from .evaluate_clips import SpeechResult
from .speech_runs import TRUTH

if TYPE_CHECKING:
    from PIL.Image import Image

SETTINGS = ("steps", "audio_guidance", "emotion_guidance")
_PANELS = ("FID", "FVD", "LSE-C", "lip r", "lip opening spread (of the true)", "lip dynamics", "PSNR (dB)", "seam ratio", "frames a second")
_WIDTH, _HEIGHT, _ACROSS, _DPI = 4.2, 2.8, 3, 100


@dataclass(frozen=True)
class Sweep:
    """`setting`: one of SETTINGS; `values`: at least two, each once."""

    setting: str
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.setting not in SETTINGS:
            raise OptionError(f"{self.setting!r} cannot be swept; expected one of {', '.join(SETTINGS)}")
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise OptionError(f"{self.setting} is to be swept over {self.values}; expected two values or more, each once")

    def variants(self, base: SamplingOptions) -> dict[str, SamplingOptions]:
        """The options of each row. Raises OptionError for a value that the setting cannot have.

        >>> list(Sweep("steps", (2, 5)).variants(SamplingOptions()))
        ['steps = 2', 'steps = 5']
        """
        found = {}
        for value in self.values:
            changed: dict[str, Any] = {self.setting: _whole(value)}
            found[self.row(value)] = replace(base, **changed)
        return found

    def row(self, value: float) -> str:
        """The name of a value's row in the result."""
        return f"{self.setting} = {_whole(value):g}"


def plot_sweep(sweep: Sweep, result: SpeechResult) -> Image:
    """A panel for each measure that the result has: its mean and its 95 % interval over clips at each value; the real videos as a line."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    rows = [sweep.row(value) for value in sweep.values]
    shown = [name for name in _PANELS if any(name in part[rows[0]] for part in (result.rows, result.pooled))]
    down = max(1, -(-len(shown) // _ACROSS))
    figure = Figure(figsize=(_WIDTH * _ACROSS, _HEIGHT * down), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(down, _ACROSS, squeeze=False).flat
    for axis, name in zip(axes, shown, strict=False):
        means, lows, highs = (np.array(part) for part in zip(*(_values(result, row, name) for row in rows), strict=True))
        axis.errorbar(sweep.values, means, np.nan_to_num([means - lows, highs - means]).clip(0), marker="o", capsize=3)
        real = _values(result, TRUTH, name)[0]
        if math.isfinite(real):
            axis.axhline(real, color="gray", linestyle="--", linewidth=1)
        axis.set_title(name, loc="left", fontsize=10)
        axis.set_xlabel(sweep.setting)
        axis.grid(alpha=0.3)
    for axis in figure.axes[len(shown) :]:
        axis.set_axis_off()
    figure.canvas.draw()
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")  # type: ignore[attr-defined]


def sweep_rows(sweep: Sweep, result: SpeechResult) -> list[dict[str, float | None]]:
    """The means at each value, as JSON takes them."""
    found = []
    for value in sweep.values:
        row = sweep.row(value)
        measures = {name: each.mean for name, each in result.rows[row].items()} | result.pooled[row]
        found.append({sweep.setting: _whole(value), **{name: mean if math.isfinite(mean) else None for name, mean in measures.items()}})
    return found


def _values(result: SpeechResult, row: str, name: str) -> tuple[float, float, float]:
    measures: Mapping = result.rows[row]
    if name in measures:
        return measures[name].mean, measures[name].low, measures[name].high
    value = result.pooled[row].get(name, math.nan)
    return value, math.nan, math.nan


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value
