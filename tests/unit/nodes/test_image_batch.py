"""Room for all frames as images: when a user is warned, and when refused."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest
import torch

GB = 2**30


@pytest.fixture(scope="module")
def batch(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.nodes.image_batch")


def test_with_room_nothing_is_said(batch: ModuleType) -> None:
    assert batch.check_room(GB, 10 * GB, 0.0) is None
    assert batch.check_room(GB, 10 * GB, 1.0) is None


def test_a_warning_where_it_gets_tight(batch: ModuleType) -> None:
    said = batch.check_room(7 * GB, 10 * GB, 0.0)
    assert "7.00 GB" in said
    assert "10.00 GB of memory are free" in said
    assert "unconnected" in said


def test_more_than_is_free_is_refused(batch: ModuleType) -> None:
    with pytest.raises(batch.OptionError, match=r"12\.00 GB, and 10\.00 GB of memory are free.*unconnected.*image_memory_limit = 12\.1"):
        batch.check_room(12 * GB, 10 * GB, 0.0)


def test_a_limit_of_the_users_is_lower_or_higher_than_what_is_free(batch: ModuleType) -> None:
    with pytest.raises(batch.OptionError, match="allows 2 GB"):
        batch.check_room(3 * GB, 10 * GB, 2.0)
    assert "swap" in batch.check_room(12 * GB, 10 * GB, 12.1)


def test_what_the_error_names_is_enough(batch: ModuleType) -> None:
    needed = int(12.34 * GB)
    with pytest.raises(batch.OptionError) as refused:
        batch.check_room(needed, 10 * GB, 0.0)
    named = float(str(refused.value).split("image_memory_limit = ")[1].split(",")[0])
    assert batch.check_room(needed, 10 * GB, named) is not None


def test_a_batch_has_the_size_that_was_estimated(batch: ModuleType) -> None:
    made = batch.new_batch(3, 8, torch.device("cpu"))
    assert made.shape == (3, 8, 8, 3)
    assert made.nbytes == batch.image_memory(3, 8)


def test_a_device_that_does_not_give_it(batch: ModuleType) -> None:
    with pytest.raises(batch.OptionError, match=r"does not give.*unconnected"):
        batch.new_batch(2**31, 2**12, torch.device("cpu"))
