"""Images from files, by Pillow."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ..errors import ImageError
from ..srgb import DAMAGED, upright_srgb


def read_image(path: str | Path) -> Image.Image:
    """The (first) image of a file, upright and in the colors of sRGB. Raises ImageError.

    Its mode is the file's own, transparency and 16 bits included, unless its colors had to be converted.

    >>> read_image("assets/portrait.jpg").mode
    'RGB'
    """
    if not Path(path).is_file():
        raise ImageError(f"there is no image file {path}")
    try:
        with Image.open(path) as image:
            image.load()
            return upright_srgb(image)
    except UnidentifiedImageError as error:
        raise ImageError(f"{path} is not an image that Pillow can read; expected for example PNG, JPEG or WebP") from error
    except (*DAMAGED, Image.DecompressionBombError) as error:
        raise ImageError(f"the image {path} cannot be read: {error}") from error
