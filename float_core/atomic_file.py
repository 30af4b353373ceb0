"""Files written beside their name and renamed at the end: a reader finds the old file or the new one, never a part of one.

And no result takes the place of a file that it is made from."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import OptionError


@contextlib.contextmanager
def write_beside(path: str | Path) -> Iterator[Path]:
    """An empty file to write to, in the same folder. It takes the name `path` when the block ends and is removed when anything is raised.

    As with a plain `open`: missing permission is an error, a link keeps pointing to its file, the file's mode is the older file's, or what
    the umask gives a new one. Missing folders are made. Raises OSError.

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


def refuse_input(path: str | Path, inputs: Iterable[str | Path]) -> None:
    """Raises OptionError if writing `path` would replace one of the files that are read for it, under this name, another spelling of it
    or through a link. To be called before anything starts."""
    target = Path(path)
    for given in map(Path, inputs if target.exists() else ()):
        if given.exists() and target.samefile(given):
            raise OptionError(f"{path} is a file that is read here ({given}); the result would replace it. Give the result another name.")


def _refuse(target: Path) -> None:
    """What a rename would replace although nobody can write into it: a folder, a device, a file that is not to be written."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "is not a regular file", str(target))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
