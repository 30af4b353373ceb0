"""Contact sheets: rows of images in one JPEG. Knows nothing of what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor


def write_sheet(path: str | Path, rows: Sequence[Tensor]) -> Path:
    """Writes rows of images, each (n, 3, r, r) in [-1, 1], the same n and r for all, as one image."""
    from PIL import Image

    sheet = torch.cat([torch.cat(list(row.detach().cpu()), -1) for row in rows], -2)
    pixels = ((sheet.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=90)
    return path
