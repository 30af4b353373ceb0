"""Memory: limits of control groups, on folders like those of Linux; and when all frames as images are too much."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
import torch

GB = 2**30


@pytest.fixture(scope="module")
def memory(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.nodes.memory")


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


def test_with_room_nothing_is_said(memory: ModuleType) -> None:
    assert memory.check_room(GB, 10 * GB, 0.0) is None
    assert memory.check_room(GB, 10 * GB, 1.0) is None


def test_a_warning_where_it_gets_tight(memory: ModuleType) -> None:
    said = memory.check_room(7 * GB, 10 * GB, 0.0)
    assert "7.00 GB" in said
    assert "10.00 GB of memory are free" in said
    assert "unconnected" in said


def test_more_than_is_free_is_refused(memory: ModuleType) -> None:
    with pytest.raises(memory.OptionError, match=r"12\.00 GB, and 10\.00 GB of memory are free.*unconnected.*image_memory_limit = 12\.1"):
        memory.check_room(12 * GB, 10 * GB, 0.0)


def test_a_limit_of_the_users_is_lower_or_higher_than_what_is_free(memory: ModuleType) -> None:
    with pytest.raises(memory.OptionError, match="allows 2 GB"):
        memory.check_room(3 * GB, 10 * GB, 2.0)
    assert "swap" in memory.check_room(12 * GB, 10 * GB, 12.1)


def test_what_the_error_names_is_enough(memory: ModuleType) -> None:
    needed = int(12.34 * GB)
    with pytest.raises(memory.OptionError) as refused:
        memory.check_room(needed, 10 * GB, 0.0)
    named = float(str(refused.value).split("image_memory_limit = ")[1].split(",")[0])
    assert memory.check_room(needed, 10 * GB, named) is not None


def test_a_batch_has_the_size_that_was_estimated(memory: ModuleType) -> None:
    made = memory.new_batch(3, 8, torch.device("cpu"))
    assert made.shape == (3, 8, 8, 3)
    assert made.nbytes == memory.image_memory(3, 8)


def test_a_device_that_does_not_give_it(memory: ModuleType) -> None:
    with pytest.raises(memory.OptionError, match=r"does not give.*unconnected"):
        memory.new_batch(2**31, 2**12, torch.device("cpu"))
