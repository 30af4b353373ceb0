"""The loop resumes with the same losses as not stopping, and an interrupted write leaves the checkpoint before."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from float_core.errors import CheckpointError, FloatError
from float_core.training import loop


class Regression:
    """A small network fitted to a sine; every batch is drawn from the loop's generator."""

    def __init__(self, width: int = 16) -> None:
        torch.manual_seed(0)
        self.networks = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, 1))
        self.networks.register_parameter("frozen", nn.Parameter(torch.ones(2), requires_grad=False))
        self.sampled: list[int] = []

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        x = torch.rand(32, 1, generator=generator) * 6 - 3
        loss = (self.networks[2](self.networks[1](self.networks[0](x))) - x.sin()).square().mean()
        return loss, {"square": float(loss.detach())}

    def write_samples(self, networks_ema: nn.Module, folder: Path, step: int) -> None:
        assert not any(p.requires_grad for p in networks_ema.parameters())
        self.sampled.append(step)


def config(**changes: object) -> loop.LoopConfig:
    settings: dict = {"steps": 30, "learning_rate": 1e-2, "warmup": 3, "checkpoint_every": 10, "log_every": 4, "sample_every": 10}
    return loop.LoopConfig(**(settings | changes))


def losses(folder: Path) -> list[tuple[int, dict[str, float]]]:
    return [(line["step"], line["losses"]) for line in loop.read_log(folder)]


def test_resuming_equals_not_stopping(tmp_path: Path) -> None:
    whole = loop.run(Regression(), config(), tmp_path / "whole")
    for _ in range(5):
        parts = loop.run(Regression(), config(), tmp_path / "parts", stop_after=7)
    assert parts.step == whole.step == 30
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    for name, value in whole.ema.state_dict().items():
        assert torch.equal(value, parts.ema.state_dict()[name])


def test_a_crash_goes_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    def crash(stage: str, done: int, total: int) -> None:
        if done == 17:
            raise KeyboardInterrupt

    loop.run(Regression(), config(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        loop.run(Regression(), config(), tmp_path / "crashed", on_progress=crash)
    assert loop.read_checkpoint(tmp_path / "crashed")["step"] == 10
    loop.run(Regression(), config(), tmp_path / "crashed")
    assert losses(tmp_path / "crashed") == losses(tmp_path / "whole")


def test_training_lowers_the_loss_and_writes_what_it_says(tmp_path: Path) -> None:
    phase, seen = Regression(), []
    state = loop.run(phase, config(steps=200, sample_every=100), tmp_path, on_progress=lambda *a: seen.append(a))
    log = losses(tmp_path)
    assert log[-1][1]["total"] < 0.2 * log[0][1]["total"]
    assert phase.sampled == [100, 200]
    assert seen[-1] == ("train", 200, 200)
    assert not list(tmp_path.glob("*.part"))
    assert torch.equal(state.networks.get_parameter("frozen"), torch.ones(2))


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    loop.run(Regression(), config(steps=2), tmp_path)
    with pytest.raises(CheckpointError, match="another architecture"):
        loop.run(Regression(width=8), config(steps=4), tmp_path)
    with pytest.raises(CheckpointError, match="Train first"):
        loop.read_checkpoint(tmp_path / "nothing")
    broken = Regression()
    with torch.no_grad():
        broken.networks[0].weight.fill_(float("nan"))
    with pytest.raises(FloatError, match="loss of step 0 is nan"):
        loop.run(broken, config(), tmp_path / "broken")


def test_learning_rate_rises_and_falls() -> None:
    cosine = config(steps=100, warmup=10)
    rates = [loop.learning_rate(cosine, step) for step in range(100)]
    assert rates[0] == pytest.approx(1e-3, rel=0.01)
    assert max(rates) == pytest.approx(1e-2, rel=0.05)
    assert rates[-1] == pytest.approx(0.05e-2, rel=0.05)
    assert loop.learning_rate(config(schedule="constant", warmup=0), 29) == 1e-2
