"""3x3 convolutions by Winograd's minimal filtering F(2x2, 3x3) (Lavin and Gray, arXiv 1509.09308): 16 products for four outputs instead
of 36, in exchange for sums before and after. Pays where there are many channels; as exact as the direct way.

Knows nothing of styles beyond a factor for each input channel, nothing of biases or activations.
"""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST_SIZE, FEWEST_CHANNELS = 16, 256  # below, the direct convolution is as fast or faster
_G = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))


class WinogradConvolution:
    """Padded by 1, for maps of even height and width. Keeps buffers from call to call: one object serves one thread at a time."""

    def __init__(self, weight: Tensor) -> None:
        """weight (O, C, 3, 3)."""
        g = torch.tensor(_G)
        self._weights = torch.einsum("ak,ockl,bl->abco", g, weight.float(), g).flatten(0, 1).contiguous()  # U = G g G^T, [16, C, O]
        self._buffers: dict[str, Tensor] = {}

    def __call__(self, x: Tensor, scale: Tensor) -> Tensor:
        """x (B, C, H, W) * scale (B, C, 1, 1) -> (B, O, H, W), channels-last."""
        batch, _, height, width = x.shape
        y = x.new_empty(batch, height // 2, 2, width // 2, 2, self._weights.shape[2])
        for i in range(batch):  # one at a time stays in the cache
            tiles = self._tiles(x[i].permute(1, 2, 0), scale[i, :, 0, 0])
            products = self._buffer("products", (16, tiles.shape[1], self._weights.shape[2]))
            torch.bmm(tiles, self._weights, out=products)
            self._outputs(products.view(4, 4, height // 2, width // 2, -1), y[i])
        return y.view(batch, height, width, -1).permute(0, 3, 1, 2)

    def _tiles(self, x: Tensor, scale: Tensor) -> Tensor:
        """V = B^T d B of all tiles d of 4x4 pixels, two apart: (H, W, C) -> (16, H / 2 * W / 2, C)."""
        height, width, channels = x.shape
        padded = self._buffer("padded", (height + 2, width + 2, channels))
        for edge in (padded[0], padded[-1], padded[:, 0], padded[:, -1]):
            edge.zero_()
        torch.mul(x, scale, out=padded[1:-1, 1:-1])
        rows = self._buffer("rows", (4, height // 2, width + 2, channels))
        _input_sums([padded[k : k + height - 1 : 2] for k in range(4)], rows)
        tiles = self._buffer("tiles", (4, 4, height // 2, width // 2, channels))
        _input_sums([rows[:, :, k : k + width - 1 : 2] for k in range(4)], tiles.transpose(0, 1))
        return tiles.view(16, -1, channels)

    def _outputs(self, m: Tensor, y: Tensor) -> None:
        """Y = A^T m A: (4, 4, H / 2, W / 2, O) into y (H / 2, 2, W / 2, 2, O)."""
        rows = self._buffer("sums", (2, *m.shape[1:]))
        _output_sums(m, rows, self._buffer("partial", m.shape[1:]))
        _output_sums(rows.transpose(0, 1), y.permute(3, 1, 0, 2, 4), self._buffer("last", (2, *m.shape[2:])))

    def _buffer(self, name: str, shape: tuple[int, ...]) -> Tensor:
        kept = self._buffers.get(name)
        if kept is None or kept.shape != shape:
            kept = self._buffers[name] = torch.empty(shape)
        return kept


def _input_sums(d: list[Tensor], out: Tensor) -> None:
    """B^T d along one side: d0 - d2, d1 + d2, d2 - d1, d1 - d3."""
    torch.sub(d[0], d[2], out=out[0])
    torch.add(d[1], d[2], out=out[1])
    torch.sub(d[2], d[1], out=out[2])
    torch.sub(d[1], d[3], out=out[3])


def _output_sums(m: Tensor, out: Tensor, partial: Tensor) -> None:
    """A^T m along one side: m0 + m1 + m2, m1 - m2 - m3."""
    torch.add(m[1], m[2], out=partial)
    torch.add(m[0], partial, out=out[0])
    torch.sub(m[1], m[2], out=partial)
    torch.sub(partial, m[3], out=out[1])
