"""Motion in files: safetensors with the latents, their frame rate, their basis and where they come from.

Latents mean nothing without their basis, so a model with another basis refuses the file. Reading runs no code and checks everything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..argument_checks import check_motion, is_number
from ..atomic_file import write_tensors
from ..basis_fingerprint import basis_fingerprint, same_basis
from ..config import VERSION
from ..errors import CheckpointError, OptionError
from ..types import FloatModel, MotionSequence

KIND = "float-portrait motion"
_LARGEST_FILE = 4 << 30  # bytes; an hour of motion has 0.2 GB


@dataclass(frozen=True)
class MotionNotes:
    """What a motion file says about itself.

    frames: number of frames T.
    fps: frames per second, 1 to 1000.
    batch: number of motions B in the file.
    latent_size: size D of a latent.
    notes: the user's own words.
    model: file name and SHA-256 of the model that the motion was made for.
    made_by: the program and version that wrote the file.
    fingerprint: 16 numbers that identify the basis.
    """

    frames: int
    fps: float
    batch: int
    latent_size: int
    notes: str
    model: str
    made_by: str
    fingerprint: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """How long the motion lasts."""
        return self.frames / self.fps


def save_motion(path: str | Path, model: FloatModel, motion: MotionSequence, *, notes: str = "") -> Path:
    """Writes a motion of this model to a .safetensors file. Missing folders are created; an existing file is replaced when the new one is
    complete. `load_motion` reads the same bits.

    >>> import float_core
    >>> model = float_core.load_model("mini")
    >>> motion = MotionSequence(torch.zeros(1, 50, 64), fps=25.0)
    >>> save_motion("motion.safetensors", model, motion, notes="second take").name
    'motion.safetensors'
    >>> load_motion("motion.safetensors", model).latents.shape
    torch.Size([1, 50, 64])
    >>> read_motion_notes("motion.safetensors").notes
    'second take'
    """
    target = Path(path)
    if target.suffix != ".safetensors":
        raise OptionError(f"the file name is {target.name!r}; expected one that ends in .safetensors")
    check_motion(model, motion)
    if not isinstance(notes, str):
        raise OptionError(f"notes is {type(notes).__name__}; expected text")
    tensors = {"motion": _stored(motion.latents)} | ({} if motion.source is None else {"source": _stored(motion.source)})
    write_tensors(target, tensors, _metadata(model, motion, notes))
    return target


def load_motion(path: str | Path, model: FloatModel) -> MotionSequence:
    """A motion that `save_motion` wrote, on the model's device.

    Raises CheckpointError if the file is missing, damaged, no motion file, or of another basis.

    >>> import float_core
    >>> load_motion("motion.safetensors", float_core.load_model("mini"))  # doctest: +SKIP
    """
    notes, tensors = _read(Path(path))
    if notes.latent_size != model.basis.shape[0] or not same_basis(notes.fingerprint, basis_fingerprint(model.basis)):
        raise CheckpointError(
            f"{path} holds a motion of another basis: it was made for {notes.model}, and the model in use is {_model_name(model)}. "
            "There the same numbers would move something else. Load the other model, or sample the motion again."
        )
    source = tensors.get("source")
    return MotionSequence(tensors["motion"].to(model.device), notes.fps, None if source is None else source.to(model.device))


def read_motion_notes(path: str | Path) -> MotionNotes:
    """What a motion file says about itself; no model is needed. Raises CheckpointError as `load_motion` does.

    >>> read_motion_notes("motion.safetensors").seconds  # doctest: +SKIP
    2.0
    """
    return _read(Path(path))[0]


def _stored(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float32).contiguous()


def _model_name(model: FloatModel) -> str:
    return f"{Path(model.provenance.file).name or model.config.name} (sha256 {model.provenance.sha256[:12] or 'unknown'})"


def _metadata(model: FloatModel, motion: MotionSequence, notes: str) -> dict[str, str]:
    return {
        "format": "pt",
        "kind": KIND,
        "fps": repr(float(motion.fps)),
        "basis": json.dumps(basis_fingerprint(model.basis)),
        "model": _model_name(model),
        "made_by": f"float-portrait {VERSION}",
        "notes": notes.encode("utf-8", "replace").decode(),  # half of a surrogate pair cannot be stored
    }


def _read(path: Path) -> tuple[MotionNotes, dict[str, Tensor]]:
    """The whole file, checked."""
    from safetensors import SafetensorError, safe_open

    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise _refused(path, "too large for a motion file")
        with safe_open(str(path), "pt", device="cpu") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
            if metadata.get("kind") != KIND:
                raise _refused(path, "a safetensors file, but not a motion file")
            names = set(file.keys())
            if not {"motion"} <= names <= {"motion", "source"}:
                raise _refused(path, f"a motion file with other tensors: {', '.join(sorted(names))[:80]}")
            if any(file.get_slice(name).get_dtype() != "F32" for name in names):
                raise _refused(path, "a motion file with numbers that are not float32")
            tensors = {name: file.get_tensor(name) for name in names}
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise _refused(path, f"damaged, or not a safetensors file ({error})") from error
    return _notes(path, metadata, tensors), tensors


def _notes(path: Path, metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> MotionNotes:
    motion, source = tensors["motion"], tensors.get("source")
    if motion.dim() != 3 or 0 in motion.shape or (source is not None and source.shape != motion.shape[::2]):
        raise _refused(path, f"a motion file with tensors of wrong shape, {tuple(motion.shape)}")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise _refused(path, "a motion file with values that are not finite")
    fps = _number(path, "fps", metadata.get("fps", ""))
    if not 1 <= fps <= 1000:
        raise _refused(path, f"a motion file with {fps:g} frames per second")
    notes, model, made_by = (metadata.get(name, "") for name in ("notes", "model", "made_by"))
    fingerprint = _fingerprint(path, metadata.get("basis", ""))
    return MotionNotes(motion.shape[1], fps, motion.shape[0], motion.shape[2], notes, model, made_by, fingerprint)


def _number(path: Path, name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise _refused(path, f"a motion file whose {name} is {text[:40]!r}") from error


def _fingerprint(path: Path, text: str) -> tuple[float, ...]:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, list) or not data or not all(is_number(number) for number in data):
        raise _refused(path, f"a motion file without the fingerprint of its basis ({text[:40]!r})")
    return tuple(data)


def _refused(path: Path, what: str) -> CheckpointError:
    return CheckpointError(f"{path} is {what}. Expected a .safetensors file that save_motion wrote.")
