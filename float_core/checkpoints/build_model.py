"""`load_model`: the named tensors of a model to networks in memory, strictly.

Networks are built without memory of their own and take the mapped tensors of the file as their parameters. Knows nothing of formats
and layouts (`read_weights`, `find_parts`).
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ..audio.compact_emotion import CompactEmotionClassifier
from ..audio.compact_encoder import CompactAudioEncoder
from ..audio.speech_emotion import SpeechEmotionClassifier
from ..audio.wav2vec2_encoder import Wav2Vec2AudioEncoder
from ..config import AutoencoderConfig, EmotionClassifierConfig, EmotionConfig, ModelConfig, Wav2Vec2AudioConfig
from ..errors import CheckpointError, OptionError
from ..motion_autoencoder.autoencoder import MotionAutoencoder, constant_keys
from ..motion_flow.transformer import FlowMatchingTransformer
from ..types import FloatModel, Provenance
from .calibration_file import calibration_beside, calibration_path
from .find_parts import CONFIG_KEY, LICENSE_KEY, OLD_LICENSE_KEY, RELEASED_LICENSE, Parts, candidate_files, find_parts, resolve
from .key_maps import ENCODER, NETWORKS, is_optional, match
from .model_config import check_sizes_agree, half_sizes, model_config

Network = TypeVar("Network", bound=nn.Module)
FLOAT32 = "direction.weight"  # the basis is decomposed from it: never in less than the file's precision


def load_model(
    path_or_name: str | Path,
    *,
    audio_encoder: str | Path | None = None,
    emotion_model: str | Path | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> FloatModel:
    """A model with its networks in `dtype` on `device`, in evaluation mode and without gradients.

    `path_or_name`: a path that exists, else "mini", the bundled model. A file may be FLOAT.safetensors, float.pth, one of this package's
    own, or a single part (encoder, decoder, transformer, audio projection); a folder is searched for such files, so that parts in
    several files come together there. The auto-encoder is there when both its encoder and its decoder are, the audio encoder when
    both wav2vec2 and its projection are: an encoder's file alone is checked and loads, but to use it the decoder's is needed too.
    `audio_encoder`, `emotion_model`: folders with config.json and model.safetensors or pytorch_model.bin, which win over what the file
    holds; without them, `wav2vec2-base-960h` and `wav2vec-english-speech-emotion-recognition` beside the file serve.
    The speech emotion network is checked now and read on first use. A calibration beside the file (see `calibration_path`) says what the
    directions do; one that does not fit is passed over with a warning. Raises CheckpointError for anything that does not fit.

    >>> model = load_model("mini")
    >>> model.config.autoencoder.size, tuple(model.basis.shape), model.has("emotion")
    (256, (64, 20), False)
    """
    target = _Target(_device(device), _dtype(dtype))
    parts = find_parts(path_or_name, audio_encoder, emotion_model)
    try:
        config = model_config(parts)
        model = _load(parts, config, target)
        check_sizes_agree(config, parts.path)
        return model
    except ValueError as error:  # OptionError, and what transformers says of a configuration: sizes that no network can have
        raise CheckpointError(f"{parts.path} does not make a model: {error}") from error
    finally:
        parts.close()


def model_files(path_or_name: str | Path) -> tuple[Path, ...]:
    """The files that `load_model` reads for this model, if they exist: weights, calibration, and the two folders of audio networks beside
    them. If one of them appears, disappears or changes, a model that was loaded before is out of date.

    >>> [file.name for file in model_files("mini")]
    ['mini.safetensors', 'mini.calibration.json']
    """
    path = resolve(path_or_name)
    calibration = calibration_path(path)
    return (*candidate_files(path), *([calibration] if calibration.is_file() else []))


@dataclasses.dataclass(frozen=True)
class _Target:
    device: torch.device
    dtype: torch.dtype

    def dtype_of(self, name: str) -> torch.dtype:
        return torch.float32 if name.endswith(FLOAT32) else self.dtype


class EmotionLoader:
    """Reads the speech emotion network on the first call and keeps it; calls from several threads read it once."""

    def __init__(self, build: Callable[[], nn.Module]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._network: nn.Module | None = None

    @property
    def loaded(self) -> bool:
        """Whether the network is in memory."""
        return self._network is not None

    def __call__(self) -> nn.Module:
        with self._lock:
            if self._network is None:
                self._network = self._build()
            return self._network


def _load(parts: Parts, config: ModelConfig, target: _Target) -> FloatModel:
    autoencoder = _autoencoder(parts, config.autoencoder, target)
    transformer: nn.Module | None = None
    audio: nn.Module | None = None
    emotion: EmotionLoader | None = None
    if config.transformer is not None:
        transformer = _network(
            FlowMatchingTransformer, config.transformer, parts, "transformer", target, FlowMatchingTransformer.constant_keys
        )
    if isinstance(config.audio, Wav2Vec2AudioConfig):
        audio = _network(partial(Wav2Vec2AudioEncoder, fps=config.fps), config.audio, parts, "audio_encoder", target)
    elif config.audio is not None:
        audio = _network(partial(CompactAudioEncoder, fps=config.fps), config.audio, parts, "audio_encoder", target)
    if config.emotion is not None:
        emotion = _emotion_loader(parts, config.emotion, target)
    basis = None if autoencoder is None else autoencoder.basis().detach().to(target.device, torch.float32)
    return FloatModel(
        config=config,
        provenance=_provenance(parts),
        autoencoder=autoencoder,
        transformer=transformer,
        audio_encoder=audio,
        emotion_loader=emotion,
        basis_tensor=basis,
        calibration=None if basis is None else calibration_beside(parts.path, basis),
        device=target.device,
        dtype=target.dtype,
    )


def _autoencoder(parts: Parts, config: AutoencoderConfig | None, target: _Target) -> MotionAutoencoder | None:
    if config is not None:
        return _network(MotionAutoencoder, config, parts, "autoencoder", target, constant_keys(config))
    if (sizes := half_sizes(parts)) is not None:  # not of use without the other half, but a damaged file should say so
        module = _without_memory(MotionAutoencoder, sizes)
        half = "enc." if parts.has(ENCODER) else "dec."
        _pairs(module, parts, "autoencoder", constant_keys(sizes), only=half)
    return None


def _emotion_loader(parts: Parts, config: EmotionClassifierConfig, target: _Target) -> EmotionLoader:
    kind: Callable[[Any], nn.Module] = SpeechEmotionClassifier if isinstance(config, EmotionConfig) else CompactEmotionClassifier
    _pairs(_without_memory(kind, config), parts, "emotion")

    def build() -> nn.Module:
        try:
            return _network(kind, config, parts, "emotion", target)
        finally:
            parts.close()

    return EmotionLoader(build)


def _provenance(parts: Parts) -> Provenance:
    stated = parts.metadata.get(LICENSE_KEY) or parts.metadata.get(OLD_LICENSE_KEY, "not stated in the file")
    license = stated if CONFIG_KEY in parts.metadata else RELEASED_LICENSE
    return Provenance(str(parts.path), parts.sha256(), parts.layout, license, parts.all_files())


def _network(
    build: Callable[[Any], Network], config: object, parts: Parts, part: str, target: _Target, constants: Collection[str] = ()
) -> Network:
    """The network with the file's tensors as its parameters. What fits the target as it is stays mapped."""
    module = _without_memory(build, config)
    pairs = _pairs(module, parts, part, constants)
    tensors = parts.under(NETWORKS[part])
    state: dict[str, Tensor] = {}
    for name, empty in module.state_dict().items():
        if name in pairs:
            where = tensors[pairs[name]]
            state[name] = where.file.read(where.name, target.device, target.dtype_of(name))
        elif is_optional(name):
            state[name] = torch.zeros(empty.shape, dtype=target.dtype, device=target.device)
        else:  # a constant
            state[name] = empty
        if empty.is_floating_point() != state[name].is_floating_point():
            raise CheckpointError(f"{parts.path}: {name} is {state[name].dtype}; expected floating-point numbers.")
    module.load_state_dict(state, strict=True, assign=True)
    return module.to(target.device).eval().requires_grad_(False)


def _pairs(module: nn.Module, parts: Parts, part: str, constants: Collection[str] = (), only: str = "") -> dict[str, str]:
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items() if name.startswith(only)}
    fit = match(wanted, parts.shapes(NETWORKS[part]), constants)
    if problems := fit.problems():
        raise CheckpointError(f"{parts.path} does not fit the {part.replace('_', ' ')} ({type(module).__name__}): {problems}.")
    return fit.pairs


def _without_memory(build: Callable[[Any], Network], config: object) -> Network:
    """The module with parameters that have shapes only. Constants in buffers are real."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):  # transformers draws a start for its mask embedding all the same
        module = build(config)
    lost = [name for name, buffer in module.named_buffers() if buffer.is_meta]
    if lost:  # they are computed in the constructor: the only way to have them is to run it for real
        real = dict(build(config).named_buffers())
        for name in lost:
            owner, _, key = name.rpartition(".")
            module.get_submodule(owner)._buffers[key] = real[name]
    return module


def _device(device: str | torch.device) -> torch.device:
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise OptionError(f"device is {device!r}; expected cpu, cuda, cuda:1, mps or the like") from error


def _dtype(dtype: torch.dtype) -> torch.dtype:
    if dtype not in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        raise OptionError(f"dtype is {dtype}; expected torch.float32, float16 or bfloat16")
    return dtype
