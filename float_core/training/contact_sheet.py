"""Contact sheets: rows of images in one JPEG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..atomic_file import write_beside
from ..pixels import to_rows


def write_sheet(path: str | Path, rows: Sequence[Tensor]) -> Path:
    """Writes rows of images, each (n, 3, r, r) in [-1, 1] with the same n and r, as one image."""
    from PIL import Image

    sheet = torch.cat([torch.cat(list(row.detach().cpu()), -1) for row in rows], -2)
    with write_beside(path) as unfinished:
        Image.fromarray(to_rows(sheet)).save(unfinished, "JPEG", quality=90)
    return Path(path)
