"""Incremental classifier-free guidance (FLOAT, arXiv 2412.01064, section 3.2, equation 14): audio and emotion, each with its
own scale.

    v = v(0, 0) + a (v(w_a, 0) - v(0, 0)) + e (v(w_a, w_e) - v(w_a, 0))

The velocity has two implementations: `GuidedVelocity` is the plain reference, `PreparedVelocity` the fast one. A 0 means that w_a of the
current frames, or w_e of all frames, is zeros; the preceding frames and w_r stay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Literal, cast

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor

from ..types import SamplingOptions
from .transformer import BandAttention, Block, FlowMatchingTransformer

Implementation = Literal["fast", "reference"]
Branch = tuple[bool, bool]  # of a pass: whether w_a is kept, whether w_e is kept
_BRANCHES: tuple[Branch, ...] = ((False, False), (True, False), (True, True))
TABLE_BYTES = 256 * 2**20  # of projections that are held at a time; those of more times are made in pieces


@dataclass(frozen=True, eq=False)
class WindowConditions:
    """The conditions of one window.

    audio: w_a, (B, W, D_a).
    source_motion: w_r, (B, D).
    emotion: w_e, (B, 1 or P+W, 7).
    preceding_motion: (B, P, D).
    preceding_audio: (B, P, D_a).
    """

    audio: Tensor
    source_motion: Tensor
    emotion: Tensor
    preceding_motion: Tensor
    preceding_audio: Tensor


def guided_velocity(
    transformer: FlowMatchingTransformer,
    conditions: WindowConditions,
    options: SamplingOptions,
    times: Iterable[float],
    impl: Implementation = "fast",
    on_evaluation: Callable[[], None] | None = None,
) -> Callable[[Tensor, float], Tensor]:
    """`velocity(x, t)` for t in `times`, with the scales of the options. "reference" and "fast" are equal except for rounding."""
    at_scales: dict[tuple[float, float], list[float]] = {}
    for t in times:
        at_scales.setdefault(scales_at(options, t), []).append(t)
    velocities = {
        scales: GuidedVelocity(transformer, conditions, *scales)
        if impl == "reference"
        else PreparedVelocity(transformer, conditions, *scales, these, table_bytes=TABLE_BYTES // len(at_scales))
        for scales, these in at_scales.items()
    }

    def velocity(x: Tensor, t: float) -> Tensor:
        v = velocities[scales_at(options, t)](x, t)
        if on_evaluation is not None:
            on_evaluation()
        return v

    return velocity


def scales_at(options: SamplingOptions, t: float) -> tuple[float, float]:
    """Audio and emotion scale at time t: those of the options inside the guidance interval (including its ends), 1 outside."""
    start, end = options.guidance_interval
    return (options.audio_guidance, options.emotion_guidance) if start <= t <= end else (1.0, 1.0)


def branch_weights(audio_scale: float, emotion_scale: float) -> dict[Branch, float]:
    """The weight of each pass that is needed: v = (1-a) v(0,0) + (a-e) v(w_a,0) + e v(w_a,w_e).

    Passes with weight 0 are left out: one pass is needed for a = e = 1, two for a = e, for a = 1 and for e = 0."""
    weights = (1.0 - audio_scale, audio_scale - emotion_scale, emotion_scale)
    return {branch: weight for branch, weight in zip(_BRANCHES, weights, strict=True) if weight != 0.0}


def _kept(condition: Tensor, keep: bool) -> Tensor:
    return condition if keep else torch.zeros_like(condition)


class GuidedVelocity:
    """`velocity(x, t)` of a window, the plain implementation: all passes through the transformer as one batch. `passes`: how many."""

    def __init__(
        self, transformer: FlowMatchingTransformer, conditions: WindowConditions, audio_scale: float, emotion_scale: float
    ) -> None:
        weights, c = branch_weights(audio_scale, emotion_scale), conditions
        self.passes = len(weights)
        self._transformer = transformer
        self._weights = c.audio.new_tensor(list(weights.values()), dtype=torch.float32).view(-1, 1, 1, 1)
        of_pass = [astuple(replace(c, audio=_kept(c.audio, audio), emotion=_kept(c.emotion, emotion))) for audio, emotion in weights]
        self._conditions = [torch.cat(parts).to(transformer.dtype) for parts in zip(*of_pass, strict=True)]

    def all_frames(self, x: Tensor, t: float) -> Tensor:
        """Velocity of the P preceding and W current frames: (B, W, D) -> (B, P+W, D), in the precision of `x`."""
        copies = repeat(x.to(self._transformer.dtype), "b w d -> (passes b) w d", passes=self.passes)
        velocity = self._transformer(copies, t, *self._conditions).to(x.dtype)
        return (rearrange(velocity, "(passes b) t d -> passes b t d", passes=self.passes) * self._weights).sum(0)

    def __call__(self, x: Tensor, t: float) -> Tensor:
        """Velocity of the current frames: (B, W, D) -> (B, W, D)."""
        return self.all_frames(x, t)[:, self._transformer.config.preceding :]


class PreparedVelocity:
    """`velocity(x, t)` of a window for t in `times` (any other t is a KeyError), the fast implementation: everything that does not depend
    on x is computed in advance. The adaLN projections, a third of the weights, are one product per block for all times and passes.

    `rows`: how many distinct conditions there are. `table_bytes`: limit of the memory for projections; those of one time are always held.
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
        weights, preceding = branch_weights(audio_scale, emotion_scale), transformer.config.preceding
        rows, of_token = _distinct_rows(conditions, list(weights))
        self.passes, self.rows = len(weights), len(rows)
        self._transformer = transformer
        self._weights = conditions.audio.new_tensor(list(weights.values()), dtype=torch.float32).view(-1, 1, 1, 1)
        self._conditions = transformer.c_embedder(rows.to(transformer.dtype))
        self._reaches = list(_reaches(transformer, of_token))
        self._head_rows = of_token[..., preceding:].flatten()
        before, self._positions = transformer.pos_embed.split((preceding, transformer.config.window), dim=1)
        self._before = transformer.x_embedder(conditions.preceding_motion.to(transformer.dtype)) + before
        self._times = {t: n for n, t in enumerate(dict.fromkeys(times))}
        self._per_piece = self._even_pieces(table_bytes)
        self._piece, self._tables = -1, list[Tensor]()

    def _even_pieces(self, table_bytes: int) -> int:
        """For how many times the projections are computed at once."""
        config = self._transformer.config
        per_time = self.rows * config.hidden_size * (6 * config.depth + 2) * self._conditions.element_size()
        at_once = max(1, table_bytes // per_time)
        return math.ceil(len(self._times) / math.ceil(len(self._times) / at_once))

    def _project(self, piece: int) -> list[Tensor]:
        """[shift, scale + 1, gate, ...] of every block and of the head, each (times, R, 6H or 2H): one product each."""
        times = list(self._times)[piece * self._per_piece : (piece + 1) * self._per_piece]
        moments = self._transformer.t_embedder(torch.tensor(times, device=self._conditions.device))
        activated = F.silu(self._conditions + moments[:, None])
        tables = []
        for module in (*self._transformer.blocks, self._transformer.decoder):
            table = module.adaLN_modulation[1](activated)
            for scale in table.chunk(table.shape[-1] // activated.shape[-1], dim=-1)[1::3]:
                scale += 1
            tables.append(table)
        return tables

    @torch.no_grad()
    def __call__(self, x: Tensor, t: float) -> Tensor:
        """Velocity of the current frames: (B, W, D) -> (B, W, D)."""
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
        velocity = head.linear(torch.addcmul(shift, head.norm(h), scale))
        return (velocity.to(x.dtype) * self._weights).sum(0)


def _distinct_rows(c: WindowConditions, branches: Sequence[Branch]) -> tuple[Tensor, Tensor]:
    """The distinct conditions of all frames of all passes, (R, D + D_a + 7), and which of them each frame has, (passes, B, P+W).

    Passes with the same emotion share the preceding frames; without audio and emotion all current frames have the same condition."""
    (batch, window), preceding = c.audio.shape[:2], c.preceding_audio.shape[1]
    emotion_before, emotion = c.emotion.expand(-1, preceding + window, -1).split((preceding, window), dim=1)
    parts: dict[tuple[bool | None, bool], Tensor] = {}  # of the preceding frames (None) and the current ones, each [B, frames, D + Da + 7]
    for has_audio, has_emotion in branches:
        of_frames = {
            (None, has_emotion): (c.preceding_audio, _kept(emotion_before, has_emotion)),
            (has_audio, has_emotion): (_kept(c.audio, has_audio), _kept(emotion, has_emotion)),
        }
        for key, (audio, feeling) in of_frames.items():
            frames = 1 if key == (False, False) else audio.shape[1]
            source = repeat(c.source_motion, "b d -> b frames d", frames=frames)
            parts.setdefault(key, torch.cat([source, audio[:, :frames], feeling[:, :frames]], dim=-1))
    rows = torch.cat([rearrange(part, "b frames c -> (b frames) c") for part in parts.values()])
    numbers = torch.arange(len(rows), device=rows.device).split([batch * part.shape[1] for part in parts.values()])
    of_part = {key: rearrange(n, "(b frames) -> b frames", b=batch) for key, n in zip(parts, numbers, strict=True)}
    of_token = [torch.cat([of_part[None, branch[1]], of_part[branch].expand(-1, window)], dim=1) for branch in branches]
    return rows, torch.stack(of_token)


@dataclass(frozen=True, eq=False)
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
        yield _Reach(first, kept, mask[kept:, first:].contiguous(), of_token[..., first:].flatten(), of_token[..., kept:].flatten())
        first = kept


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
    return torch.addcmul(h, gate2, block.mlp(torch.addcmul(shift, block.norm(h), scale)))


def _attend(attention: BandAttention, x: Tensor, cut: int, mask: Tensor) -> Tensor:
    """[N, in, H] -> [N, out, H]: attention of all tokens but the first `cut`."""
    batch, tokens, hidden = x.shape
    shape = (batch, tokens, 3, attention.heads, hidden // attention.heads)
    q, k, v = attention.qkv(x).view(shape).permute(2, 0, 3, 1, 4)  # each [N, heads, in, h]
    y = F.scaled_dot_product_attention(q[:, :, cut:], k, v, attn_mask=mask)
    return attention.proj(y.transpose(1, 2).reshape(batch, tokens - cut, hidden))
