"""Weights from the places that publish them, on request only. Resumable; whole files or none.

Knows addresses and HTTP; does not know what is in the files. Uses the standard library alone.
"""

from __future__ import annotations

import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, OptionError
from ..progress import ProgressCallback
from .find_parts import AUDIO_FOLDER, EMOTION_FOLDER, RELEASED_LICENSE
from .read_weights import file_sha256

HUGGING_FACE = "https://huggingface.co"
GITHUB = "https://github.com"
_PIECE = 1 << 20
_APACHE = "Apache-2.0"


@dataclass(frozen=True)
class RemoteFile:
    """One file: `path` at the host (more than one: the first that is there), and where it goes in the destination folder."""

    paths: tuple[str, ...]
    destination: str
    sha256: str | None = None

    def target(self, folder: Path, path: str) -> Path:
        """The local path; a second choice keeps its own name."""
        target = folder / self.destination
        return target if len(self.paths) == 1 else target.with_name(Path(path).name)


@dataclass(frozen=True)
class Download:
    """Something that can be asked for by name. `folder`: the kind of model folder that it belongs in."""

    name: str
    host: str
    files: tuple[RemoteFile, ...]
    license: str
    about: str
    folder: str = "float"


def _hugging_face(repository: str, *names: str, into: str = "") -> RemoteFile:
    paths = tuple(f"/{repository}/resolve/main/{name}" for name in names)
    destination = Path(names[0]).name
    return RemoteFile(paths, f"{into}/{destination}" if into else destination)


def _wav2vec2_folder(repository: str, into: str) -> tuple[RemoteFile, RemoteFile]:
    return (
        _hugging_face(repository, "config.json", into=into),
        _hugging_face(repository, "model.safetensors", "pytorch_model.bin", into=into),
    )


_ALL = (
    Download(
        "float",
        HUGGING_FACE,
        (_hugging_face("set-soft/float", "FLOAT.safetensors"),),
        RELEASED_LICENSE,
        "the released FLOAT, all networks in one file (2.4 GB)",
    ),
    Download(
        "float-pth",
        HUGGING_FACE,
        (_hugging_face("yuvraj108c/float", "float.pth"),),
        RELEASED_LICENSE,
        "the released FLOAT without its wav2vec2 networks (0.8 GB): get wav2vec2-base and speech-emotion too",
    ),
    Download(
        "wav2vec2-base",
        HUGGING_FACE,
        _wav2vec2_folder("facebook/wav2vec2-base-960h", AUDIO_FOLDER),
        _APACHE,
        "the audio encoder's wav2vec2 for float.pth (0.4 GB)",
    ),
    Download(
        "speech-emotion",
        HUGGING_FACE,
        _wav2vec2_folder("r-f/wav2vec-english-speech-emotion-recognition", EMOTION_FOLDER),
        _APACHE,
        "emotion from the voice (1.3 GB)",
    ),
    Download(
        "face-detector",
        GITHUB,
        (RemoteFile(("/xinntao/facexlib/releases/download/v0.1.0/detection_Resnet50_Final.pth",), "detection_Resnet50_Final.pth"),),
        "MIT",
        "RetinaFace with ResNet-50, the detector that facexlib uses (0.1 GB)",
        "facedetection",
    ),
)
DOWNLOADS = {item.name: item for item in _ALL}


def download(
    name: str,
    folder: str | Path,
    *,
    base_url: str | None = None,
    on_progress: ProgressCallback | None = None,
    timeout: float = 30.0,
) -> tuple[Path, ...]:
    """Fetch what `DOWNLOADS` lists under `name` into `folder` and return the files. Files that are there are kept.

    `base_url` replaces the host, for a mirror. An interrupted file stays as `.part` and is continued by the next call, if the server
    still has the same one. `on_progress("download FILE", bytes, bytes in all)`. Raises CheckpointError if it does not arrive whole."""
    if name not in DOWNLOADS:
        raise OptionError(f"nothing to download is called {name!r}; expected one of {', '.join(DOWNLOADS)}")
    item = DOWNLOADS[name]
    host = (base_url or item.host).rstrip("/")
    return tuple(_fetch_first(host, file, Path(folder).expanduser(), on_progress, timeout) for file in item.files)


def _fetch_first(host: str, file: RemoteFile, folder: Path, on_progress: ProgressCallback | None, timeout: float) -> Path:
    targets = [file.target(folder, path) for path in file.paths]
    present = next((target for target in targets if target.is_file()), None)
    if present is not None:
        return present
    for path, target in zip(file.paths, targets, strict=True):
        try:
            return _Transfer(host + path, target, file.sha256, on_progress, timeout).run()
        except _NotThere:
            continue
    raise CheckpointError(
        f"{host} has no {' or '.join(file.paths)} (404). It may have moved; download it by hand into {targets[0].parent}."
    )


class _NotThere(Exception):
    """The server answers 404."""


@dataclass(frozen=True)
class _Transfer:
    """One file from one address, by way of `.part` (the bytes so far) and `.part.etag` (which version they are of)."""

    url: str
    target: Path
    sha256: str | None
    on_progress: ProgressCallback | None
    timeout: float

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    @property
    def tag(self) -> Path:
        return self.target.with_name(self.target.name + ".part.etag")

    def run(self) -> Path:
        """The file, whole and checked."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._receive()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise _NotThere from error
            raise CheckpointError(
                f"{self.url} answers {error.code} {error.reason}. Try again later, or download it by hand into {self.target.parent}."
            ) from error
        except (http.client.HTTPException, OSError) as error:  # URLError and time-outs are OSErrors
            reason = getattr(error, "reason", None) or error
            raise CheckpointError(
                f"{self.url} cannot be read ({reason}). Check the network; the next call continues where this one stopped."
            ) from error
        self._check_sum()
        os.replace(self.part, self.target)
        self.tag.unlink(missing_ok=True)
        return self.target

    def _receive(self) -> None:
        start = self._resume_at()
        headers = {"Range": f"bytes={start}-", "If-Range": self.tag.read_text()} if start else {}
        try:
            response = self._open(headers)
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            self._forget()  # what is there is not the beginning of what the server has
            response = self._open({})
        with response:
            self._store(response, start if response.status == 206 else 0)

    def _open(self, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(self.url, headers={"User-Agent": "float-core", "Accept-Encoding": "identity"} | headers)
        return urllib.request.urlopen(request, timeout=self.timeout)

    def _resume_at(self) -> int:
        """Bytes that can be kept: only those of a known version."""
        if self.part.is_file() and self.tag.is_file():
            return self.part.stat().st_size
        self._forget()
        return 0

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)

    def _store(self, response: Any, start: int) -> None:
        length = response.headers.get("Content-Length")
        total = start + int(length) if length is not None else None
        tag = response.headers.get("ETag", "")
        if not start:
            self._forget()
            if tag and not tag.startswith("W/"):  # a weak one does not promise the same bytes
                self.tag.write_text(tag)
        self._check_space((total or 0) - start)
        done = self._copy(response.read, start, total)
        if total is not None and done != total:
            raise CheckpointError(f"{self.url} stopped after {done} of {total} bytes. Call again: it continues from there.")

    def _copy(self, read: Callable[[int], bytes], done: int, total: int | None) -> int:
        with self.part.open("ab" if done else "wb") as file:
            while piece := read(_PIECE):
                file.write(piece)
                done += len(piece)
                if self.on_progress is not None:
                    self.on_progress(f"download {self.target.name}", done, max(total or 0, done))
        return done

    def _check_space(self, needed: int) -> None:
        free = shutil.disk_usage(self.target.parent).free
        if needed > free:
            raise CheckpointError(f"{self.target.parent} has {free >> 20} MiB free; {needed >> 20} MiB are needed for {self.target.name}.")

    def _check_sum(self) -> None:
        if self.sha256 is None:
            return
        found = file_sha256(self.part)
        if found != self.sha256:
            self._forget()
            raise CheckpointError(
                f"{self.url} has SHA-256 {found}; expected {self.sha256}. It was deleted: it is damaged or another version."
            )
