"""An image as people see it: upright and in sRGB. Wrong metadata in a file never ends a run."""

from __future__ import annotations

import io
import struct
import warnings

import numpy as np
from PIL import Image, ImageCms

# What Pillow and its readers raise on damaged bytes.
DAMAGED = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, struct.error)
_ORIENTATION = 0x0112  # the EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}  # by the color space of a profile
_NEARLY = 2  # levels by which a conversion may change colors and still be none


def upright_srgb(image: Image.Image) -> Image.Image:
    """A copy, rotated by its EXIF orientation and converted to sRGB by its ICC profile, and without both. Transparency is kept.

    The mode changes only if necessary: an image with a profile becomes RGB or RGBA; CMYK and LAB become RGB."""
    turn = _TURNS.get(_orientation(image))
    upright = image.copy() if turn is None else image.transpose(turn)
    profile = upright.info.get("icc_profile")
    upright.info = {name: value for name, value in upright.info.items() if name == "transparency"}
    if profile and upright.mode != "F":
        try:
            upright = _converted(upright, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        except (*DAMAGED, ImageCms.PyCMSError) as error:
            warnings.warn(f"the color profile of the image cannot be used ({error}); its colors are taken as sRGB", stacklevel=2)
    if upright.mode == "LAB":
        upright = _converted(upright, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    return upright.convert("RGB") if upright.mode in ("CMYK", "YCbCr", "HSV") else upright


def has_alpha(image: Image.Image) -> bool:
    """Whether pixels of the image may be transparent."""
    return "transparency" in image.info or image.mode in ("RGBA", "RGBa", "LA", "La", "PA")


def _orientation(image: Image.Image) -> int:
    """1 to 8, or whatever else the file holds."""
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except DAMAGED:
        return 1


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """An image with the colors of `profile`, in sRGB. Raises PyCMSError or ValueError if image and profile do not fit together."""
    space = profile.profile.xcolor_space
    mode = _MODES.get(space)
    colors = _without_alpha(image)
    if mode == "RGB" and colors.mode == "L":  # a gray image with the profile of the camera
        colors = colors.convert("RGB")
    if colors.mode != mode:
        raise ValueError(f"it is for {space.strip()}, the image is {image.mode}")
    transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
    if _changes_nothing(transform, mode):
        return image
    converted = ImageCms.applyTransform(colors, transform)
    assert converted is not None
    if has_alpha(image):
        converted.putalpha(image.convert("RGBA").getchannel("A"))
    return converted


def _without_alpha(image: Image.Image) -> Image.Image:
    """The image as 8-bit RGB, L, CMYK or LAB, the modes that profiles are made for."""
    if image.mode.startswith("I"):  # gray of 16 bits
        levels = np.asarray(image)
        if levels.min(initial=0) < 0 or levels.max(initial=0) > 65535:
            raise ValueError(f"gray values go from {levels.min()} to {levels.max()}; expected 0 to 65535")
        return Image.fromarray(np.rint(levels / 257).astype(np.uint8))
    if image.mode in ("1", "L", "LA", "La"):
        return image.convert("LA").getchannel("L")
    return image if image.mode in ("CMYK", "LAB") else image.convert("RGBA").convert("RGB")


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether the profile is sRGB itself, under any name: then every pixel stays the same."""
    steps = np.linspace(0, 255, 18).astype(np.uint8)
    if mode == "L":
        colors = Image.fromarray(steps[None])
    elif mode == "RGB":
        colors = Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3))
    else:
        return False
    after = ImageCms.applyTransform(colors, transform)
    assert after is not None
    change = np.asarray(after).astype(int) - np.asarray(colors.convert("RGB"))
    return int(np.abs(change).max()) <= _NEARLY
