"""What ships to users: which files, that they are complete, and that nothing in them runs programs or code from elsewhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..shipped_files import REPOSITORY, copy_shipped, shipped_files, write_tone
from .test_imports import own_imports

FILES = shipped_files()
SOURCES = [path for path in FILES if path.suffix == ".py"]
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
TOP = {"CHANGELOG.md", "LICENSE", "README.md", "__init__.py", "node_list.json", "pyproject.toml", "requirements.txt"}
FOLDERS = {"assets", "float_core", "locales", "nodes", "web", "workflows"}
# The registry refuses what can run programs, or code that comes from elsewhere.
REFUSED_MODULES = {"subprocess", "pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "pty", "code", "pip", "ctypes"}
REFUSED_CALLS = {"eval", "exec", "compile", "__import__"}
REFUSED_OF_OS = re.compile(r"os\.(system|popen|exec\w*|spawn\w*|posix_spawn\w*|fork\w*|startfile)")
REFUSED_ARGUMENTS = {("shell", True), ("allow_pickle", True), ("weights_only", False)}
# C libraries that have no Python module: glibc's allocator, and espeak-ng.
CTYPES = {"float_core/allocator.py", "float_core/synthetic/espeak.py"}
REFUSED_SCRIPT = re.compile(r"\beval\s*\(|\bnew\s+Function\b|\bimport\s*\(\s*[^\"'`]|document\.write|https?://(?!www\.w3\.org)")


def refused(tree: ast.AST) -> set[str]:
    """Names of what is refused, anywhere in a source."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names} & REFUSED_MODULES
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {str(node.module).split(".")[0]} & REFUSED_MODULES
            found |= {f"{node.module}.{alias.name}" for alias in node.names if REFUSED_OF_OS.fullmatch(f"{node.module}.{alias.name}")}
        elif isinstance(node, ast.Attribute) and REFUSED_OF_OS.fullmatch(ast.unparse(node)):
            found.add(ast.unparse(node))
        elif isinstance(node, ast.Call):
            found |= {node.func.id} & REFUSED_CALLS if isinstance(node.func, ast.Name) else set()
            constants = {(word.arg, word.value.value) for word in node.keywords if isinstance(word.value, ast.Constant)}
            found |= {f"{name}={value}" for name, value in constants & REFUSED_ARGUMENTS}
    return found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import subprocess", {"subprocess"}),
        ("def f():\n    from subprocess import run", {"subprocess"}),
        ("from pickle import load", {"pickle"}),
        ("import os\nos.system('ls')", {"os.system"}),
        ("from os import popen", {"os.popen"}),
        ("eval('1')", {"eval"}),
        ("exec('1')", {"exec"}),
        ("run('ls', shell=True)", {"shell=True"}),
        ("torch.load(path, weights_only=False)", {"weights_only=False"}),
        ("import ctypes.util", {"ctypes"}),
        ("model.eval()\nre.compile('x')\nnp.load(path, allow_pickle=False)\nos.replace(a, b)", set()),
    ],
)
def test_the_reader_knows_what_is_refused(source, found):
    assert refused(ast.parse(source)) == found


def test_nothing_that_ships_runs_programs_or_foreign_code():
    found = {(path.as_posix(), name) for path in SOURCES for name in refused(ast.parse((REPOSITORY / path).read_text()))}
    found -= {(path, "ctypes") for path in CTYPES}
    assert not found


def test_page_scripts_run_no_text_and_load_nothing_from_elsewhere():
    found = {(path.as_posix(), match.group()) for path in SCRIPTS for match in REFUSED_SCRIPT.finditer((REPOSITORY / path).read_text())}
    assert not found


def test_the_checks_of_comfy_node_validate():
    """exec, eval, and several statements on a line, as `comfy node validate` looks for them: in everything that is committed."""
    command = [sys.executable, "-m", "ruff", "check", ".", "--no-cache", "--select", "S102,S307,E702"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_what_a_comfyui_needs_ships_and_the_rest_does_not():
    assert {path.as_posix() for path in FILES if len(path.parts) == 1} == TOP
    assert {path.parts[0] for path in FILES if len(path.parts) > 1} == FOLDERS
    names = {path.as_posix() for path in FILES}
    assert {"assets/portrait.jpg", "assets/voice.wav", "assets/drawn_face.jpg"} == {name for name in names if name.startswith("assets/")}
    assert {f"float_core/models/{name}" for name in ("mini.safetensors", "mini.calibration.json", "landmarks.safetensors")} <= names
    assert not [name for name in names if name.startswith(("float_core/training/", "tests/", "benchmarks/"))]
    assert sum((REPOSITORY / path).stat().st_size for path in FILES) < 25e6


def test_what_ships_imports_only_what_ships():
    names = {path.as_posix() for path in FILES}
    missing = set()
    for path in SOURCES:
        for target in own_imports(REPOSITORY / path):
            file = target.replace(".", "/")
            if target and not {f"{file}.py", f"{file}/__init__.py"} & names:
                missing.add((path.as_posix(), target.split(".")[1]))
    assert {room for _, room in missing} == {"training"}
    silent = [path for path, _ in missing if "    require_training()\n" not in (REPOSITORY / path).read_text()]
    assert not silent, "the commands say themselves that it is not there"


def test_the_archive_is_a_whole_library(tmp_path):
    """Its command line makes a video, and says what it lacks for training."""
    copy_shipped(tmp_path)
    write_tone(tmp_path / "tone.wav")
    video = in_folder(tmp_path, "-m", "float_core", "animate", "assets/portrait.jpg", "tone.wav", "--steps", "1", "--out", "talking.mp4")
    assert (video.returncode, (tmp_path / "talking.mp4").is_file()) == (0, True), video.stderr
    for command in (["train", "autoencoder", "--data", "data"], ["prepare", "portraits", "images"]):
        train = in_folder(tmp_path, "-m", "float_core", *command, "--out", "runs")
        assert train.returncode == 2
        assert train.stderr.startswith("error: this copy of float_core comes without its training code")


def in_folder(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A new Python there, which finds this float_core nowhere else."""
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
