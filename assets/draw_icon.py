"""Draws icon.png and banner.jpg, which the registry's pages show.

    python assets/draw_icon.py

The icon is a face whose mouth is a waveform. The banner has it beside frames that the bundled model rendered from the sample material.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

ASSETS = Path(__file__).resolve().parent
sys.path.insert(0, str(ASSETS.parent))

import float_core  # noqa: E402

ICON, BANNER = 400, (1680, 720)  # the registry asks for at most 400 x 400, and for 21:9
SHARPER = 4  # drawn so many times larger, then reduced: smooth edges
TOP, BOTTOM = (46, 38, 92), (18, 104, 122)  # indigo to teal: stands out from a white page and from a black one
LIGHT, FAINT, WARM = (250, 247, 240), (196, 210, 220), (255, 184, 92)
MOUTH = (0.4, 0.72, 1.0, 0.72, 0.4)  # heights of the bars
TAGLINE = "one image + audio = a talking video"
FRAMES = (36, 8, 60)  # of the sample clip, with the mouth in different shapes


def background(width: int, height: int) -> Image.Image:
    """The diagonal gradient."""
    y, x = np.mgrid[0:height, 0:width]
    share = ((x / width + y / height) / 2)[..., None]
    return Image.fromarray((np.array(TOP) * (1 - share) + np.array(BOTTOM) * share).round().astype(np.uint8)).convert("RGBA")


def reduced(image: Image.Image) -> Image.Image:
    """From the size that it was drawn at."""
    return image.resize((image.width // SHARPER, image.height // SHARPER), Image.Resampling.LANCZOS)


def round_corners(side: int, share: float) -> Image.Image:
    """A mask of a square; `share` of a side is round."""
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, side - 1, side - 1), radius=share * side, fill=255)
    return mask


def face(size: int) -> Image.Image:
    """On transparent ground: a round head, two eyes, and a mouth of five bars."""
    image = Image.new("RGBA", (size, size))
    draw = ImageDraw.Draw(image)

    def box(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
        return (x - width / 2) * size, (y - height / 2) * size, (x + width / 2) * size, (y + height / 2) * size

    draw.ellipse(box(0.5, 0.5, 0.74, 0.74), outline=LIGHT, width=round(0.05 * size))
    for x in (0.385, 0.615):
        draw.ellipse(box(x, 0.405, 0.085, 0.12), fill=LIGHT)
    for number, height in enumerate(MOUTH):
        x = 0.5 + (number - len(MOUTH) // 2) * 0.088
        draw.rounded_rectangle(box(x, 0.635, 0.056, 0.2 * height), radius=0.028 * size, fill=WARM)
    return image


def icon() -> Image.Image:
    """Square, with round and transparent corners."""
    image = background(ICON, ICON)
    image.alpha_composite(reduced(face(ICON * SHARPER)))
    image.putalpha(reduced(round_corners(ICON * SHARPER, 0.21)))
    return image


def frames() -> list[Image.Image]:
    """Rendered frames."""
    model = float_core.load_model("mini")
    image = float_core.prepare_image(float_core.read_image(ASSETS / "portrait.jpg"), model.require("autoencoder").config.size).image
    audio = float_core.read_audio(ASSETS / "voice.wav")
    chunks = float_core.animate(model, image, audio, emotion="neutral")
    rendered = torch.cat([chunk.frames for chunk in chunks])[list(FRAMES)]
    pixels = ((rendered + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(frame) for frame in pixels]


def wave(draw: ImageDraw.ImageDraw, left: float, right: float, middle: float, height: float, step: float) -> None:
    """The loudness of the sample voice as bars."""
    samples = float_core.read_audio(ASSETS / "voice.wav").waveform
    bars = int((right - left) / step)
    for number, piece in enumerate(samples[: samples.shape[0] // 2].abs().chunk(bars)):
        half = max(step / 6, min(1.0, 2.2 * float(piece.square().mean().sqrt())) * height / 2)
        x = left + (number + 0.5) * step
        draw.rounded_rectangle(
            (x - step / 4, middle - half, x + step / 4, middle + half), radius=step / 4, fill=WARM if number < bars // 3 else FAINT
        )


def banner() -> Image.Image:
    """The icon's face and the name, then rendered frames over the audio that moves them."""
    unit = SHARPER
    image = Image.new("RGBA", (BANNER[0] * unit, BANNER[1] * unit))
    draw = ImageDraw.Draw(image)
    image.paste(face(330 * unit), (50 * unit, 60 * unit))
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    words = (("FLOAT", "DejaVuSans-Bold", 118, 390), ("Portrait", "DejaVuSans", 84, 508), (TAGLINE, "DejaVuSans", 25, 626))
    for text, font, size, y in words:
        color = FAINT if text == TAGLINE else LIGHT
        draw.text((98 * unit, y * unit), text, color, ImageFont.truetype(str(fonts / f"{font}.ttf"), size * unit))
    side, left = 300 * unit, 664 * unit
    for number, frame in enumerate(frames()):
        shown = frame.resize((side, side), Image.Resampling.LANCZOS)
        image.paste(shown, (left + number * 324 * unit, 110 * unit), round_corners(side, 0.09))
    wave(draw, left, left + 948 * unit, 530 * unit, 170 * unit, 12 * unit)
    whole = background(*BANNER)
    whole.alpha_composite(reduced(image))
    return whole.convert("RGB")


def main() -> None:
    """Writes both beside this file."""
    torch.manual_seed(0)
    icon().save(ASSETS / "icon.png", optimize=True)
    banner().save(ASSETS / "banner.jpg", quality=90)


if __name__ == "__main__":
    main()
