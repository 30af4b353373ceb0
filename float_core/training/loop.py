"""The training loop of both phases: Adam, a running average of the weights, checkpoints, log, samples; on one device or, started by
torchrun, on several.

To the loop, networks are one module with parameters, and a phase is something that gives a loss. All randomness of a step comes from one
CPU generator whose state is part of the checkpoint, so that a run has the same losses whether it was interrupted or not. With several
processes each draws batches of its own and gradients are averaged, so that the batch is that many times as large.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, distributed, nn

from ..atomic_file import write_beside
from ..errors import CheckpointError, FloatError
from ..progress import ProgressCallback

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
SETTINGS = "settings.json"


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
    accumulate: batches whose gradients are averaged in a step.
    loss_limit: the run stops if the loss of a line of the log is so many times the lowest one before it, or higher; 0 = never.
    note: what settings.json should say beside these settings.
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
    accumulate: int = 1
    loss_limit: float = 20.0
    note: str = ""
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


@runtime_checkable
class AdversarialPhase(Phase, Protocol):
    """A phase with opponents, which learn to tell what its networks make from what is real. They have an Adam of their own and take a step
    after each step of the networks."""

    @property
    def opponents(self) -> nn.Module:
        """One module with their parameters."""
        ...

    def opponents_loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """Their loss for the batch of the last `loss`, and its parts."""
        ...


@dataclass(frozen=True)
class Processes:
    """The processes that train together: this one's number `rank`, of `count`."""

    rank: int = 0
    count: int = 1

    @classmethod
    def of_environment(cls) -> Processes:
        """As torchrun tells, which also says how they find each other. Call it before anything is on a GPU: from then on "cuda" is the one
        of this process."""
        processes = cls(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))
        if processes.count > 1 and torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        if processes.count > 1 and not distributed.is_initialized():
            distributed.init_process_group()
        return processes

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Makes each gradient the mean of all processes'."""
        if self.count > 1:
            for parameter in parameters:
                if parameter.grad is not None:
                    distributed.all_reduce(parameter.grad)
                    parameter.grad /= self.count

    def gather(self, value: Any) -> list[Any]:
        """Every process's value."""
        if self.count == 1:
            return [value]
        values = [None] * self.count
        distributed.all_gather_object(values, value)
        return values


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
    opponents: networks that are trained against the first ones, with an optimizer of their own; None = none.
    processes: who trains together.
    events: TensorBoard's writer, once something was written.
    """

    step: int
    networks: nn.Module
    ema: nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    folder: Path
    pending: dict[str, float] = field(default_factory=dict)
    pending_steps: int = 0
    opponents: nn.Module | None = None
    opponents_optimizer: torch.optim.Optimizer | None = None
    processes: Processes = field(default_factory=Processes.of_environment)
    events: Any = None


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
    opponents = phase.opponents if isinstance(phase, AdversarialPhase) else None
    state = start(phase.networks, config, Path(folder), device, opponents)
    last = config.steps if stop_after is None else min(config.steps, state.step + stop_after)
    since = time.perf_counter()
    while state.step < last:
        _train_step(phase, config, state)
        if _due(state.step, config.log_every):
            _write_log(state, config, time.perf_counter() - since)
            since = time.perf_counter()
        if _due(state.step, config.checkpoint_every) or state.step == last:
            save_checkpoint(state)
        if _due(state.step, config.sample_every) and state.processes.rank == 0:
            plot_log(state.folder)
            phase.write_samples(state.ema, state.folder / "samples", state.step)
        if on_progress is not None:
            on_progress("train", state.step, config.steps)
    if state.processes.rank == 0:
        plot_log(state.folder)
    return state


@dataclass(frozen=True)
class Plan:
    """What a run will be.

    steps: in all.
    done: of them, in the checkpoint that is there.
    trained: numbers that are trained.
    checkpoint_bytes: size of a checkpoint.
    seconds_per_step: measured over a few steps on this machine, of which nothing is kept.
    """

    steps: int
    done: int
    trained: int
    checkpoint_bytes: int
    seconds_per_step: float

    @property
    def hours(self) -> float:
        """What is left to do, in hours."""
        return (self.steps - self.done) * self.seconds_per_step / 3600


def plan(phase: Phase, config: LoopConfig, folder: str | Path, device: str | torch.device = "cpu", tries: int = 3) -> Plan:
    """Tries a few steps and says what a run takes. Writes nothing; the networks' weights are as before afterwards."""
    checkpoint = Path(folder) / CHECKPOINT
    done = int(read_checkpoint(folder)["step"]) if checkpoint.exists() else 0
    phase.networks.to(device)
    weights = copy.deepcopy(phase.networks.state_dict())
    trained = [p for p in phase.networks.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.0)
    generator, seconds = torch.Generator().manual_seed(config.seed), []
    for step in range(tries + 1):
        since = time.perf_counter()
        for _ in range(config.accumulate):
            phase.loss(generator, step)[0].backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if isinstance(phase, AdversarialPhase):
            phase.opponents.to(device)
            phase.opponents_loss(generator, step)[0].backward()
            phase.opponents.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - since)
    phase.networks.load_state_dict(weights)
    numbers = sum(p.numel() for p in phase.networks.parameters())
    others = sum(p.numel() for p in phase.opponents.parameters()) if isinstance(phase, AdversarialPhase) else 0
    count = sum(p.numel() for p in trained)
    return Plan(config.steps, done, count, 4 * (2 * numbers + 2 * count + 3 * others), min(seconds[1:]))


def start(
    networks: nn.Module, config: LoopConfig, folder: Path, device: str | torch.device = "cpu", opponents: nn.Module | None = None
) -> TrainState:
    """The state in the folder's checkpoint, or else a new one at step 0."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples").mkdir(exist_ok=True)
    networks.to(device)
    ema = copy.deepcopy(networks).requires_grad_(False).eval()
    state = TrainState(0, networks.train(), ema, _adam(networks, config, (0.9, 0.99)), torch.Generator(), folder)
    state.generator.manual_seed(config.seed + 7919 * state.processes.rank)
    if opponents is not None:
        # without momentum: what they learn to tell changes at every step
        state.opponents, state.opponents_optimizer = opponents.to(device).train(), _adam(opponents.to(device), config, (0.0, 0.99))
    if (folder / CHECKPOINT).exists():
        _restore(state)
    if state.processes.rank == 0:
        _cut_log(folder / LOG, state.step)
        with write_beside(folder / SETTINGS) as unfinished:
            unfinished.write_text(json.dumps(asdict(config), indent=1))
    return state


def _adam(networks: nn.Module, config: LoopConfig, betas: tuple[float, float]) -> torch.optim.Optimizer:
    parameters = [p for p in networks.parameters() if p.requires_grad]
    return torch.optim.Adam(parameters, lr=config.learning_rate, betas=betas, fused=True)


def save_checkpoint(state: TrainState) -> Path:
    """Writes the checkpoint; if writing is interrupted, the one before stays. Of several processes, the first writes, and the others wait:
    who goes on at once must find it."""
    generators = state.processes.gather(state.generator.get_state())
    if state.processes.rank == 0:
        _write_checkpoint(state, generators)
    state.processes.gather(None)  # all of them are here
    return state.folder / CHECKPOINT


def _write_checkpoint(state: TrainState, generators: list[Tensor]) -> None:
    content = {
        "step": state.step,
        "model": state.networks.state_dict(),
        "ema": state.ema.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "generator": generators[0],
        "generators": generators[1:],
        "pending": state.pending,
        "pending_steps": state.pending_steps,
    }
    if state.opponents is not None and state.opponents_optimizer is not None:
        content |= {"opponents": state.opponents.state_dict(), "opponents_optimizer": state.opponents_optimizer.state_dict()}
    with write_beside(state.folder / CHECKPOINT) as unfinished:
        torch.save(content, unfinished)


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
    parts = _update(phase.loss, state.networks, state.optimizer, config, state)
    if isinstance(phase, AdversarialPhase) and state.opponents is not None and state.opponents_optimizer is not None:
        theirs = _update(phase.opponents_loss, state.opponents, state.opponents_optimizer, config, state)
        parts |= {f"opponents_{name}": value for name, value in theirs.items()}
    state.step += 1
    _average(state, config.ema_decay)
    for name, part in parts.items():
        state.pending[name] = state.pending.get(name, 0.0) + part
    state.pending_steps += 1


def _update(
    loss_of: Callable[[torch.Generator, int], tuple[Tensor, dict[str, float]]],
    networks: nn.Module,
    optimizer: torch.optim.Optimizer,
    config: LoopConfig,
    state: TrainState,
) -> dict[str, float]:
    """One step of one optimizer. Returns the loss and its parts, means over the batches."""
    means: dict[str, float] = {}
    optimizer.zero_grad(set_to_none=True)
    for _ in range(config.accumulate):
        loss, parts = loss_of(state.generator, state.step)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise FloatError(
                f"the loss of step {state.step} is {value}. Lower learning_rate; the last checkpoint in {state.folder} is valid."
            )
        (loss / config.accumulate).backward()
        for name, part in {"total": value, **parts}.items():
            means[name] = means.get(name, 0.0) + float(part) / config.accumulate
    parameters = optimizer.param_groups[0]["params"]
    state.processes.average(parameters)
    if config.gradient_clip:
        nn.utils.clip_grad_norm_(parameters, config.gradient_clip)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(config, state.step)
    optimizer.step()
    return means


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
        if state.opponents is not None and state.opponents_optimizer is not None and "opponents" in content:
            state.opponents.load_state_dict(content["opponents"])
            state.opponents_optimizer.load_state_dict(content["opponents_optimizer"])
    except (RuntimeError, ValueError, KeyError) as error:
        path = state.folder / CHECKPOINT
        raise CheckpointError(f"{path} has another architecture ({error}). Give another folder, or remove it.") from error
    generators = [content["generator"], *content.get("generators", [])]
    if state.processes.rank < len(generators):  # more processes than before: the new ones begin as new
        state.generator.set_state(generators[state.processes.rank].cpu())
    state.step = content["step"]
    state.pending, state.pending_steps = dict(content["pending"]), content["pending_steps"]


def _write_log(state: TrainState, config: LoopConfig, seconds: float) -> None:
    losses = {name: value / state.pending_steps for name, value in state.pending.items()}
    rate = learning_rate(config, state.step - 1)
    line = {"step": state.step, "losses": losses, "learning_rate": rate, "seconds": round(seconds / state.pending_steps, 4)}
    state.pending, state.pending_steps = {}, 0
    lowest = min((before["losses"]["total"] for before in read_log(state.folder)), default=math.inf)
    if state.processes.rank == 0:
        with (state.folder / LOG).open("a") as file:
            file.write(json.dumps(line) + "\n")
        _write_tensorboard(state, losses | {"learning_rate": rate})
    if config.loss_limit and lowest > 0 and losses["total"] > config.loss_limit * lowest:
        raise FloatError(
            f"the loss is {losses['total']:.4g} at step {state.step} and was {lowest:.4g} before; expected less than {config.loss_limit:g} "
            f"times that. Lower learning_rate and go on from the last checkpoint in {state.folder}."
        )


def _write_tensorboard(state: TrainState, values: dict[str, float]) -> None:
    """Events for TensorBoard, if its package is installed."""
    if importlib.util.find_spec("tensorboard") is None:
        return
    if state.events is None:
        from torch.utils.tensorboard import SummaryWriter

        state.events = SummaryWriter(str(state.folder / "tensorboard"), purge_step=state.step)
    for name, value in values.items():
        state.events.add_scalar(name, value, state.step)
    state.events.flush()


def _cut_log(path: Path, step: int) -> None:
    if path.exists():  # steps after the checkpoint are done again, and so are their lines
        kept = [line for line in path.read_text().splitlines() if json.loads(line)["step"] <= step]
        with write_beside(path) as unfinished:
            unfinished.write_text("".join(line + "\n" for line in kept))


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
