"""Files of named tensors: safetensors and torch pickles, memory-mapped, one tensor at a time.

Knows formats and damage; does not know what the tensors are for. A file is recognized by its first bytes, not by its suffix.
"""

from __future__ import annotations

import hashlib
import zipfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import CheckpointError

# Reading a mapped tensor makes its pages part of this process. After so many bytes of conversion the mapping is let go and made
# anew, so that a conversion needs its result and little more.
_REMAP_AFTER = 64 << 20
_SMALL = 1 << 20  # smaller tensors are copied: a few of them shall not keep a whole mapping alive


class WeightFile(ABC):
    """One file of named tensors. `shapes` and `metadata` are there at once; tensors come from the mapped file by `read`.

    It holds no open file after `close`, and opens it again when something is read."""

    shapes: dict[str, tuple[int, ...]]
    metadata: dict[str, str]

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mapped = True
        self._copied = 0

    def read(self, name: str, device: torch.device, dtype: torch.dtype) -> Tensor:
        """The tensor, floating ones in `dtype`, on `device`. What needs no change stays mapped: memory is taken as it is used.

        The mapping is private: writing to the tensor does not change the file."""
        tensor = self._tensor(name)
        wanted = dtype if tensor.is_floating_point() else tensor.dtype
        if tensor.dtype == wanted and device.type == "cpu" and tensor.nbytes >= _SMALL and tensor.is_contiguous():
            return tensor
        result = tensor.to(device=device, dtype=wanted, copy=True, memory_format=torch.contiguous_format)
        self._copied += tensor.nbytes
        if self.mapped and self._copied >= _REMAP_AFTER:
            del tensor
            self.close()
        return result

    def close(self) -> None:
        """Let go of the mapping. Tensors that were handed out stay valid."""
        self._copied = 0

    @abstractmethod
    def _tensor(self, name: str) -> Tensor: ...


class SafetensorsFile(WeightFile):
    """A safetensors file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._handle: Any = None
        handle = self._open()
        self.metadata = dict(handle.metadata() or {})
        self.shapes = {name: tuple(handle.get_slice(name).get_shape()) for name in handle.keys()}  # noqa: SIM118 - not a dict

    def close(self) -> None:
        super().close()
        self._handle = None

    def _open(self) -> Any:
        from safetensors import SafetensorError, safe_open

        if self._handle is None:
            try:
                self._handle = safe_open(str(self.path), "pt", device="cpu")
            except (SafetensorError, OSError) as error:
                raise _damaged(self.path, f"not a whole safetensors file ({error})") from error
        return self._handle

    def _tensor(self, name: str) -> Tensor:
        from safetensors import SafetensorError

        try:
            tensor: Tensor = self._open().get_tensor(name)
        except (SafetensorError, RuntimeError) as error:
            raise _damaged(self.path, f"{name} cannot be read ({error})") from error
        return tensor


class PickleFile(WeightFile):
    """A torch pickle, read with `weights_only=True`; its tensors may be nested under `state_dict` or `model`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.mapped = zipfile.is_zipfile(path)  # the older format is read whole
        self.metadata = {}
        self._tensors: dict[str, Tensor] | None = None
        self.shapes = {name: tuple(tensor.shape) for name, tensor in self._open().items()}

    def close(self) -> None:
        super().close()
        self._tensors = None

    def _open(self) -> dict[str, Tensor]:
        if self._tensors is None:
            self._tensors = _flat_tensors(_load_pickle(self.path), self.path)
        return self._tensors

    def _tensor(self, name: str) -> Tensor:
        tensors = self._open()
        if name not in tensors:
            raise CheckpointError(f"{self.path} changed while it was in use: {name} is gone. Load the model again.")
        return tensors[name]


def open_weights(path: Path) -> WeightFile:
    """The file at `path`. Raises CheckpointError, saying what it is instead, for what is not a weight file or is damaged."""
    found = format_of(path)
    if found not in ("safetensors", "pickle"):
        raise _damaged(path, found)
    return SafetensorsFile(path) if found == "safetensors" else PickleFile(path)


def format_of(path: Path) -> str:
    """safetensors or pickle by the first bytes; of any other file, in words what it is."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= max(size - 8, 0):  # the header's length, and its start
        return "safetensors"
    if head[:2] == b"PK" or (head[:1] == b"\x80" and head[1:2] <= b"\x05"):  # a zip archive, or a bare pickle
        return "pickle"
    return _describe(head, size)


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of the file, read in small pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _describe(head: bytes, size: int) -> str:
    start = head.lstrip().lower()
    if not head:
        return "empty"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file itself (run `git lfs pull`)"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page, not the file itself (use the page's download link)"
    if start.startswith(b"{"):
        return "a JSON text, perhaps a server's error message"
    if head[:4] == b"GGUF":
        return "a GGUF file, which is not supported"
    if head[8:9] == b"{":
        return "a safetensors file that was cut short in its header"
    return f"neither a safetensors file nor a torch pickle ({size} bytes)"


def _damaged(path: Path, what: str) -> CheckpointError:
    return CheckpointError(f"{path} is {what}. Expected weights as .safetensors or .pth: download the file again.")


def _load_pickle(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except torch.serialization.pickle.UnpicklingError as error:  # by torch's name: this package imports nothing that unpickles
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(
            f"{path} is damaged, or holds Python objects beside tensors, which could run code and are not loaded ({reason}). "
            "Expected a dictionary of tensors, saved as state_dict or as .safetensors."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise _damaged(path, f"not a whole torch file ({reason})") from error


def _flat_tensors(data: Any, path: Path) -> dict[str, Tensor]:
    """The tensors by name, out of `state_dict` or `model` where they are nested. Step counters and the like are left out."""
    while isinstance(data, dict):
        inner = next((data[key] for key in ("state_dict", "model") if isinstance(data.get(key), dict)), None)
        if inner is None:
            break
        data = inner
    tensors = {k: v for k, v in data.items() if isinstance(k, str) and isinstance(v, Tensor)} if isinstance(data, dict) else {}
    if not tensors:
        raise CheckpointError(
            f"{path} holds no tensors by name ({type(data).__name__}). Expected a state_dict, bare or under `state_dict` or `model`."
        )
    return tensors
