"""The image that a command is given: read, and its face found, before a model is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import ImageError
from ..types import FaceCrop

_ANY_SIZE = 16  # pixels: where the face is does not depend on the model's size


@dataclass(frozen=True)
class Portrait:
    """An image, and the small crop that says where its face is."""

    image: Any
    crop: FaceCrop

    @classmethod
    def open(
        cls, path: Path, *, crop: str | Sequence[float] | None = "detect", face: int | None = None, device: torch.device | str = "cpu"
    ) -> Portrait:
        """Reads the file and finds the face as `prepare_image` does. Raises ImageError, which names the file."""
        from .. import prepare_image, read_image

        image = read_image(path)
        try:
            return cls(image, prepare_image(image, _ANY_SIZE, crop=crop, face=face, device=device))
        except ImageError as error:
            raise type(error)(f"{path}: {error}") from error

    def at_size(self, size: int) -> Tensor:
        """(1, 3, size, size) in [-1, 1], for an encoder."""
        from .. import prepare_image

        return prepare_image(self.image, size, crop=self.crop.transform).image
