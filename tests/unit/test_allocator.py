"""The allocator's settings: they hold in the process, and leave alone what the user has set."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

import float_core.cli.main as command_line
from float_core import allocator

# A freed tensor of 64 MB stays with the process, or goes back to the system.
RESIDENT = """
import torch
from float_core.allocator import keep_freed_memory
keep = {keep} and keep_freed_memory()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
x = torch.ones(16 * 2**20)
before = resident()
del x
print(keep, resident() > before - 2**25)
"""
glibc = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="the settings are glibc's"
)


def _kept(keep: bool, **environment: str) -> str:
    command = [sys.executable, "-c", RESIDENT.format(keep=keep)]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={"PATH": "", **environment}).stdout.strip()


@glibc
def test_freed_buffers_stay_with_the_process() -> None:
    assert _kept(True) == "True True"
    assert _kept(False) == "False False"


@glibc
def test_what_the_user_has_set_is_left_alone() -> None:
    assert _kept(True, MALLOC_TRIM_THRESHOLD_="1048576") == "False False"


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.sys, "platform", "darwin")
    assert not allocator.keep_freed_memory()


def test_the_command_line_keeps_freed_memory_however_it_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m float_core` and the installed script both call `main`."""
    called: list[bool] = []
    monkeypatch.setattr(command_line, "keep_freed_memory", lambda: called.append(True))
    assert command_line.main(["animate", "no.jpg", "no.wav", "--out", "no.mp4"]) == 2
    assert called == [True]
