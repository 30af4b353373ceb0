"""A contact sheet of a motion basis on a user's own portrait: a row of images for each direction, with its name and what it moves.

It works for any model, with or without a calibration, and measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..argument_checks import check_identity, check_number, check_whole
from ..errors import OptionError
from ..motion_editing.direction_names import direction_name
from ..pipeline.render import render_frames
from ..pixels import from_bytes, to_rows
from ..progress import ProgressCallback, counted
from ..types import DirectionCalibration, FloatModel, MotionSequence, SourceIdentity

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

_REACH = 2.5  # offset at both ends, without a calibration
_CELL, _CAPTION, _LABEL = 192, 24, 250  # pixels: largest image, height of the value below it, width of the name column
_PAPER, _INK, _FAINT = (255, 255, 255), (20, 20, 20), (105, 105, 105)


def basis_sheet(
    model: FloatModel,
    identity: SourceIdentity,
    *,
    steps: int = 5,
    extent: float = 1.0,
    directions: Sequence[int] | None = None,
    on_progress: ProgressCallback | None = None,
) -> Tensor:
    """What each direction does to a portrait, as an image (3, H, W) in [-1, 1] with a row for each direction.

    steps: images in a row, 2 to 25; with an odd number the portrait itself is in the middle.
    extent: a row goes from minus to plus `extent` times the natural range of the direction (±2.5 without a calibration), added to the
        portrait's own motion.
    directions: which directions; None = all.
    on_progress: stage "sheet", in rows.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> identity = float_core.encode_identity(model, torch.zeros(1, 3, 256, 256))
    >>> basis_sheet(model, identity, steps=2, directions=[0]).shape
    torch.Size([3, 216, 634])
    """
    check_identity(model, identity)
    chosen = _check_options(model, steps, extent, directions)
    rows = []
    for k in counted(chosen, "sheet", on_progress):
        low, high = _reach(model, k)
        offsets = [extent * (high if x > 0 else -low) * x for x in torch.linspace(-1, 1, steps).tolist()]
        shifts = torch.tensor(offsets, device=model.device)[:, None] * model.basis[:, k]
        motion = identity.motion.to(model.device)[:, None] + shifts[None]
        images = torch.cat([chunk.frames for chunk in render_frames(model, identity, MotionSequence(motion, model.config.fps))])
        rows.append(_row(model, k, images.cpu(), offsets))
    return torch.cat(rows, 1)


def _check_options(model: FloatModel, steps: object, extent: object, directions: Sequence[int] | None) -> list[int]:
    count = model.basis.shape[1]
    check_whole("steps", steps, low=2, high=25)
    check_number("extent", extent, low=1e-6)
    chosen = list(range(count)) if directions is None else [check_whole("direction", k, low=0, high=count - 1) for k in directions]
    if not chosen:
        raise OptionError("directions is empty; expected at least one, or None for all")
    return chosen


def _measured(model: FloatModel, direction: int) -> DirectionCalibration | None:
    return None if model.calibration is None else model.calibration.directions[direction]


def _reach(model: FloatModel, direction: int) -> tuple[float, float]:
    measured = _measured(model, direction)
    return (-_REACH, _REACH) if measured is None else (measured.low, measured.high)


def _row(model: FloatModel, direction: int, images: Tensor, offsets: Sequence[float]) -> Tensor:
    """(3, h, w): name, images, and their values below them."""
    from PIL import Image, ImageDraw

    if images.shape[-1] > _CELL:
        images = F.interpolate(images, size=(_CELL, _CELL), mode="bilinear", antialias=True)
    size = max(images.shape[-1], 96)  # room for the name, even if the images of a model are tiny
    canvas = Image.new("RGB", (_LABEL + len(images) * size, size + _CAPTION), _PAPER)
    draw = ImageDraw.Draw(canvas)
    _write_label(draw, model, direction, size)
    for i, (image, offset) in enumerate(zip(images, offsets, strict=True)):
        left = _LABEL + i * size
        canvas.paste(Image.fromarray(to_rows(image)).resize((size, size), Image.Resampling.NEAREST), (left, 0))
        draw.text((left + size / 2, size + _CAPTION / 2), f"{offset:+.2f}", _INK, _font(14), anchor="mm")
    data = torch.frombuffer(bytearray(canvas.tobytes()), dtype=torch.uint8).view(canvas.height, canvas.width, 3)
    return from_bytes(data.permute(2, 0, 1))


def _write_label(draw: ImageDraw, model: FloatModel, direction: int, height: int) -> None:
    """The name in large letters, what the calibration says in small ones, as many lines as fit."""
    name = direction_name(model.calibration, direction)
    large, small = _font(19), _font(13)
    lines = [(part, large, _INK) for part in _wrapped(draw, name, large)]
    measured = _measured(model, direction)
    if measured is not None:
        labels = [f"{one.name} {one.strength:.0%}: {one.per_unit:+.3g} {one.unit}" for one in measured.labels] or ["no control of the rig"]
        lines += [(part, small, _FAINT) for text in (*labels, f"explained: {measured.fit:.0%}") for part in _wrapped(draw, text, small)]
    top = 8.0
    for text, font, color in lines:
        line = font.size * 1.35
        if top + line > height + _CAPTION - 4:
            break
        draw.text((10, top), text, color, font)
        top += line


def _wrapped(draw: ImageDraw, text: str, font: FreeTypeFont) -> list[str]:
    """The text as lines that fit into the column, broken at spaces."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and draw.textlength(longer, font) > _LABEL - 20:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _font(size: int) -> FreeTypeFont:
    """DejaVu Sans, which is part of matplotlib's wheel and has the letter lambda."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
