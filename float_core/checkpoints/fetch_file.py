"""One file from the network into a plain folder: continued where it stopped, checked, and named only when it is what its host says.

A record of it stays beside it (NAME.download.json), which later calls compare it with. huggingface_hub moves the bytes, for files of
other hosts too. Knows nothing of what the files are for.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..atomic_file import write_beside
from ..errors import CheckpointError
from ..progress import ProgressCallback
from .read_weights import file_sha256, format_of

_FORMATS = {".safetensors": "safetensors", ".pth": "pickle", ".bin": "pickle"}
_SHA256, _GIT_HASH = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{40}")
_HUB_BARS = "huggingface_hub.http_get"
_GOES_ON = "the next call goes on from where this one stopped"


class NotThereError(CheckpointError):
    """The host has no such file."""


@dataclass(frozen=True)
class Version:
    """A file as its host describes it. `etag`: of the hub's large files the SHA-256, of its small ones git's hash."""

    url: str
    size: int | None
    etag: str
    commit: str = ""  # empty: not of the hub

    def difference(self, path: Path) -> str:
        """What differs in the file at `path`, in words; empty if nothing does."""
        size = _size(path)
        if self.size not in (None, size):
            return f"{size} bytes, expected {self.size}"
        found = file_sha256(path) if _SHA256.fullmatch(self.etag) else _git_hash(path) if _GIT_HASH.fullmatch(self.etag) else self.etag
        return "" if found == self.etag else f"the hash {found}, expected {self.etag}"


def hub_version(repository: str, name: str, endpoint: str | None = None) -> Version:
    """What the hub says of a file now. `endpoint` replaces the hub's address, for a mirror (default: HF_ENDPOINT)."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(repository, name, revision="main", endpoint=endpoint)
    try:
        found = get_hf_file_metadata(url)
    except _failures() as error:
        raise _explained(error, url) from error
    if not found.commit_hash or not found.etag:
        raise CheckpointError(f"{url} does not answer as a model hub does. A login page or a proxy may stand between: try a browser.")
    pinned = hf_hub_url(repository, name, revision=found.commit_hash, endpoint=endpoint)  # what was described, whatever comes after
    return Version(pinned, found.size, found.etag, found.commit_hash)


def fetch_file(version: Version, target: Path, on_progress: ProgressCallback | None = None) -> Path:
    """The file at `target`, whole and checked. Two calls for one file take turns, in other processes too.

    Stopped, it leaves the bytes so far, and the next call goes on from there. `on_progress("download", bytes, bytes in all)`. Raises
    CheckpointError if the file does not arrive, or is another one."""
    part = target.with_name(f"{target.name}.{re.sub('[^0-9A-Za-z]', '', version.etag)[:16]}.part")
    tell = _Teller(part, version.size or 0, on_progress)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _taking_turns(target, tell) as lock:
            if target.is_file():  # another call was faster
                check_file(target, lambda: version)
            else:
                _receive(version, target, part, tell)
                _accept(version, target, part)
            with suppress(OSError):  # Windows keeps what is open
                lock.unlink()
            return target
    except OSError as error:
        if error is tell.stopped_by:
            raise
        raise _explained(error, str(target)) from error


def check_file(target: Path, look_up: Callable[[], Version]) -> Path:
    """A file that is there already, compared with its record, or, if it has none, with what its host says now.

    Raises CheckpointError if it is another file. Warns if there is nothing to compare it with."""
    recorded = _read_record(target)
    try:
        version = recorded or look_up()
    except CheckpointError as error:
        if problem := _head_problem(target, target.name):
            raise CheckpointError(f"{target} is {problem}. Move it away; the next call fetches it.") from error
        warnings.warn(f"{target} is kept as it is; it could not be checked: {error}", stacklevel=2)
        return target
    if difference := version.difference(target):
        raise CheckpointError(f"{target} is not {version.url}: it has {difference}. Move it away; the next call fetches it.")
    if recorded is None:
        _write_record(version, target)
    return target


def _record_path(target: Path) -> Path:
    return target.with_name(target.name + ".download.json")


def _write_record(version: Version, target: Path) -> None:
    sums = {"sha256": version.etag if _SHA256.fullmatch(version.etag) else file_sha256(target)}
    with write_beside(_record_path(target)) as unfinished:
        unfinished.write_text(json.dumps(asdict(version) | {"size": _size(target)} | sums, indent=1) + "\n", encoding="utf-8")


def _read_record(target: Path) -> Version | None:
    """What was recorded; None if there is nothing that can be read."""
    try:
        data = json.loads(_record_path(target).read_text(encoding="utf-8"))
        return Version(str(data["url"]), int(data["size"]), str(data["sha256"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _receive(version: Version, target: Path, part: Path, tell: _Teller) -> None:
    """The bytes that `part` lacks. What arrived is looked at later."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    for old in target.parent.iterdir():
        if old.name.startswith(target.name + ".") and old.suffix == ".part" and (old != part or _size(old) > (version.size or 0)):
            old.unlink()
    have, free = _size(part), shutil.disk_usage(target.parent).free
    tell()
    if (needed := (version.size or 0) - have) > free:
        raise CheckpointError(
            f"{target.parent} has {free >> 20} MiB free, {needed >> 20} MiB are needed. Make room, or use another folder."
        )
    if have == version.size:
        return
    headers = (build_hf_headers() if version.commit else {}) | {"Accept-Encoding": "identity"}  # a token is for the hub only
    with _PartFile(part, tell) as file, _hub_bars_hidden():
        try:
            http_get(version.url, file, resume_size=have, headers=headers, expected_size=version.size)
        except _failures() as error:
            if error is tell.stopped_by:
                raise
            if type(error) is not OSError or error.errno is not None:  # a bare OSError tells of a wrong size
                raise _explained(error, version.url) from error


def _accept(version: Version, target: Path, part: Path) -> None:
    """Gives a file that is the one described its name and a record. A beginning stays for the next call; anything else is deleted."""
    if wrong := _head_problem(part, target.name) or version.difference(part):
        if _size(part) < (version.size or 0) and not _head_problem(part, target.name):
            raise CheckpointError(f"{version.url} stopped after {_size(part)} of {version.size} bytes; {_GOES_ON}.")
        part.unlink()
        raise CheckpointError(f"{version.url} sent {wrong}. It was deleted: try again, or fetch it with a browser.")
    os.replace(part, target)
    _write_record(version, target)


def _head_problem(path: Path, name: str) -> str:
    """What the file is, in words, if its first bytes are not of the format that its name promises."""
    suffix = Path(name).suffix
    if suffix == ".json":
        try:
            json.loads(path.read_bytes())
        except ValueError:
            return "no JSON text"
    found = format_of(path)
    return f"{found}, expected a {suffix} file" if suffix in _FORMATS and found != _FORMATS[suffix] else ""


def _git_hash(path: Path) -> str:
    content = path.read_bytes()  # git itself holds small files only
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


class _Teller:
    """Calls on_progress with the bytes so far. `stopped_by`: what it raised, which is no fault of the download."""

    def __init__(self, part: Path, size: int, on_progress: ProgressCallback | None) -> None:
        self._part, self._size, self._on_progress = part, size, on_progress
        self.stopped_by: BaseException | None = None

    def __call__(self) -> None:
        done = _size(self._part)
        try:
            if self._on_progress is not None:
                self._on_progress("download", done, max(self._size, done))
        except BaseException as error:
            self.stopped_by = error
            raise


class _PartFile(io.BufferedWriter):
    """Written by the hub client; tells after every write."""

    def __init__(self, path: Path, tell: _Teller) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._listener = tell

    def write(self, data: Any) -> int:
        count = super().write(data)
        self.flush()
        self._listener()
        return count


@contextmanager
def _taking_turns(target: Path, waiting: Callable[[], None]) -> Iterator[Path]:
    """Holds the lock file of `target`. `waiting` is called while another call holds it."""
    from filelock import FileLock, Timeout

    path = target.with_name(target.name + ".lock")
    lock = FileLock(str(path))
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.5)
        except Timeout:
            waiting()
        except NotImplementedError:  # a file system without locks: that two at once spoiled each other, the sum will tell
            break
    try:
        yield path
    finally:
        lock.release()


@contextmanager
def _hub_bars_hidden() -> Iterator[None]:
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    hidden = are_progress_bars_disabled(_HUB_BARS)
    try:
        if not hidden:
            disable_progress_bars(_HUB_BARS)
        yield
    finally:
        if not hidden:
            enable_progress_bars(_HUB_BARS)


def _failures() -> tuple[type[Exception], ...]:
    """What the hub client raises; its version decides whose HTTP errors these are."""
    from huggingface_hub.utils import HfHubHTTPError

    return (OSError, *HfHubHTTPError.__bases__)


def _explained(error: Exception, place: str) -> CheckpointError:
    """What went wrong with `place`, a file or an address, and what to do."""
    from huggingface_hub.utils import OfflineModeIsEnabled

    response: Any = getattr(error, "response", None)
    if isinstance(error, OfflineModeIsEnabled):
        return CheckpointError(f"{place} is not here, and HF_HUB_OFFLINE is set. Unset it, or bring the file by hand.")
    if response is not None:
        said = response.headers.get("X-Error-Message") or getattr(response, "reason", "") or getattr(response, "reason_phrase", "")
        answer = f"{place} answers {response.status_code} ({said})"
        if response.status_code == 404:
            return NotThereError(f"{answer}. It may have moved: look for it with a browser.")
        if response.status_code in (401, 403):
            advice = "Open its page in a browser, accept its terms if there are any, and give your access token as HF_TOKEN"
            return CheckpointError(f"{answer}: it is private, gone, or wants you to log in. {advice}.")
        return CheckpointError(f"{answer}. Try again later; {_GOES_ON}.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CheckpointError(f"{place}: the disk is full. Make room; {_GOES_ON}.")
    if isinstance(error, OSError) and error.filename:
        return CheckpointError(f"{error.filename} cannot be written ({error.strerror}). Choose another folder.")
    return CheckpointError(f"{place} cannot be read ({error}). Check the network; {_GOES_ON}.")
