"""The guided velocity of a window, all that does not depend on x computed before the loop. Plain form: `guidance.GuidedVelocity`.

The times and conditions are known beforehand, so that all adaLN projections, a third of the weights, are one product per block. Knows no
solver: whoever makes it says at which times it will be asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from .guidance import WindowConditions, branch_weights
from .linear_product import linear_product
from .transformer import BandAttention, Block, FlowMatchingTransformer

TABLE_BYTES = 256 * 2**20  # of projections held at a time; more steps go in pieces


@dataclass(frozen=True)
class _Rows:
    """The distinct conditions among all frames of all passes: `features` (R, D + Da + 7), `of_token` (passes, B, P+W) indexes them."""

    features: Tensor
    of_token: Tensor


def _distinct_rows(conditions: WindowConditions, branches: Sequence[tuple[bool, bool]]) -> _Rows:
    """Passes with the same emotion share the preceding frames; without a voice (and its emotion) all current frames are one."""
    c, preceding = conditions, conditions.preceding_audio.shape[1]
    window, batch = c.audio.shape[1], len(c.audio)
    emotion = c.emotion.expand(-1, preceding + window, -1)
    pieces: list[Tensor] = []
    starts: dict[tuple[bool | None, bool], Tensor] = {}

    def indices(audio_kept: bool | None, emotion_kept: bool) -> Tensor:
        """Of the preceding frames (None) or of the current ones, (B, frames); their rows are made on first use."""
        key = (audio_kept, emotion_kept)
        if key not in starts:
            if audio_kept is None:
                audio, feeling = c.preceding_audio, emotion[:, :preceding]
            else:
                audio, feeling = c.audio if audio_kept else torch.zeros_like(c.audio), emotion[:, preceding:]
            feeling = feeling if emotion_kept else torch.zeros_like(feeling)
            frames = 1 if audio_kept is False and not emotion_kept else audio.shape[1]
            source = c.source_motion[:, None].expand(-1, frames, -1)
            rows = torch.cat([source, audio[:, :frames], feeling[:, :frames]], dim=-1).flatten(0, 1)
            first = sum(map(len, pieces))
            pieces.append(rows)
            starts[key] = torch.arange(first, first + len(rows), device=rows.device).view(batch, frames)
        return starts[key]

    of_token = [
        torch.cat([indices(None, emotion_kept), indices(audio_kept, emotion_kept).expand(-1, window)], dim=1)
        for audio_kept, emotion_kept in branches
    ]
    return _Rows(torch.cat(pieces), torch.stack(of_token))


@dataclass(frozen=True)
class _Reach:
    """What a block computes: its tokens are those from `first` on, its output is needed from `kept` on; `mask` (out, in) is added to the
    scores; `rows_in`, `rows_out` (passes * B * tokens) index the projections of either."""

    first: int
    kept: int
    mask: Tensor
    rows_in: Tensor
    rows_out: Tensor


def _reaches(transformer: FlowMatchingTransformer, of_token: Tensor) -> Iterator[_Reach]:
    """Only the current frames are wanted, and a frame sees `reach` frames to each side and block: the last block gives out none of the
    preceding frames, the one before it the last `reach` of them, and so on."""
    config, device = transformer.config, of_token.device
    mask = torch.zeros(config.tokens, config.tokens, dtype=transformer.dtype, device=device)
    mask.masked_fill_(transformer.alignment_mask.to(device), -math.inf)
    first = 0
    for later in range(config.depth - 1, -1, -1):
        kept = max(0, config.preceding - config.reach * later)
        rows_in, rows_out = (of_token[..., start:].reshape(-1) for start in (first, kept))
        yield _Reach(first, kept, mask[kept:, first:].contiguous(), rows_in, rows_out)
        first = kept


class PreparedVelocity:
    """`velocity(x, t)` of the current frames, (B, W, D) -> (B, W, D), for t among `times`; other times are a KeyError.

    Equal to `GuidedVelocity` but for rounding. `table_bytes` bounds what is held of projections; at least one time's are.
    """

    @torch.no_grad()
    def __init__(
        self,
        transformer: FlowMatchingTransformer,
        conditions: WindowConditions,
        audio_scale: float,
        emotion_scale: float,
        times: Sequence[float],
        *,
        table_bytes: int = TABLE_BYTES,
    ) -> None:
        weights = branch_weights(audio_scale, emotion_scale)
        rows, preceding = _distinct_rows(conditions, list(weights)), transformer.config.preceding
        self.passes, self.rows = len(weights), len(rows.features)
        self._transformer = transformer
        self._weights = conditions.audio.new_tensor(list(weights.values()), dtype=torch.float32).view(-1, 1, 1, 1)
        self._conditions = linear_product(transformer.c_embedder, rows.features.to(transformer.dtype))
        self._reaches = list(_reaches(transformer, rows.of_token))
        self._head_rows = rows.of_token[..., preceding:].reshape(-1)
        before, self._positions = transformer.pos_embed.split((preceding, transformer.config.window), dim=1)
        self._before = transformer.x_embedder(conditions.preceding_motion.to(transformer.dtype)) + before
        self._times = {t: n for n, t in enumerate(dict.fromkeys(times))}
        self._per_piece = self._even_pieces(table_bytes)
        self._piece = -1
        self._tables: list[Tensor] = []

    def _even_pieces(self, table_bytes: int) -> int:
        """How many times the projections are made for at once."""
        config = self._transformer.config
        per_time = self.rows * config.hidden_size * (6 * config.depth + 2) * self._conditions.element_size()
        at_once = max(1, table_bytes // per_time)
        return math.ceil(len(self._times) / math.ceil(len(self._times) / at_once))

    @torch.no_grad()
    def _project(self, piece: int) -> list[Tensor]:
        """[shift, scale + 1, gate, ...] of every block and of the head, each (times, R, 6H or 2H): one product each."""
        times = list(self._times)[piece * self._per_piece : (piece + 1) * self._per_piece]
        moments = self._transformer.t_embedder(torch.tensor(times, device=self._conditions.device))
        activated = F.silu(self._conditions + moments[:, None])
        tables = []
        for module in (*self._transformer.blocks, self._transformer.decoder):
            table = linear_product(module.adaLN_modulation[1], activated)
            for scale in table.chunk(table.shape[-1] // activated.shape[-1], dim=-1)[1::3]:
                scale += 1
            tables.append(table)
        return tables

    @torch.no_grad()
    def __call__(self, x: Tensor, t: float) -> Tensor:
        """Velocity of the current frames."""
        transformer, head = self._transformer, self._transformer.decoder
        piece, step = divmod(self._times[t], self._per_piece)
        if piece != self._piece:
            self._tables = []  # the old ones go before the new ones come
            self._tables, self._piece = self._project(piece), piece
        h = transformer.x_embedder(x.to(transformer.dtype)) + self._positions
        h = torch.cat([self._before, h], dim=1)[None]  # [1, B, T, H]: one for all passes until the first conditions come in
        for block, reach, table in zip(transformer.blocks, self._reaches, self._tables[:-1], strict=True):
            h = _run_block(cast("Block", block), h, table[step], reach, self.passes)
        shift, scale = _gather(self._tables[-1][step], self._head_rows, (self.passes, *h.shape[1:3]), 2)
        velocity = linear_product(head.linear, torch.addcmul(shift, head.norm(h), scale))
        return (velocity.to(x.dtype) * self._weights).sum(0)


def _gather(table: Tensor, rows: Tensor, shape: tuple[int, ...], parts: int) -> tuple[Tensor, ...]:
    """Rows of a table (R, parts * H), as `parts` tensors (*shape, H)."""
    return table.index_select(0, rows).view(*shape, -1).chunk(parts, dim=-1)


def _run_block(block: Block, h: Tensor, table: Tensor, reach: _Reach, passes: int) -> Tensor:
    """[1 or passes, B, in, H] -> [passes, B, out, H]; the plain form is Block.forward."""
    batch, tokens, hidden = h.shape[1:]
    cut = reach.kept - reach.first
    shift, scale = _gather(table[:, : 2 * hidden], reach.rows_in, (passes, batch, tokens), 2)
    attended = _attend(block.attn, torch.addcmul(shift, block.norm(h), scale).flatten(0, 1), cut, reach.mask)
    gate1, shift, scale, gate2 = _gather(table[:, 2 * hidden :], reach.rows_out, (passes, batch, tokens - cut), 4)
    h = torch.addcmul(h[:, :, cut:], gate1, attended.view_as(gate1))
    wide = linear_product(block.mlp.fc1, torch.addcmul(shift, block.norm(h), scale), gelu=True)
    return torch.addcmul(h, gate2, linear_product(block.mlp.fc2, wide))


def _attend(attention: BandAttention, x: Tensor, cut: int, mask: Tensor) -> Tensor:
    """[N, in, H] -> [N, out, H]: attention of all tokens but the first `cut`."""
    batch, tokens, hidden = x.shape
    shape = (batch, tokens, 3, attention.heads, hidden // attention.heads)
    q, k, v = linear_product(attention.qkv, x).view(shape).permute(2, 0, 3, 1, 4)  # each [N, heads, in, h]
    y = F.scaled_dot_product_attention(q[:, :, cut:], k, v, attn_mask=mask)
    return linear_product(attention.proj, y.transpose(1, 2).reshape(batch, tokens - cut, hidden))
