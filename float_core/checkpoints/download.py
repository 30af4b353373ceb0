"""Weights that are not bundled, by name: where they are published, under which license, and `download`, which fetches them on request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import OptionError
from ..progress import ProgressCallback
from .fetch_file import NotThereError, Version, check_file, fetch_file, hub_version
from .find_parts import AUDIO_FOLDER, EMOTION_FOLDER, RELEASED_LICENSE

_APACHE = "Apache-2.0"
_NETWORK = (("config.json",), ("model.safetensors", "pytorch_model.bin"))


@dataclass(frozen=True)
class Download:
    """Something that can be asked for by name. `files`: the names of each in the hub's `repository`, of which the first that is there
    counts; `into`: the folder that they go to, in the destination; `elsewhere`: a single file of another host."""

    name: str
    repository: str
    files: tuple[tuple[str, ...], ...]
    license: str
    about: str
    into: str = ""
    elsewhere: Version | None = None

    def look_up(self, file: str, endpoint: str | None) -> Version:
        """What the host says of a file."""
        return self.elsewhere or hub_version(self.repository, file, endpoint)


_FACE_DETECTOR = Version(
    "https://github.com/xinntao/facexlib/releases/download/v0.1.0/detection_Resnet50_Final.pth",
    109_497_761,
    "6d1de9c2944f2ccddca5f5e010ea5ae64a39845a86311af6fdf30841b0a5a16d",  # as many projects that use it publish it
)
_ALL = (
    Download(
        "float",
        "set-soft/float",
        (("FLOAT.safetensors",),),
        RELEASED_LICENSE,
        "the released FLOAT, all networks in one file (2.4 GB)",
    ),
    Download(
        "float-pth",
        "yuvraj108c/float",
        (("float.pth",),),
        RELEASED_LICENSE,
        "the released FLOAT without its wav2vec2 networks (0.8 GB): get wav2vec2-base and speech-emotion too",
    ),
    Download(
        "wav2vec2-base",
        "facebook/wav2vec2-base-960h",
        _NETWORK,
        _APACHE,
        "the audio encoder's wav2vec2 for float.pth (0.4 GB)",
        AUDIO_FOLDER,
    ),
    Download(
        "speech-emotion",
        "r-f/wav2vec-english-speech-emotion-recognition",
        _NETWORK,
        _APACHE,
        "emotion from the voice (1.3 GB)",
        EMOTION_FOLDER,
    ),
    Download(
        "face-detector",
        "",
        (("detection_Resnet50_Final.pth",),),
        "MIT",
        "RetinaFace with ResNet-50, the detector that facexlib uses (0.1 GB)",
        elsewhere=_FACE_DETECTOR,
    ),
)
DOWNLOADS = {item.name: item for item in _ALL}


def download(
    name: str, folder: str | Path, *, endpoint: str | None = None, on_progress: ProgressCallback | None = None
) -> tuple[Path, ...]:
    """Fetch what `DOWNLOADS` lists under `name` into `folder` and return the files. Files that are there are checked and kept.

    `endpoint` replaces the hub's address, for a mirror (default: HF_ENDPOINT). An interrupted download is continued by the next call.
    `on_progress("download", bytes, bytes in all)`, file by file. Raises CheckpointError if a file does not arrive as its host describes
    it.

    >>> download("float", "models/float")  # doctest: +SKIP
    """
    if name not in DOWNLOADS:
        raise OptionError(f"nothing to download is called {name!r}; expected one of {', '.join(DOWNLOADS)}")
    item = DOWNLOADS[name]
    destination = Path(folder).expanduser() / item.into
    return tuple(_first(item, choices, destination, endpoint, on_progress) for choices in item.files)


def _first(item: Download, choices: tuple[str, ...], folder: Path, endpoint: str | None, on_progress: ProgressCallback | None) -> Path:
    """The first of the files that is there already, else the first that the host has."""
    present = next((file for file in choices if (folder / file).is_file()), None)
    if present is not None:
        return check_file(folder / present, lambda: item.look_up(present, endpoint))
    missing: list[str] = []
    for file in choices:
        try:
            return fetch_file(item.look_up(file, endpoint), folder / file, on_progress)
        except NotThereError as error:
            missing.append(str(error))
    raise NotThereError(" ".join(missing))
