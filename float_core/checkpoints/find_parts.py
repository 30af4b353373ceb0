"""From a path to the named tensors of a model: which files, which layout, which folders beside them.

Knows layouts; reads headers and configuration texts only.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..config import EMOTIONS
from ..errors import CheckpointError
from .key_maps import (
    AUDIO_FOLDER_EXTRAS,
    EMOTION_HEAD,
    EMOTION_WAV2VEC2,
    FOLDER_EXTRAS,
    NETWORKS,
    PROJECTION,
    WAV2VEC2,
    Shape,
    first_few,
    is_prefixed,
    single_part,
)
from .read_weights import SafetensorsFile, WeightFile, file_sha256, open_weights

CONFIG_KEY, VERSION_KEY, LICENSE_KEY = "float_config", "float_version", "float_license"  # metadata of our own files
OLD_LICENSE_KEY = "float_licence"  # files written before 0.2
VERSION = "1"
AUDIO_FOLDER = "wav2vec2-base-960h"
EMOTION_FOLDER = "wav2vec-english-speech-emotion-recognition"
RELEASED_LICENSE = "CC BY-NC-ND 4.0 (its license file says CC BY-NC 4.0): research and non-commercial use"
BUNDLED = {"mini": Path(__file__).parent.parent / "models" / "mini.safetensors"}
_SUFFIXES = (".safetensors", ".sft", ".pth", ".pt", ".ckpt", ".bin")
_FOLDER_FILES = ("model.safetensors", "pytorch_model.bin")
# Keys of a config.json that describe files and labels, not the network.
_NOT_NETWORK = (
    *("_name_or_path", "architectures", "auto_map", "dtype", "finetuning_task", "gradient_checkpointing", "id2label", "label2id"),
    *("problem_type", "tokenizer_class", "torch_dtype", "transformers_version"),
)


@dataclass(frozen=True)
class Located:
    """One tensor: the file that holds it and its name there."""

    file: WeightFile
    name: str

    @property
    def shape(self) -> Shape:
        """As the file's header says."""
        return self.file.shapes[self.name]


@dataclass(frozen=True)
class Parts:
    """The tensors of a model by their full names. `audio_network`, `emotion_network`: the configurations (JSON text) of the folders
    that the networks came from, if they did; `metadata`: that of a single safetensors file."""

    path: Path
    layout: str
    files: tuple[WeightFile, ...]
    tensors: dict[str, Located] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    audio_network: str | None = None
    emotion_network: str | None = None

    def has(self, prefix: str) -> bool:
        """Whether any tensor is named so."""
        return any(name.startswith(prefix) for name in self.tensors)

    def under(self, prefix: str) -> dict[str, Located]:
        """The tensors with this prefix, which is taken off."""
        return {name.removeprefix(prefix): where for name, where in self.tensors.items() if name.startswith(prefix)}

    def shapes(self, prefix: str) -> dict[str, Shape]:
        """The shapes of the tensors with this prefix, which is taken off."""
        return {name: where.shape for name, where in self.under(prefix).items()}

    def network_beside(self, folder: str) -> str | None:
        """The configuration in a folder beside the file, for networks that are in the file."""
        beside = (self.path if self.path.is_dir() else self.path.parent) / folder
        return read_network_config(beside) if (beside / "config.json").is_file() else None

    def sha256(self) -> str:
        """Of the file; of several, of the list of their sums and names. The folders beside float.pth are not in it."""
        sums = {file.path.name: file_sha256(file.path) for file in self.files}
        if len(sums) == 1:
            return next(iter(sums.values()))
        return hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()).hexdigest()

    def all_files(self) -> tuple[str, ...]:
        """Every file that tensors come from, those of the folders beside included."""
        return tuple(dict.fromkeys(str(where.file.path) for where in self.tensors.values()))

    def close(self) -> None:
        """Let go of all open files."""
        for where in self.tensors.values():
            where.file.close()


def find_parts(path_or_name: str | Path, audio_encoder: str | Path | None, emotion_model: str | Path | None) -> Parts:
    """The tensors of the model at a path (a file, or a folder of files) or of a bundled model by name, with the two wav2vec2
    networks from the folders given, else from the file, else from the folders beside it."""
    path = resolve(path_or_name)
    parts = _folder_parts(path) if path.is_dir() else _file_parts(path)
    beside = path if path.is_dir() else path.parent
    audio = _wanted_folder(audio_encoder, beside / AUDIO_FOLDER, needed=parts.has(PROJECTION) and not parts.has(WAV2VEC2))
    emotion = _wanted_folder(emotion_model, beside / EMOTION_FOLDER, needed=not parts.has(NETWORKS["emotion"]))
    if audio is not None:
        if not parts.has(PROJECTION):
            raise CheckpointError(f"{path} has no {PROJECTION}*, so the audio encoder in {audio} cannot be used with it.")
        parts = replace(_with_folder(parts, audio, WAV2VEC2, WAV2VEC2), audio_network=read_network_config(audio))
    if emotion is not None:
        parts = replace(_with_folder(parts, emotion, EMOTION_HEAD, NETWORKS["emotion"]), emotion_network=read_network_config(emotion))
    return parts


def resolve(path_or_name: str | Path) -> Path:
    """A path that exists wins over the name of a bundled model."""
    path = Path(path_or_name).expanduser()
    if path.exists():
        return path
    bundled = BUNDLED.get(str(path_or_name))
    if bundled is None:
        raise CheckpointError(f"{path} does not exist. Expected a weight file, a folder of them, or a bundled model: {', '.join(BUNDLED)}.")
    if not bundled.exists():
        raise CheckpointError(f"the bundled model {path_or_name} is not at {bundled}. Install this package again.")
    return bundled


def candidate_files(path: Path) -> list[Path]:
    """The weight files at a path (a file, or a folder of files), and what the two folders beside them hold."""
    inside = path if path.is_dir() else path.parent
    beside = [inside / folder / name for folder in (AUDIO_FOLDER, EMOTION_FOLDER) for name in ("config.json", *_FOLDER_FILES)]
    return [*(_weight_files(path) if path.is_dir() else [path]), *(file for file in beside if file.is_file())]


def read_network_config(folder: Path) -> str:
    """The network's keys of a folder's config.json, as JSON text."""
    path = folder / "config.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as JSON ({error}). Expected the config.json of a wav2vec2.") from error
    if not isinstance(data, dict) or data.get("model_type", "wav2vec2") != "wav2vec2":
        raise CheckpointError(f"{path} is not the configuration of a wav2vec2.")
    _check_labels(data, path)
    return json.dumps({key: value for key, value in data.items() if key not in _NOT_NETWORK}, sort_keys=True)


def _check_labels(config: dict[str, Any], path: Path) -> None:
    """The seven emotions in another order would be taken for each other."""
    labels = config.get("id2label")
    if not isinstance(labels, dict) or not all(key.isdecimal() for key in labels):
        return
    names = [str(labels[key]).lower() for key in sorted(labels, key=int)]
    if sorted(names) == sorted(EMOTIONS) and names != list(EMOTIONS):
        raise CheckpointError(f"{path} orders the emotions as {', '.join(names)}; expected {', '.join(EMOTIONS)}.")


def _file_parts(path: Path) -> Parts:
    file = open_weights(path)
    located = _located(file)
    if located is None:
        raise CheckpointError(f"{path} holds none of FLOAT's networks. Its tensors are {first_few(sorted(file.shapes))}.")
    layout, tensors = located
    return Parts(path, layout, (file,), tensors, file.metadata)


def _folder_parts(folder: Path) -> Parts:
    """Every file in the folder that holds known parts; others are passed over."""
    known = [(file, found[1]) for file in map(open_weights, _weight_files(folder)) if (found := _located(file)) is not None]
    if not known:
        raise CheckpointError(f"no file in {folder} holds any of FLOAT's networks. Expected safetensors or .pth files.")
    tensors: dict[str, Located] = {}
    for _, held in known:
        for name, where in held.items():
            if name in tensors:
                both = f"{tensors[name].file.path.name} and {where.file.path.name}"
                raise CheckpointError(f"{both} in {folder} hold the same part ({name}). Give the path of the one you mean.")
            tensors[name] = where
    files = tuple(file for file, _ in known)
    return Parts(folder, "folder of parts", files, tensors, files[0].metadata if len(files) == 1 else {})


def _weight_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in _SUFFIXES)


def _located(file: WeightFile) -> tuple[str, dict[str, Located]] | None:
    """The file's layout and its tensors by their full names; None if it holds nothing that is known."""
    if is_prefixed(file.shapes):
        layout = "own file" if CONFIG_KEY in file.metadata else "one file" if isinstance(file, SafetensorsFile) else "torch file"
        return layout, {name: Located(file, name) for name in file.shapes}
    found = single_part(file.shapes)
    if found is None:
        return None
    part, prefix = found
    if prefix in (WAV2VEC2, EMOTION_HEAD):  # a file out of a wav2vec2 folder
        return f"single part: {part}", _wav2vec2_tensors(file, prefix)
    return f"single part: {part}", {prefix + name: Located(file, name) for name in file.shapes}


def _wanted_folder(given: str | Path | None, beside: Path, *, needed: bool) -> Path | None:
    if given is None:
        return beside if needed and beside.is_dir() else None
    folder = Path(given).expanduser()
    if not folder.is_dir():
        raise CheckpointError(f"{folder} is not a folder. Expected one with config.json and {' or '.join(_FOLDER_FILES)}.")
    return folder


def _with_folder(parts: Parts, folder: Path, prefix: str, replaced: str) -> Parts:
    """The parts with a wav2vec2 folder's tensors in place of those whose names begin with `replaced`."""
    path = next((folder / name for name in _FOLDER_FILES if (folder / name).is_file()), None)
    if path is None:
        raise CheckpointError(f"{folder} has no weights. Expected {' or '.join(_FOLDER_FILES)} beside config.json.")
    kept = {name: where for name, where in parts.tensors.items() if not name.startswith(replaced)}
    tensors = kept | _wav2vec2_tensors(open_weights(path), prefix)
    return replace(parts, tensors=tensors, layout=f"{parts.layout}, with {folder.name}")


def _wav2vec2_tensors(file: WeightFile, prefix: str) -> dict[str, Located]:
    """A wav2vec2's tensors, in the file with the prefix `wav2vec2.` or none; heads of other tasks are left out."""
    extras = AUDIO_FOLDER_EXTRAS if prefix == WAV2VEC2 else FOLDER_EXTRAS
    inner = WAV2VEC2 if prefix == WAV2VEC2 else EMOTION_WAV2VEC2
    full = {
        name: prefix + name if name.startswith("classifier.") else inner + name.removeprefix("wav2vec2.")
        for name in file.shapes
        if not name.startswith(extras)
    }
    return {full_name: Located(file, name) for name, full_name in full.items()}
