"""`save_model`: a model to one safetensors file with its configuration in the metadata, the inverse of `load_model`; `convert_model`:
one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..atomic_file import refuse_input, write_tensors
from ..errors import CheckpointError, OptionError
from ..motion_autoencoder.autoencoder import constant_keys
from ..types import FloatModel
from .build_model import FLOAT32, load_model
from .find_parts import CONFIG_KEY, LICENSE_KEY, VERSION, VERSION_KEY, find_parts
from .key_maps import NETWORKS, first_few


def save_model(
    model: FloatModel,
    path: str | Path,
    *,
    dtype: torch.dtype = torch.float16,
    license: str,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write all networks that the model has, floating tensors in `dtype`; the speech emotion network is read for it if need be.

    The weight that the motion basis is decomposed from stays in float32: rounded, it would be another basis. `license` and
    `metadata` (text by name) go into the file's metadata. Written beside and renamed: an interrupted run leaves no broken file. Raises
    OptionError for a `path` that the model itself was read from.

    >>> model = load_model("mini")
    >>> save_model(model, "copy.safetensors", license=model.provenance.license)  # doctest: +SKIP
    """
    path = _checked_target(path, model.provenance.files)
    tensors = {prefix + name: tensor for part, prefix in NETWORKS.items() for name, tensor in _tensors(model, part).items()}
    stored = {name: _converted(tensor, torch.float32 if name.endswith(FLOAT32) else dtype) for name, tensor in tensors.items()}
    _refuse_overflow(stored, path)
    write_tensors(path, stored, dict(metadata or {}) | _own_metadata(model, license))
    return path


def convert_model(
    source: str | Path,
    path: str | Path,
    *,
    audio_encoder: str | Path | None = None,
    emotion_model: str | Path | None = None,
    dtype: torch.dtype = torch.float16,
) -> Path:
    """Write a model of any known layout (see `load_model`) as one safetensors file. It keeps its license.

    >>> convert_model("models/float/float.pth", "models/float/one.safetensors")  # doctest: +SKIP
    """
    parts = find_parts(source, audio_encoder, emotion_model)
    parts.close()
    _checked_target(path, parts.all_files())  # before gigabytes are read
    model = load_model(source, audio_encoder=audio_encoder, emotion_model=emotion_model)
    origin = f"{Path(model.provenance.file).name} (sha256 {model.provenance.sha256})"
    return save_model(model, path, dtype=dtype, license=model.provenance.license, metadata={"converted_from": origin})


def _checked_target(path: str | Path, inputs: Iterable[str]) -> Path:
    path = Path(path)
    if path.suffix != ".safetensors":
        raise OptionError(f"the file name is {path.name!r}; expected one that ends in .safetensors")
    refuse_input(path, inputs)
    return path


def _tensors(model: FloatModel, part: str) -> dict[str, Tensor]:
    """A network's state without the constants that follow from its configuration."""
    if not model.has(part):  # type: ignore[arg-type]
        return {}
    network: nn.Module = model.require(part)  # type: ignore[arg-type]
    constants = constant_keys(network.config) if part == "autoencoder" else getattr(network, "constant_keys", ())  # type: ignore[arg-type]
    return {name: tensor for name, tensor in network.state_dict().items() if name not in constants}


def _converted(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    tensor = tensor.detach().to("cpu", dtype if tensor.is_floating_point() else tensor.dtype)
    return tensor.contiguous()


def _refuse_overflow(tensors: Mapping[str, Tensor], path: Path) -> None:
    bad = [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if bad:
        raise CheckpointError(f"{path} is not written: values that are not finite in {first_few(bad)}. Use a dtype with a wider range.")


def _own_metadata(model: FloatModel, license: str) -> dict[str, str]:
    return {"format": "pt", CONFIG_KEY: model.config.to_json(), VERSION_KEY: VERSION, LICENSE_KEY: license}
