"""The loop resumes with the same losses as not stopping, and an interrupted write leaves the checkpoint before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from float_core.errors import CheckpointError, FloatError
from float_core.training import loop

ROOT = Path(__file__).resolve().parents[2]


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


class Duel(Regression):
    """The same, with an opponent that learns to tell the network's output from the sine."""

    def __init__(self) -> None:
        super().__init__()
        self.opponents = nn.Linear(2, 1)
        self.last: Tensor | None = None

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        x = torch.rand(8, 1, generator=generator) * 6 - 3
        made = self.networks[2](self.networks[1](self.networks[0](x)))
        self.last = torch.cat([x, made.detach()], 1)
        return -self.opponents(torch.cat([x, made], 1)).mean() + (made - x.sin()).square().mean(), {}

    def opponents_loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        assert self.last is not None
        real = torch.cat([self.last[:, :1], self.last[:, :1].sin()], 1)
        return (self.opponents(self.last) - self.opponents(real)).mean() + self.opponents(real).square().mean(), {"told": 1.0}


def test_opponents_are_trained_and_resumed(tmp_path: Path) -> None:
    whole, phase = loop.run(Duel(), config(loss_limit=0.0), tmp_path / "whole"), Duel()
    before = phase.opponents.weight.clone()
    for _ in range(3):
        loop.run(phase if _ == 0 else Duel(), config(loss_limit=0.0), tmp_path / "parts", stop_after=10)
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert {"total", "opponents_total", "opponents_told"} == set(losses(tmp_path / "whole")[0][1])
    assert whole.opponents is not None and not torch.equal(whole.opponents.weight, before)


def test_accumulated_batches_are_one_larger_batch(tmp_path: Path) -> None:
    class Doubled(Regression):
        def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
            one, two = super().loss(generator, step)[0], super().loss(generator, step)[0]
            return (one + two) / 2, {"square": float((one + two).detach()) / 2}

    loop.run(Regression(), config(accumulate=2), tmp_path / "accumulated")
    loop.run(Doubled(), config(), tmp_path / "doubled")
    for (step, one), (same, two) in zip(losses(tmp_path / "accumulated"), losses(tmp_path / "doubled"), strict=True):
        assert step == same and one["total"] == pytest.approx(two["total"], rel=1e-3)


def test_a_run_that_goes_astray_stops_with_the_reason(tmp_path: Path) -> None:
    class Astray(Regression):
        def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
            loss, parts = super().loss(generator, step)
            return loss * (1.0 if step < 12 else 1000.0), parts

    with pytest.raises(FloatError, match=r"at step 16 and was .* before; expected less than 20 times that"):
        loop.run(Astray(), config(), tmp_path)
    assert loop.read_checkpoint(tmp_path)["step"] == 10


def test_a_plan_measures_and_changes_nothing(tmp_path: Path) -> None:
    phase = Duel()
    before = {name: value.clone() for name, value in phase.networks.state_dict().items()}
    planned = loop.plan(phase, config(steps=5000), tmp_path)
    assert (planned.steps, planned.done, planned.trained) == (5000, 0, 16 * 3 + 1)
    assert planned.seconds_per_step > 0 and planned.hours == pytest.approx(5000 * planned.seconds_per_step / 3600)
    assert all(torch.equal(value, before[name]) for name, value in phase.networks.state_dict().items())
    assert not list(tmp_path.iterdir())
    path = loop.save_checkpoint(loop.run(Duel(), config(steps=4, loss_limit=0.0), tmp_path))
    again = loop.plan(Duel(), config(steps=10), tmp_path)
    assert again.done == 4 and again.checkpoint_bytes == pytest.approx(path.stat().st_size, abs=20_000)


def test_what_a_run_was_stands_beside_it(tmp_path: Path) -> None:
    loop.run(Regression(), config(steps=1, note="bfloat16"), tmp_path)
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["note"] == "bfloat16" and settings["learning_rate"] == 1e-2


def test_events_for_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, int]] = []

    class Writer:
        def __init__(self, folder: str, purge_step: int) -> None:
            assert folder == str(tmp_path / "tensorboard") and purge_step == 4

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, step))

        def flush(self) -> None:
            """Nothing is kept back."""

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    found = loop.importlib.util.find_spec
    monkeypatch.setattr(loop.importlib.util, "find_spec", lambda name: True if name == "tensorboard" else found(name))
    loop.run(Regression(), config(steps=8), tmp_path)
    assert written == [(name, step) for step in (4, 8) for name in ("total", "square", "learning_rate")]


TWO = """
import sys
from pathlib import Path
from tests.training.test_loop import Regression, config, loop
folder = Path(sys.argv[1])
whole = loop.run(Regression(), config(), folder / "whole")
for steps in (7, 30):
    parts = loop.run(Regression(), config(), folder / "parts", stop_after=steps)
for state in (whole, parts):
    print(state.processes.rank, state.step, float(state.networks[0].weight.detach().sum()))
"""


def test_two_processes_train_one_network_and_resume(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(TWO)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", str(script), str(tmp_path)]
    environment = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    results = [line.split() for line in done.stdout.splitlines()]
    assert sorted(rank for rank, *_ in results) == ["0", "0", "1", "1"]
    assert {step for _, step, _ in results} == {"30"}
    (together,) = {float(weight) for *_, weight in results}  # gradients are averaged, so weights stay equal; resumed or not
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    alone = loop.run(Regression(), config(), tmp_path / "alone")
    assert float(alone.networks[0].weight.detach().sum()) != together  # the second process drew batches of its own
