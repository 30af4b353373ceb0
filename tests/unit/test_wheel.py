"""The wheel: built, unpacked, and used as an installed package is, with no repository around it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ..shipped_files import REPOSITORY, write_tone

SCRIPT = "import sys; from float_core.cli.main import main; sys.argv[0] = '/usr/bin/float-portrait'; sys.exit(main())"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content. Built from a copy, so that nothing is left in the repository."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    shutil.copytree(REPOSITORY / "float_core", source / "float_core", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.txt"):
        shutil.copy(REPOSITORY / name, source)
    command = [sys.executable, "-m", "pip", "wheel", str(source), "--wheel-dir", str(built)]
    done = subprocess.run([*command, "--no-deps", "--no-build-isolation", "--no-index"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = built.glob("float_portrait-*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(built / "installed")
    return built / "installed"


@pytest.fixture
def run(wheel: Path, tmp_path: Path):
    """The installed script in an empty folder; `module`: as `python -m float_core` instead."""

    def run(*arguments: str, module: bool = False) -> subprocess.CompletedProcess[str]:
        start = ["-m", "float_core"] if module else ["-c", SCRIPT]
        environment = {**os.environ, "PYTHONPATH": str(wheel), "OMP_NUM_THREADS": "2"}
        return subprocess.run([sys.executable, *start, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


def test_it_holds_the_library_and_nothing_else(wheel: Path) -> None:
    names = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()}
    assert {name.split("/")[0].split("-")[0] for name in names} == {"float_core", "float_portrait"}
    expected = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "float_core").rglob("*") if path.is_file()}
    assert {name for name in names if name.startswith("float_core/")} == {name for name in expected if "__pycache__" not in name}


def test_its_metadata(wheel: Path) -> None:
    (folder,) = wheel.glob("*.dist-info")
    text = (folder / "METADATA").read_text()
    assert "License-Expression: Apache-2.0" in text and "Requires-Dist: torch" in text
    assert (folder / "licenses" / "LICENSE").is_file()
    assert (folder / "entry_points.txt").read_text().split() == ["[console_scripts]", "float-portrait", "=", "float_core.cli.main:main"]


def test_script_and_module_do_the_same(run) -> None:
    versions = [run("--version", module=module) for module in (False, True)]
    assert versions[0].stdout == versions[1].stdout != ""
    assert run("--help").stdout.startswith("usage: float-portrait ")
    assert run("--help", module=True).stdout.startswith("usage: python -m float_core ")


def test_the_script_makes_a_video(run, tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "assets" / "portrait.jpg", tmp_path)
    write_tone(tmp_path / "tone.wav")
    done = run("animate", "portrait.jpg", "tone.wav", "--steps", "1", "--out", "talking.mp4")
    assert (done.returncode, done.stdout.strip()) == (0, "talking.mp4"), done.stderr
    assert (tmp_path / "talking.mp4").stat().st_size > 1000


def test_evaluate_says_what_to_give(run) -> None:
    done = run("evaluate", "--what", "portrait")
    assert done.returncode == 2
    assert "without the sample portrait: give --image FILE" in done.stderr


def test_calibrate_takes_a_rendered_head(run, tmp_path: Path) -> None:
    done = run("calibrate", "mini", "--no-range", "--heads", "1", "--sheet", "sheet.png", "--out", "mini.calibration.json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mini.calibration.json").is_file() and (tmp_path / "sheet.png").is_file()
