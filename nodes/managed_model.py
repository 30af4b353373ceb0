"""What goes over a FLOAT_MODEL socket: a FloatModel whose networks ComfyUI loads and unloads, one patcher for each.

Knows when a network is needed, not what it computes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ..float_core import FloatModel
from ..float_core.types import PartName
from . import host_bridge

GB = 2**30
# ComfyUI's model management is made for one thread. There are two: the one that runs prompts, and that of the live preview.
_turn = threading.RLock()


class NetworksInUseError(Exception):
    """Another thread computes with the networks, and the caller did not want to wait."""


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
        """S, the image size. Raises CheckpointError when the files did not hold the network that renders."""
        return int(self.core.require("autoencoder").config.size)

    @property
    def computed(self) -> FloatModel:
        """The model as it is where it computes, to ask what that takes; to compute, use `computing`."""
        return replace(self.core, device=self.device)

    def patcher_of(self, part: PartName) -> Any:
        """The patcher of one network. Raises CheckpointError when the files did not hold it."""
        with _turn:
            if part not in self.patchers:
                self.patchers[part] = host_bridge.make_patcher(self.core.require(part), self.device, self.storage)
            return self.patchers[part]

    def ready(self, *parts: PartName, memory: int = 0) -> FloatModel:
        """The model with these networks on the device, and room there for `memory` bytes of activations."""
        with _turn:
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

    @contextmanager
    def computing(self, *parts: PartName, memory: int, work: str, wait: bool = True) -> Iterator[FloatModel]:
        """As `ready`, for the time in which `work` is done, and no other thread computes. Without `wait`, raises NetworksInUseError where
        one does. Where the device runs out of memory, the error says what to do."""
        if not _turn.acquire(blocking=wait):
            raise NetworksInUseError
        try:
            yield self.ready(*parts, memory=memory)
        except RuntimeError as error:
            if not host_bridge.is_out_of_memory(error):
                raise
            raise host_bridge.out_of_memory(self._explanation(work, memory, str(error))) from error
        finally:
            _turn.release()

    def _explanation(self, work: str, memory: int, said: str) -> str:
        free = host_bridge.available_memory(self.device) / GB
        reason = said.strip().partition("\n")[0]
        return (
            f"{self.device} has no memory left for {work}: about {memory / GB:.1f} GB are needed beside the network, {free:.1f} GB are "
            f"free ({reason}). Close other programs that use it, or set dtype to bf16 or fp16, or device to cpu, in Load FLOAT Model."
        )
