"""What goes over a FLOAT_MODEL socket: a FloatModel whose networks ComfyUI loads and unloads, one patcher for each.

Knows when a network is needed, not what it computes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ..float_core import FloatModel
from ..float_core.types import PartName
from . import host_bridge


@dataclass(frozen=True, eq=False)
class ManagedModel:
    """`core` as it was loaded, its weights waiting on `storage`; `device` is where it computes."""

    core: FloatModel
    device: torch.device
    storage: torch.device
    patchers: dict[PartName, Any] = field(default_factory=dict)

    @classmethod
    def manage(cls, core: FloatModel, device: torch.device, storage: torch.device) -> ManagedModel:
        """With a patcher for every network that is loaded; the emotion network, the largest, gets its own when it is first used."""
        model = cls(core, device, storage)
        loaded: tuple[PartName, ...] = ("transformer", "autoencoder", "audio_encoder")
        for part in loaded:
            if core.has(part):
                model.patcher_of(part)
        return model

    @property
    def patcher(self) -> Any:
        """The main network's patcher: by this attribute ComfyUI knows its caches hold a model."""
        return next(iter(self.patchers.values()), None)

    @property
    def size(self) -> int:
        """S, the picture size."""
        autoencoder = self.core.config.autoencoder
        return autoencoder.size if autoencoder is not None else int(self.core.require("autoencoder").config.size)

    def patcher_of(self, part: PartName) -> Any:
        """The patcher of one network. Raises CheckpointError when the files did not hold it."""
        if part not in self.patchers:
            self.patchers[part] = host_bridge.make_patcher(self.core.require(part), self.device, self.storage)
        return self.patchers[part]

    def ready(self, *parts: PartName, memory: int = 0) -> FloatModel:
        """The model with these networks on the device, and room there for `memory` bytes of activations."""
        patchers = {part: self.patcher_of(part) for part in parts}
        host_bridge.load_networks(list(patchers.values()), memory)
        basis = self.core.basis_tensor
        emotion = patchers.get("emotion")
        return replace(
            self.core,
            device=self.device,
            basis_tensor=basis.to(self.device) if basis is not None else None,
            emotion_loader=(lambda: emotion.model) if emotion is not None else self.core.emotion_loader,
        )
