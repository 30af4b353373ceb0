"""Motion and edits as plots, drawn without a screen. Needs a basis and its calibration, no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..argument_checks import check_motion, check_number, check_whole
from ..evaluation.motion_measures import seam_ratio
from ..motion_editing.direction_names import direction_group, direction_name
from ..motion_editing.edit_checks import check_edit
from ..motion_editing.motion_edits import added_by
from ..types import FloatModel, MotionEdit, MotionSequence

if TYPE_CHECKING:
    from PIL.Image import Image

_WIDTH, _DPI = 13.0, 100
_GROUPS = (("head", ("head",)), ("mouth and jaw", ("jaw", "mouth")), ("eyes", ("eyes",)), ("brows", ("brows",)), ("other", ("other",)))
_AT_ONCE = 8  # lines in one panel: more cannot be told apart


def plot_motion(model: FloatModel, motion: MotionSequence, *, window: int = 50) -> Image:
    """A plot of a motion: coefficients over time, grouped by what they move (by number without a calibration), then mean speed and mean
    acceleration. It marks the seams between sampling windows of `window` frames and gives the seam ratio: the acceleration at seams
    divided by that elsewhere (1 = no visible seam). Of a batch, the first motion is drawn.

    >>> import torch, float_core
    >>> motion = MotionSequence(torch.randn(1, 100, 64), fps=25.0)
    >>> plot_motion(float_core.load_model("mini"), motion).size
    (1300, 1270)
    """
    check_motion(model, motion)
    check_whole("window", window, low=1)
    basis = model.basis.to(motion.latents.device)
    coefficients = (motion.latents[0].detach().float() @ basis).cpu().numpy()
    panels = list(_panels(model, coefficients.shape[1]))
    figure, axes = _figure([2.3] * len(panels) + [1.6, 1.9])
    times = np.arange(len(coefficients)) / motion.fps
    for axis, (title, directions) in zip(axes, panels, strict=False):
        for k in directions:
            axis.plot(times, coefficients[:, k], linewidth=1.2, label=direction_name(model.calibration, k))
        _finish(axis, title, "coefficient", float(times[-1]))
    _plot_change(axes[-2], axes[-1], coefficients, motion.fps, window)
    axes[-1].set_xlabel("seconds")
    return _drawn(figure)


def _panels(model: FloatModel, count: int) -> Iterator[tuple[str, list[int]]]:
    """Titles and directions of the panels, with no more lines in one than can be told apart."""
    for title, groups in _GROUPS:
        members = [k for k in range(count) if direction_group(model.calibration, k) in groups]
        title = title if model.calibration is not None else "directions"
        pieces = -(-len(members) // _AT_ONCE)
        for i in range(pieces):
            part = members[i * len(members) // pieces : (i + 1) * len(members) // pieces]
            yield title if pieces == 1 else f"{title} {i + 1}", part


def _plot_change(speed_axis: Any, axis: Any, coefficients: np.ndarray, fps: float, window: int) -> None:
    """The first and the second derivative of the coefficients, as means of absolute values over the directions."""
    seams = list(range(window, len(coefficients), window))
    for where, order, unit in ((speed_axis, 1, "1/s"), (axis, 2, "1/s²")):
        change = np.abs(np.diff(coefficients, n=order, axis=0)).mean(1) * fps**order
        times = (np.arange(len(change)) + order / 2) / fps
        where.plot(times, change, color="black", linewidth=1.0)
        for i, seam in enumerate(seams):
            where.axvline(
                (seam - 0.5) / fps, color="tab:red", linewidth=1.0, alpha=0.6, label=None if i else f"seam, every {window} frames"
            )
        _finish(where, "speed" if order == 1 else f"acceleration: {_seams(coefficients, window)}", unit, (len(coefficients) - 1) / fps)
        where.set_ylim(bottom=0)


def _seams(coefficients: np.ndarray, window: int) -> str:
    if len(coefficients) <= max(window + 1, 4) or window < 4:  # a seam needs frames on both sides, and others to compare with
        return "no seam in this clip"
    ratio = seam_ratio([coefficients], window)
    return f"seam ratio {ratio:.2f}" if np.isfinite(ratio) else "nothing moves"


def plot_curves(edits: Sequence[MotionEdit], frames: int, fps: float) -> Image:
    """A plot of what each edit adds to its coefficient over `frames` frames: offset and curve within the range of the edit. The effect of
    gain, freeze and limits depends on a motion, so the legend only names them.

    >>> plot_curves([MotionEdit(0, offset=1.5, start=1.0, ease=0.3)], frames=50, fps=25).size
    (1300, 360)
    """
    check_whole("frames", frames, low=1)
    check_number("fps", fps, low=1, high=1000)
    figure, (axis,) = _figure([3.6])
    times = np.arange(frames) / fps
    for number, edit in enumerate(edits):
        check_edit(edit, None, f"edit {number}")
        axis.plot(times, added_by(edit, frames, fps).numpy(), linewidth=1.6, label=_described(edit))
    if not edits:
        axis.text(0.5, 0.5, "no edits", ha="center", va="center", transform=axis.transAxes, color="gray")
    _finish(axis, "what the edits add", "coefficient", float(times[-1]))
    axis.set_xlabel("seconds")
    return _drawn(figure)


def _described(edit: MotionEdit) -> str:
    extras = [f"gain {edit.gain:g}"] if edit.gain != 1 and not edit.freeze else []
    extras += ["freeze"] if edit.freeze else []
    extras += [f"≥ {edit.low:g}"] if edit.low is not None else []
    extras += [f"≤ {edit.high:g}"] if edit.high is not None else []
    return f"λ{edit.direction}" + (f" ({', '.join(extras)})" if extras else "")


def _figure(heights: Sequence[float]) -> tuple[Any, list[Any]]:
    """A figure with panels of these heights (in inches) below each other, and room for legends on the right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, sum(heights)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=list(heights))[:, 0]
    return figure, list(axes)


def _finish(axis: Any, title: str, unit: str, seconds: float) -> None:
    axis.set_title(title, loc="left", fontsize=10)
    axis.set_ylabel(unit, fontsize=9)
    axis.tick_params(labelsize=9)
    axis.grid(alpha=0.3)
    axis.set_xlim(0, max(seconds, 1e-3))
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9, frameon=False, borderaxespad=0.3)


def _drawn(figure: Any) -> Image:
    from PIL import Image

    figure.canvas.draw()
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
