"""Limits of control groups, on folders like those of Linux."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def memory(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.nodes.container_memory")


def write(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


def test_without_control_groups(memory: ModuleType, tmp_path: Path) -> None:
    assert memory.container_room(tmp_path / "none", tmp_path / "nothing") is None


def test_files_that_are_only_kept_count_as_free(memory: ModuleType, tmp_path: Path) -> None:
    write(tmp_path, memory__max=1000, memory__current=700, memory__stat="anon 300\ninactive_file 250\nactive_file 50")
    write(tmp_path, own="0::/")
    assert memory.container_room(tmp_path, tmp_path / "own") == 550


def test_the_tightest_group_above_counts(memory: ModuleType, tmp_path: Path) -> None:
    write(tmp_path / "user" / "session", memory__max="max", memory__current=10)
    write(tmp_path / "user", memory__max=500, memory__current=100)
    write(tmp_path, memory__max=2000, memory__current=1000, own="0::/user/session")
    assert memory.container_room(tmp_path, tmp_path / "own") == 400


def test_no_limit(memory: ModuleType, tmp_path: Path) -> None:
    write(tmp_path, memory__max="max", memory__current=10, own="0::/")
    write(tmp_path / "memory", memory__limit_in_bytes=9223372036854771712, memory__usage_in_bytes=5)
    assert memory.container_room(tmp_path, tmp_path / "own") is None


def test_version_1(memory: ModuleType, tmp_path: Path) -> None:
    write(tmp_path / "memory", memory__limit_in_bytes=800, memory__usage_in_bytes=900, memory__stat="total_inactive_file 300")
    write(tmp_path, own="5:memory:/docker/abc")
    assert memory.container_room(tmp_path, tmp_path / "own") == 200


def test_a_group_over_its_limit_has_no_room(memory: ModuleType, tmp_path: Path) -> None:
    write(tmp_path, memory__max=100, memory__current=150, own="0::/")
    assert memory.container_room(tmp_path, tmp_path / "own") == 0
