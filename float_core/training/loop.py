"""The training loop of both phases: Adam, a running average of the weights, checkpoints, log, samples.

To the loop, networks are one module with parameters, and a phase is something that gives a loss. All randomness of a step comes from one
CPU generator whose state is part of the checkpoint, so that a run has the same losses whether it was interrupted or not.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from ..atomic_file import write_beside
from ..errors import CheckpointError, FloatError
from ..progress import ProgressCallback

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"


@dataclass(frozen=True)
class LoopConfig:
    """Settings of a training run.

    steps: how many steps.
    learning_rate: highest learning rate of Adam.
    ema_decay: 0..1, decay of the running average of the weights.
    warmup: steps in which the learning rate rises linearly.
    checkpoint_every: steps between checkpoints; 0 = only at the end.
    log_every: steps between lines of the log; 0 = never.
    sample_every: steps between samples; 0 = never.
    seed: decides all randomness.
    gradient_clip: largest norm of the gradient; 0 = no limit.
    schedule: the learning rate after the warmup: "cosine" (falls to a twentieth) or "constant".
    """

    steps: int
    learning_rate: float = 1e-3
    ema_decay: float = 0.999
    warmup: int = 100
    checkpoint_every: int = 500
    log_every: int = 50
    sample_every: int = 1000
    seed: int = 0
    gradient_clip: float = 1.0
    schedule: Literal["cosine", "constant"] = "cosine"


class Phase(Protocol):
    """What the loop needs to train something."""

    @property
    def networks(self) -> nn.Module:
        """One module; its parameters with requires_grad are trained, the others are only kept."""
        ...

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of one batch, and its parts by name for the log. All random numbers come from `generator`."""
        ...

    def write_samples(self, networks_ema: nn.Module, folder: Path, step: int) -> None:
        """Writes samples made with the averaged weights (images, measures) into `folder`."""
        ...


@dataclass
class TrainState:
    """The state of a run.

    step: steps that are done.
    networks: what is trained.
    ema: a copy of the networks with averaged weights.
    optimizer: Adam and its moments.
    generator: source of all randomness, on the CPU.
    folder: where checkpoint, log and samples are.
    pending: sums of the losses since the last line of the log, by name.
    pending_steps: steps since that line.
    """

    step: int
    networks: nn.Module
    ema: nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    folder: Path
    pending: dict[str, float] = field(default_factory=dict)
    pending_steps: int = 0


def run(
    phase: Phase,
    config: LoopConfig,
    folder: str | Path,
    *,
    device: str | torch.device = "cpu",
    on_progress: ProgressCallback | None = None,
    stop_after: int | None = None,
) -> TrainState:
    """Trains up to `config.steps` steps, from the checkpoint in the folder if there is one. `stop_after`: at most this many steps now."""
    state = start(phase.networks, config, Path(folder), device)
    last = config.steps if stop_after is None else min(config.steps, state.step + stop_after)
    since = time.perf_counter()
    while state.step < last:
        _train_step(phase, config, state)
        if _due(state.step, config.log_every):
            _write_log(state, config, time.perf_counter() - since)
            since = time.perf_counter()
        if _due(state.step, config.checkpoint_every) or state.step == last:
            save_checkpoint(state)
        if _due(state.step, config.sample_every):
            plot_log(state.folder)
            phase.write_samples(state.ema, state.folder / "samples", state.step)
        if on_progress is not None:
            on_progress("train", state.step, config.steps)
    plot_log(state.folder)
    return state


def start(networks: nn.Module, config: LoopConfig, folder: Path, device: str | torch.device = "cpu") -> TrainState:
    """The state in the folder's checkpoint, or else a new one at step 0."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples").mkdir(exist_ok=True)
    networks.to(device)
    ema = copy.deepcopy(networks).requires_grad_(False).eval()
    parameters = [p for p in networks.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
    generator = torch.Generator().manual_seed(config.seed)
    state = TrainState(0, networks.train(), ema, optimizer, generator, folder)
    if (folder / CHECKPOINT).exists():
        _restore(state)
    _cut_log(folder / LOG, state.step)
    return state


def save_checkpoint(state: TrainState) -> Path:
    """Writes the checkpoint; if writing is interrupted, the one before stays."""
    content = {
        "step": state.step,
        "model": state.networks.state_dict(),
        "ema": state.ema.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "generator": state.generator.get_state(),
        "pending": state.pending,
        "pending_steps": state.pending_steps,
    }
    path = state.folder / CHECKPOINT
    with write_beside(path) as unfinished:
        torch.save(content, unfinished)
    return path


def read_checkpoint(folder: str | Path, device: str | torch.device = "cpu") -> dict[str, Any]:
    """The content of the checkpoint in a folder: step, model, ema, optimizer, generator."""
    path = Path(folder) / CHECKPOINT
    if not path.exists():
        raise CheckpointError(f"{path} does not exist. Train first, or give the folder of a run.")
    return torch.load(path, map_location=device, weights_only=True)


def plot_log(folder: Path) -> Path | None:
    """Draws the log as loss.png. None if matplotlib is not installed or there is nothing to draw."""
    lines = read_log(folder)
    if not lines or importlib.util.find_spec("matplotlib") is None:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(1, 1, 1)
    for name in sorted(set().union(*(line["losses"] for line in lines))):
        points = [(line["step"], line["losses"][name]) for line in lines if line["losses"].get(name, 0) > 0]
        if points:
            axes.plot(*zip(*points, strict=True), label=name, linewidth=1)
    axes.set(xlabel="step", yscale="log")
    axes.legend(fontsize=7)
    axes.grid(alpha=0.3)
    with write_beside(folder / "loss.png") as unfinished:
        figure.savefig(unfinished, dpi=100, format="png")
    return folder / "loss.png"


def read_log(folder: str | Path) -> list[dict[str, Any]]:
    """The lines of the log in a folder: step, losses by name (means since the line before), learning_rate, seconds per step."""
    path = Path(folder) / LOG
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def learning_rate(config: LoopConfig, step: int) -> float:
    """The learning rate of a step: a linear rise, then constant or a cosine that falls to a twentieth."""
    rise = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    if config.schedule == "constant":
        return config.learning_rate * rise
    done = min(1.0, step / max(config.steps, 1))
    return config.learning_rate * rise * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))


def _train_step(phase: Phase, config: LoopConfig, state: TrainState) -> None:
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(config, state.step)
    loss, parts = phase.loss(state.generator, state.step)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    value = float(loss.detach())
    if not math.isfinite(value):
        raise FloatError(f"the loss of step {state.step} is {value}. Lower learning_rate; the last checkpoint in {state.folder} is valid.")
    if config.gradient_clip:
        nn.utils.clip_grad_norm_(state.optimizer.param_groups[0]["params"], config.gradient_clip)
    state.optimizer.step()
    state.step += 1
    _average(state, config.ema_decay)
    for name, part in {"total": value, **parts}.items():
        state.pending[name] = state.pending.get(name, 0.0) + float(part)
    state.pending_steps += 1


@torch.no_grad()
def _average(state: TrainState, decay: float) -> None:
    decay = min(decay, (1 + state.step) / (10 + state.step))  # otherwise the first weights stay for about 1 / (1 - decay) steps
    pairs = [(a, b) for a, b in zip(state.ema.parameters(), state.networks.parameters(), strict=True) if b.requires_grad]
    if pairs:
        averaged, current = zip(*pairs, strict=True)
        torch._foreach_lerp_(averaged, current, 1 - decay)
    for kept, buffer in zip(state.ema.buffers(), state.networks.buffers(), strict=True):
        kept.copy_(buffer)


def _restore(state: TrainState) -> None:
    content = read_checkpoint(state.folder, next(state.networks.parameters()).device)
    try:
        state.networks.load_state_dict(content["model"])
        state.ema.load_state_dict(content["ema"])
        state.optimizer.load_state_dict(content["optimizer"])
    except (RuntimeError, ValueError, KeyError) as error:
        path = state.folder / CHECKPOINT
        raise CheckpointError(f"{path} has another architecture ({error}). Give another folder, or remove it.") from error
    state.generator.set_state(content["generator"].cpu())
    state.step = content["step"]
    state.pending, state.pending_steps = dict(content["pending"]), content["pending_steps"]


def _write_log(state: TrainState, config: LoopConfig, seconds: float) -> None:
    losses = {name: value / state.pending_steps for name, value in state.pending.items()}
    line = {
        "step": state.step,
        "losses": losses,
        "learning_rate": learning_rate(config, state.step - 1),
        "seconds": round(seconds / state.pending_steps, 4),
    }
    with (state.folder / LOG).open("a") as file:
        file.write(json.dumps(line) + "\n")
    state.pending, state.pending_steps = {}, 0


def _cut_log(path: Path, step: int) -> None:
    if path.exists():  # steps after the checkpoint are done again, and so are their lines
        kept = [line for line in path.read_text().splitlines() if json.loads(line)["step"] <= step]
        with write_beside(path) as unfinished:
            unfinished.write_text("".join(line + "\n" for line in kept))


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
