"""Files are written under a temporary name and renamed at the end: a reader finds the old or the new file, never a part of one.

And no result replaces a file that it is made from."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from torch import Tensor

from .errors import CheckpointError, OptionError


@contextlib.contextmanager
def write_beside(path: str | Path) -> Iterator[Path]:
    """An empty file to write to, in the same folder. It gets the name `path` when the block ends and is removed if anything is raised.

    As with a plain `open`, missing permission is an error, a link keeps pointing to its file, and the file mode is that of the older file
    or follows the umask. Missing folders are created. Raises OSError.

        with write_beside("figures.json") as unfinished:
            unfinished.write_text("{}")
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    _refuse(target)
    unfinished = target.with_name(f".{target.name[:40]}.{uuid.uuid4().hex[:12]}.part")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        mode = _mode(target if target.exists() else unfinished)
        yield unfinished
        if _mode(unfinished) != mode:  # a library may have put a private file of its own in this place
            unfinished.chmod(mode)
        os.replace(unfinished, target)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """A safetensors file, written beside its name. Raises CheckpointError."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        with write_beside(path) as unfinished:
            save_file(tensors, str(unfinished), metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be written: {error}") from error


def refuse_input(path: str | Path, inputs: Iterable[str | Path]) -> None:
    """Raises OptionError if writing `path` would replace one of the files that are read for it, even under another spelling of the name or
    through a link. Call it before any work starts."""
    target = Path(os.path.realpath(path))  # as write_beside: "new/../x" is x, although there is no folder "new" yet
    for given in map(Path, inputs if target.exists() else ()):
        if given.exists() and target.samefile(given):
            raise OptionError(f"{path} is the same file as {given}; the result would replace it. Give the result another name.")


def _refuse(target: Path) -> None:
    """Refuses what a rename would replace although it cannot be written to: a folder, a device, a write-protected file."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "is not a regular file", str(target))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
