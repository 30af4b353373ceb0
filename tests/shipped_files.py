"""What the registry's archive holds: the files that git tracks, without those of .comfyignore. And audio to try it with."""

from __future__ import annotations

import shutil
import subprocess
import wave
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def shipped_files() -> list[Path]:
    """Relative to the repository. `comfy node publish` decides in the same way, with the same patterns."""
    return sorted(set(_tracked()) - set(_tracked("--ignored", "--exclude-from=.comfyignore")))


def copy_shipped(folder: Path) -> Path:
    """The archive's files, unpacked into `folder`."""
    for path in shipped_files():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / path, target)
    return folder


def write_tone(path: Path) -> None:
    """A fifth of a second of a square wave, 200 Hz, 8 bit."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes((b"\x60" * 20 + b"\xa0" * 20) * 40)


def _tracked(*options: str) -> list[Path]:
    command = ["git", "-C", str(REPOSITORY), "ls-files", "--cached", "-z", *options]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return [Path(name) for name in names if name and (REPOSITORY / name).is_file()]
