"""Trains the landmark network on samples of faces whose points are known.

landmarks = train_landmarks(LandmarkTraining.read("landmarks.json"), samples_folder, run_folder)
save_landmarks(landmarks, "landmarks.safetensors")
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..atomic_file import write_beside
from ..errors import OptionError
from ..face.landmark_network import CROP, LandmarkConfig, LandmarkNetwork, Patches, Reading
from ..face.landmark_points import LEFT_EYE, LEFT_LIDS, LIP_INNER_LOWER, LIP_INNER_UPPER, MOUTH, POINTS, RIGHT_EYE, RIGHT_LIDS, places
from ..face.landmarks import CONFIG_KEY
from ..pixels import to_rows
from ..progress import ProgressCallback
from .contact_sheet import write_sheet
from .landmark_augmentation import Batch, draw_batch
from .landmark_samples import KINDS, Samples, read_samples
from .loop import LoopConfig, run
from .read_config import from_data, read_object

_EYE_CORNERS = places((LEFT_LIDS[0][0], RIGHT_LIDS[0][-1]))
_FINE = places((*LEFT_EYE, *RIGHT_EYE, *MOUTH))
_UPPER = places((*LEFT_LIDS[0], *RIGHT_LIDS[0], *LIP_INNER_UPPER))
_LOWER = places((*LEFT_LIDS[1], *RIGHT_LIDS[1], *LIP_INNER_LOWER))
_HIDDEN_WEIGHT = 0.25  # of a point that is covered: its place can only be guessed


@dataclass(frozen=True)
class LandmarkLosses:
    """Weights. points, fine: of the coarse and the fine look, in distances of the outer eye corners; gaps: between upper and lower lids and
    lips; openings: lips and lids; pose; visible; face."""

    points: float = 1.0
    fine: float = 2.0
    gaps: float = 3.0
    openings: float = 3.0
    pose: float = 0.3
    visible: float = 0.05
    face: float = 0.1


@dataclass(frozen=True)
class LandmarkTraining:
    """batch: crops a step; shares: of the kinds of samples, as in KINDS, those that are there; jitter: how far the patches of the fine look
    are moved, turned and scaled from where they belong; precision: "auto" = what this machine computes faster; settle: batches that the
    normalization of the averaged network is measured with at the end."""

    loop: LoopConfig
    network: LandmarkConfig = field(default_factory=LandmarkConfig)
    losses: LandmarkLosses = field(default_factory=LandmarkLosses)
    batch: int = 64
    shares: tuple[float, ...] = (0.38, 0.22, 0.25, 0.05, 0.1)
    jitter: float = 0.07
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    settle: int = 30

    def __post_init__(self) -> None:
        if len(self.shares) != len(KINDS) or self.batch < 2 or min(self.shares) < 0:
            raise OptionError(
                f"batch is {self.batch}, shares {self.shares}; expected at least 2, and a share for each of {', '.join(KINDS)}"
            )

    @classmethod
    def read(cls, path: str | Path) -> LandmarkTraining:
        """From a JSON file. Raises OptionError for anything that does not fit."""
        return from_data(cls, read_object(path), str(path))


@dataclass
class LandmarkPhase:
    """What the loop trains: `networks` on `samples`, in `precision`."""

    networks: LandmarkNetwork
    config: LandmarkTraining
    samples: Samples
    precision: torch.dtype
    device: torch.device
    _places: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        self._places = [np.flatnonzero(self.samples.kind == kind) for kind in range(len(KINDS))]

    def loss(self, generator: torch.Generator, step: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of one batch, and its parts."""
        batch = to_device(draw_batch(self.samples, self._choose(generator), generator), self.device)
        patches = _moved(Patches.around(batch.points.nan_to_num(0.5)), self.config.jitter, generator)
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            reading = self.networks(batch.images, patches)
        parts = landmark_losses(reading, batch)
        total = sum((getattr(self.config.losses, name) * part for name, part in parts.items()), torch.zeros((), device=self.device))
        return total, {name: float(part.detach()) for name, part in parts.items()}

    def _choose(self, generator: torch.Generator) -> np.ndarray:
        shares = torch.tensor([share if len(some) else 0.0 for share, some in zip(self.config.shares, self._places, strict=True)])
        kinds = torch.multinomial(shares, self.config.batch, replacement=True, generator=generator).tolist()
        draws = torch.rand(self.config.batch, generator=generator, dtype=torch.float64).tolist()
        return np.array([self._places[kind][int(draw * len(self._places[kind]))] for kind, draw in zip(kinds, draws, strict=True)])

    def write_samples(self, networks_ema: nn.Module, folder: Path, step: int) -> None:
        """A sheet of crops as they are trained on, with the points that the network finds."""
        generator = torch.Generator().manual_seed(step)
        batch = draw_batch(self.samples, self._choose(generator)[:32], generator)
        with torch.inference_mode():
            found = networks_ema(batch.images.to(self.device))
        tiles = [with_points(image, points) for image, points in zip(batch.images, found.points.cpu(), strict=True)]
        tiles += [-torch.ones_like(tiles[0])] * (-len(tiles) % 8)
        write_sheet(folder / f"step_{step:06d}.jpg", list(torch.stack(tiles).split(8)))


def landmark_losses(reading: Reading, batch: Batch) -> dict[str, Tensor]:
    """The parts of the loss, each a mean over what is known; 0 where nothing is."""
    known = ~batch.points[:, 0, 0].isnan()
    truth = batch.points.nan_to_num(0.0)
    eyes = (truth[:, _EYE_CORNERS[1]] - truth[:, _EYE_CORNERS[0]]).norm(dim=-1).clamp_min(0.2)
    weight = (_HIDDEN_WEIGHT + (1 - _HIDDEN_WEIGHT) * batch.visible) * (known / eyes)[:, None]

    def distance(points: Tensor, which: list[int]) -> Tensor:
        error = (points[:, which] - truth[:, which]).abs().sum(-1) * weight[:, which]
        return error.sum() / (known.sum().clamp_min(1) * len(which))

    upper, lower = list(_UPPER), list(_LOWER)
    gaps = (reading.points[:, lower] - reading.points[:, upper]) - (truth[:, lower] - truth[:, upper])
    gap_loss = (gaps.abs().sum(-1) * weight[:, upper]).sum() / (known.sum().clamp_min(1) * len(upper))
    return {
        "points": distance(reading.coarse, list(range(len(POINTS)))),
        "fine": distance(reading.points, list(_FINE)),
        "gaps": gap_loss,
        "openings": _mean_of_known(reading.openings, batch.openings, batch.visible[:, list(_FINE)].mean(1) > 0.6),
        "pose": _mean_of_known(reading.pose, batch.pose, torch.ones_like(known)),
        "visible": F.binary_cross_entropy_with_logits(
            reading.visible, batch.visible, weight=known[:, None].float().expand_as(batch.visible)
        ),
        "face": F.binary_cross_entropy_with_logits(reading.face, batch.face),
    }


def train_landmarks(
    config: LandmarkTraining,
    samples: str | Path,
    folder: str | Path,
    *,
    device: str = "cpu",
    on_progress: ProgressCallback | None = None,
    stop_after: int | None = None,
) -> LandmarkNetwork:
    """Trains on a folder of samples, from the checkpoint in `folder` if there is one. Returns the averaged network."""
    torch.manual_seed(config.loop.seed)
    network = LandmarkNetwork(config.network)
    data = read_samples(samples)
    network.mean_face.copy_(_mean_face(data))
    place = torch.device(device)
    phase = LandmarkPhase(network, config, data, choose_precision(config, place), place)
    state = run(phase, config.loop, folder, device=device, on_progress=on_progress, stop_after=stop_after)
    assert isinstance(state.ema, LandmarkNetwork)
    return settle_statistics(state.ema, phase)


def save_landmarks(network: LandmarkNetwork, path: str | Path, license: str) -> Path:
    """Writes the network in float16."""
    from safetensors.torch import save_file

    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous().cpu() for name, value in network.state_dict().items()
    }
    metadata = {"format": "pt", CONFIG_KEY: json.dumps(asdict(network.config)), "license": license}
    with write_beside(path) as unfinished:
        save_file(state, str(unfinished), metadata=metadata)
    return Path(path)


@torch.no_grad()
def settle_statistics(network: LandmarkNetwork, phase: LandmarkPhase) -> LandmarkNetwork:
    """Measures the normalization layers' means anew: the averaged weights are not those that the means were collected with."""
    generator = torch.Generator().manual_seed(0)
    norms = [module for module in network.modules() if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    network.train()
    for _ in range(phase.config.settle):
        network(draw_batch(phase.samples, phase._choose(generator), generator).images.to(phase.device))
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    return network.eval()


def choose_precision(config: LandmarkTraining, device: torch.device) -> torch.dtype:
    """The precision of the config, or by a short trial the one in which a step is faster here."""
    if config.precision != "auto":
        return getattr(torch, config.precision)
    with torch.random.fork_rng(devices=[]):
        network, images = LandmarkNetwork(config.network).to(device), torch.randn(config.batch, 3, CROP, CROP, device=device)
    network.mean_face.copy_(torch.linspace(-0.5, 0.5, len(POINTS), device=device)[:, None])
    seconds: dict[torch.dtype, float] = {}
    for precision in (torch.float32, torch.bfloat16):
        for _ in range(3):
            begun = time.process_time() if device.type == "cpu" else time.perf_counter()
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                reading = network(images)
            (reading.points.mean() + reading.face.mean()).backward()
            now = time.process_time() if device.type == "cpu" else time.perf_counter()
            seconds[precision] = min(seconds.get(precision, now - begun), now - begun)
    return min(seconds, key=lambda precision: seconds[precision])


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch there."""
    return Batch(**{name: value.to(device) for name, value in vars(batch).items()})


def with_points(image: Tensor, points: Tensor) -> Tensor:
    """The image (3, S, S) in [-1, 1], twice as large, with points (N, 2) in [-1, 1] on it."""
    large = F.interpolate(image[None], scale_factor=2, mode="nearest")[0]
    rows = to_rows(large).copy()
    at = ((points + 1) * (rows.shape[0] / 2)).long().clamp(0, rows.shape[0] - 1)
    rows[at[:, 1], at[:, 0]] = (0, 255, 0)
    return torch.from_numpy(rows).permute(2, 0, 1).float() / 127.5 - 1


def _mean_of_known(values: Tensor, truth: Tensor, counted: Tensor) -> Tensor:
    known = ~truth.isnan() & counted[:, None]
    return ((values - truth.nan_to_num(0.0)).abs() * known).sum() / known.sum().clamp_min(1)


def _moved(patches: Patches, jitter: float, generator: torch.Generator) -> Patches:
    """The patches a little off, as the coarse look will have them."""
    shape = patches.middle.shape[:2]
    reach = patches.axis.norm(dim=-1)
    shift = jitter * torch.randn(*shape, 2, generator=generator).to(reach)
    turn, zoom = (jitter * torch.randn(shape, generator=generator).to(reach) for _ in range(2))
    x, y = patches.axis.unbind(-1)
    c, s = turn.cos() * zoom.exp(), turn.sin() * zoom.exp()
    return Patches(patches.middle + shift * reach[..., None], torch.stack([c * x - s * y, s * x + c * y], -1))


def _mean_face(samples: Samples) -> Tensor:
    """(N, 2): the usual places of the points in the crop of an upright face."""
    known = np.flatnonzero(~np.isnan(samples.points[:, 0, 0]))[:512]
    if not len(known):
        raise OptionError("the samples hold no faces with points; expected prepared portraits among them")
    return draw_batch(samples, known, torch.Generator(), plain=True).points.mean(0)
