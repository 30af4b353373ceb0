"""3x3 convolutions by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray, arXiv 1509.09308): 36 products for 16 outputs instead of
144, in exchange for sums before and after. Pays where there are many channels.

The points are 0, +-1/sqrt(2), +-sqrt(2) and infinity, which lose about twice as much by rounding as a direct convolution of maps in
channels-last order; those of the paper, 0, +-1, +-2, lose twice as much again. Knows nothing of styles beyond a factor for each input
channel, nothing of biases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

SMALLEST_SIZE, FEWEST_CHANNELS = 16, 256  # below, the direct convolution is as fast or faster
TILE = 4  # outputs of a tile along a side, from six inputs
BAND_BYTES = 2 * 2**20  # of outputs at a time: what is made of them stays in the cache
_NEAR, _FAR = math.sqrt(0.5), math.sqrt(2.0)
_POINTS = (0.0, _NEAR, -_NEAR, _FAR, -_FAR)


class Workspace:
    """`workspace(name, shape)`: a float32 tensor of this shape, not filled, in the memory of the last one of this name: large buffers that
    are handed back to the system after each use cost as much as the arithmetic. One thread at a time, and one user of a name at a time."""

    def __init__(self) -> None:
        self._kept: dict[str, Tensor] = {}

    def __call__(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """See the class."""
        size = math.prod(shape)
        kept = self._kept.get(name)
        if kept is None or len(kept) < size:
            kept = self._kept[name] = torch.empty(size)
        return kept[:size].view(shape)


def _weight_sums() -> Tensor:
    """G (6, 3): the filter as a polynomial at each point, over the product of the point's distances to the others."""
    rows = [[p**k / math.prod(p - q for q in _POINTS if q != p) for k in range(3)] for p in _POINTS]
    return torch.tensor([*rows, [0.0, 0.0, 1.0]])


def pays(weight: Tensor, size: int) -> bool:
    """Whether a layer of this weight (O, C, 3, 3), with maps of this size, is faster this way."""
    return min(weight.shape[:2]) >= FEWEST_CHANNELS and size >= SMALLEST_SIZE


class WinogradConvolution:
    """Padded by 1. Serves any number of threads, each with a workspace of its own."""

    def __init__(self, weight: Tensor, size: int) -> None:
        """weight (O, C, 3, 3), for maps `size` wide and high (others are right too)."""
        self._out, channels = weight.shape[:2]
        g, taps = _weight_sums(), weight.detach().float().permute(2, 3, 1, 0).reshape(3, -1)
        self._weights = (g @ (g @ taps).view(6, 3, -1)).view(36, channels, self._out)  # U = G g G^T
        self._rows = min(size, max(TILE, BAND_BYTES // (4 * size * self._out) // TILE * TILE))

    def __call__(self, x: Tensor, scale: Tensor, workspace: Workspace) -> Tensor:
        """x (B, C, H, W) * scale (B, C, 1, 1) -> (B, O, H, W), channels-last; height and width are multiples of 4."""
        batch, channels, height, width = x.shape
        y = x.new_empty(batch, height // TILE, TILE, width // TILE, TILE, self._out)
        padded = workspace("padded", (height + 2, width + 2, channels))
        for edge in (padded[0], padded[-1], padded[:, 0], padded[:, -1]):
            edge.zero_()
        for i in range(batch):
            torch.mul(x[i].permute(1, 2, 0), scale[i, :, 0, 0], out=padded[1:-1, 1:-1])
            for a in range(0, height, self._rows):
                b = min(a + self._rows, height)
                self._band(padded[a : b + 2], y[i, a // TILE : b // TILE], workspace)
        return y.view(batch, height, width, self._out).permute(0, 3, 1, 2)

    def _band(self, padded: Tensor, y: Tensor, workspace: Workspace) -> None:
        """(H + 2, W + 2, C) into y (H / 4, 4, W / 4, 4, O): V = B^T d B of all tiles d of 6x6 pixels, four apart; M = U V; Y = A^T M A."""
        height, width, channels = padded.shape[0] - 2, padded.shape[1] - 2, padded.shape[2]
        down, across = height // TILE, width // TILE
        rows = workspace("rows", (6, down, width + 2, channels))
        _input_sums([padded[k : k + height - 3 : TILE] for k in range(6)], rows, workspace)
        tiles = workspace("tiles", (6, 6, down, across, channels))
        _input_sums([rows[:, :, k : k + width - 3 : TILE] for k in range(6)], tiles.transpose(0, 1), workspace)
        products = workspace("products", (36, down * across, self._out))
        torch.bmm(tiles.view(36, -1, channels), self._weights, out=products)
        sums = workspace("sums", (4, 6, down, across, self._out))
        _output_sums(products.view(6, 6, down, across, self._out), sums, workspace)
        _output_sums(sums.transpose(0, 1), y.permute(3, 1, 0, 2, 4), workspace)


def _input_sums(d: Sequence[Tensor], out: Tensor, workspace: Workspace) -> None:
    """B^T d along one side, six of six: rows (1, 0, -5/2, 0, 1, 0), (0, -2p, -2, p, 1, 0) and (0, 2p, -2, -p, 1, 0) with p = 1/sqrt(2),
    (0, -q/2, -1/2, q, 1, 0) and (0, q/2, -1/2, -q, 1, 0) with q = sqrt(2), (0, 1, 0, -5/2, 0, 1)."""
    even, odd = (workspace(name, tuple(d[0].shape)) for name in ("even", "odd"))
    torch.add(d[0], d[2], alpha=-2.5, out=out[0]).add_(d[4])
    for point, square, plus, minus in ((_NEAR, 2.0, out[1], out[2]), (_FAR, 0.5, out[3], out[4])):
        torch.sub(d[4], d[2], alpha=square, out=even)
        torch.sub(d[3], d[1], alpha=square, out=odd)
        torch.add(even, odd, alpha=point, out=plus)
        torch.sub(even, odd, alpha=point, out=minus)
    torch.add(d[1], d[3], alpha=-2.5, out=out[5]).add_(d[5])


def _output_sums(m: Tensor, out: Tensor, workspace: Workspace) -> None:
    """A^T m along one side, four of six: the sum over the points of m * point^k, and the last m for k = 3."""
    near, far = (workspace(name, tuple(m[0].shape)) for name in ("even", "odd"))
    torch.add(m[1], m[2], out=near)
    torch.add(m[3], m[4], out=far)
    torch.add(m[0], near, out=out[0]).add_(far)
    torch.add(near.mul_(_NEAR**2), far, alpha=_FAR**2, out=out[2])
    torch.sub(m[1], m[2], out=near)
    torch.sub(m[3], m[4], out=far)
    torch.add(near.mul_(_NEAR), far, alpha=_FAR, out=out[1])
    torch.add(near.mul_(_NEAR**2), far, alpha=_FAR**3, out=out[3]).add_(m[5])
