"""The flow matching transformer (FLOAT, arXiv 2412.01064, section 3.2): the velocity of a window of motion latents, given its conditions.

Attribute names are those of the released checkpoint under `fmt.`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from ..config import TransformerConfig

_MAX_PERIOD = 10000.0


def sinusoid(positions: Tensor, size: int) -> Tensor:
    """[cos(p f), sin(p f)] with f_k = 10000^(-k / (size / 2)): (N,) -> (N, size)."""
    half = size // 2
    k = torch.arange(half, device=positions.device, dtype=positions.dtype)
    angles = positions[:, None] * torch.exp(k * (-math.log(_MAX_PERIOD) / half))
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def _modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return x * (1 + scale) + shift


class TokenEmbedder(nn.Module):
    """Motion latents to tokens: [B, T, D] -> [B, T, H]."""

    def __init__(self, latent_size: int, hidden_size: int) -> None:
        super().__init__()
        self.proj = nn.Linear(latent_size, hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x)


class TimeEmbedder(nn.Module):
    """Flow time in [0, 1], not rescaled, to a vector: [N] -> [N, H]."""

    def __init__(self, frequency_size: int, hidden_size: int) -> None:
        super().__init__()
        self.frequency_size = frequency_size
        self.mlp = nn.Sequential(nn.Linear(frequency_size, hidden_size), nn.SiLU(), nn.Linear(hidden_size, hidden_size))

    def forward(self, t: Tensor) -> Tensor:
        dtype = next(self.mlp.parameters()).dtype
        # The angles in at least float32: half precision cannot tell neighboring times apart.
        features = sinusoid(t.to(torch.promote_types(dtype, torch.float32)), self.frequency_size)
        return self.mlp(features.to(dtype))


class BandAttention(nn.Module):
    """Multi-head self-attention under a boolean mask (True = may attend)."""

    def __init__(self, hidden_size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size)
        self.proj = nn.Linear(hidden_size, hidden_size)

    def forward(self, x: Tensor, may_attend: Tensor) -> Tensor:
        q, k, v = rearrange(self.qkv(x), "b t (three heads h) -> three b heads t h", three=3, heads=self.heads)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=may_attend)
        return self.proj(rearrange(y, "b heads t h -> b t (heads h)"))


class FeedForward(nn.Module):
    """fc2(gelu_tanh(fc1(x)))."""

    def __init__(self, hidden_size: int, ratio: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(hidden_size, ratio * hidden_size)
        self.fc2 = nn.Linear(ratio * hidden_size, hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class Block(nn.Module):
    """Attention and MLP, each shifted, scaled and gated by the condition of each frame (adaLN-zero of DiT, per frame)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        hidden = config.hidden_size
        self.norm = nn.LayerNorm(hidden, eps=1e-6, elementwise_affine=False)
        self.attn = BandAttention(hidden, config.heads)
        self.mlp = FeedForward(hidden, config.mlp_ratio)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden, 6 * hidden))

    def forward(self, x: Tensor, condition: Tensor, may_attend: Tensor) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(condition).chunk(6, dim=-1)
        x = x + gate1 * self.attn(_modulate(self.norm(x), shift1, scale1), may_attend)
        return x + gate2 * self.mlp(_modulate(self.norm(x), shift2, scale2))


class VelocityHead(nn.Module):
    """Tokens back to latents: [B, T, H] -> [B, T, D]."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        hidden = config.hidden_size
        self.norm = nn.LayerNorm(hidden, eps=1e-6, elementwise_affine=False)
        self.linear = nn.Linear(hidden, config.latent_size)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden, 2 * hidden))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        shift, scale = self.adaLN_modulation(condition).chunk(2, dim=-1)
        return self.linear(_modulate(self.norm(x), shift, scale))


class FlowMatchingTransformer(nn.Module):
    """v_t(x_t; conditions) of P preceding and W current frames. All sizes come from the config.

    `constant_keys`: tensors that a weight file may have and that follow from the config, so that they are never loaded.
    """

    constant_keys: tuple[str, ...] = ("alignment_mask",)
    alignment_mask: Tensor

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        hidden = config.hidden_size
        self.pos_embed = nn.Parameter(torch.zeros(1, config.tokens, hidden))
        self.x_embedder = TokenEmbedder(config.latent_size, hidden)
        self.t_embedder = TimeEmbedder(config.frequency_size, hidden)
        self.c_embedder = nn.Linear(config.latent_size + config.audio_size + config.emotion_size, hidden)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.decoder = VelocityHead(config)
        # A real tensor even if the module is built on the meta device: files need not contain it.
        frame = torch.arange(config.tokens, device="cpu")
        outside = (frame[:, None] - frame[None, :]).abs() > config.reach
        self.register_buffer("alignment_mask", outside, persistent=False)  # True = may not attend
        self.initialize()

    def initialize(self) -> None:
        """Weights for the start of training (as in DiT): each block starts as the identity, and the velocity as zero."""
        hidden = self.config.hidden_size
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        for parameter in self.t_embedder.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
        zero = [self.decoder.linear, *(m.adaLN_modulation[1] for m in (self.decoder, *self.blocks))]
        for layer in zero:
            nn.init.zeros_(layer.weight)
        with torch.no_grad():
            positions = torch.arange(self.config.tokens, dtype=torch.float32, device=self.pos_embed.device)
            self.pos_embed.copy_(sinusoid(positions, hidden + hidden % 2)[None, :, :hidden])

    @property
    def dtype(self) -> torch.dtype:
        """What the network computes in."""
        return self.pos_embed.dtype

    def condition(self, t: float | Tensor, audio: Tensor, source_motion: Tensor, emotion: Tensor) -> Tensor:
        """c = c_embedder([w_r, w_a, w_e]) + time, per frame: [B, P+W, H]. `audio` has all P+W frames here."""
        batch, tokens = audio.shape[:2]
        parts = [repeat(source_motion, "b d -> b t d", t=tokens), audio, emotion.expand(batch, tokens, -1)]
        times = torch.as_tensor(t, device=audio.device).reshape(-1)  # one time for all, or one each
        return self.c_embedder(torch.cat(parts, dim=-1)) + self.t_embedder(times)[:, None]

    def forward(
        self,
        x: Tensor,
        t: float | Tensor,
        audio: Tensor,
        source_motion: Tensor,
        emotion: Tensor,
        preceding_motion: Tensor,
        preceding_audio: Tensor,
    ) -> Tensor:
        """x [B, W, D] at time t (scalar or [B]), audio w_a [B, W, D_a], source_motion w_r [B, D], emotion w_e [B, 1 or P+W, 7],
        preceding_motion [B, P, D], preceding_audio [B, P, D_a] -> velocity of all P+W frames [B, P+W, D]."""
        condition = self.condition(t, torch.cat([preceding_audio, audio], dim=1), source_motion, emotion)
        h = self.x_embedder(torch.cat([preceding_motion, x], dim=1)) + self.pos_embed
        may_attend = ~self.alignment_mask
        for block in self.blocks:
            h = block(h, condition, may_attend)
        return self.decoder(h, condition)
