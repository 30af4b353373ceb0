"""Written beside and renamed: whole or not at all, with the permissions and through the links that a plain open would follow."""

from __future__ import annotations

import contextlib
import os
import stat

import pytest
import torch

from float_core import OptionError, load_model, save_motion
from float_core.atomic_file import refuse_input, write_beside
from float_core.types import MotionSequence


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@contextlib.contextmanager
def umask(bits):
    before = os.umask(bits)
    try:
        yield
    finally:
        os.umask(before)


def write(path, text="new"):
    with write_beside(path) as unfinished:
        unfinished.write_text(text)


def test_a_file_and_its_folders_are_made(tmp_path):
    write(tmp_path / "a" / "b" / "file.txt")
    assert (tmp_path / "a" / "b" / "file.txt").read_text() == "new"
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file.txt"]


def test_the_old_file_is_there_until_the_end(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with write_beside(path) as unfinished:
        unfinished.write_text("new")
        assert unfinished.parent == path.parent and path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_whatever_is_raised_leaves_nothing(tmp_path, error):
    path = tmp_path / "file.txt"
    with pytest.raises(error), write_beside(path) as unfinished:
        unfinished.write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []
    path.write_text("old")
    with pytest.raises(error), write_beside(path) as unfinished:
        raise error
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("bits", [0o022, 0o027, 0o002, 0o077])
def test_a_new_file_has_the_mode_of_a_plain_open(tmp_path, bits):
    with umask(bits):
        (tmp_path / "plain").write_text("")
        write(tmp_path / "ours")
        with write_beside(tmp_path / "replaced") as unfinished:  # as safetensors does
            unfinished.unlink()
            os.close(os.open(unfinished, os.O_CREAT | os.O_WRONLY, 0o600))
    assert mode(tmp_path / "ours") == mode(tmp_path / "replaced") == mode(tmp_path / "plain") == 0o666 & ~bits


def test_an_older_file_keeps_its_mode(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    path.chmod(0o640)
    write(path)
    assert path.read_text() == "new" and mode(path) == 0o640


def test_a_saved_motion_can_be_read_by_whom_the_umask_lets(tmp_path):
    model = load_model("mini")
    with umask(0o022):
        save_motion(tmp_path / "motion.safetensors", model, MotionSequence(torch.zeros(1, 3, 64), 25.0))
    assert mode(tmp_path / "motion.safetensors") == 0o644


def test_a_link_keeps_pointing_to_its_file(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "file.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    write(link)
    assert link.is_symlink() and target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_a_link_to_nothing_yet(tmp_path):
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "later.txt")
    write(link)
    assert link.is_symlink() and (tmp_path / "later.txt").read_text() == "new"


def test_two_at_once_do_not_meet(tmp_path):
    path = tmp_path / "file.txt"
    with write_beside(path) as one, write_beside(path) as two:
        assert one != two
        one.write_text("one")
        two.write_text("two")
    assert path.read_text() == "one" and list(tmp_path.iterdir()) == [path]


def test_a_name_as_long_as_names_may_be(tmp_path):
    path = tmp_path / ("é" * 125 + ".json")
    write(path)
    assert path.read_text() == "new"


def test_what_is_no_file_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write(tmp_path / "folder")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        write(tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_file_that_is_not_to_be_written_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    path.write_text("old")
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda path, kind: False)  # the tests may run as root, who may do anything
    with pytest.raises(PermissionError):
        write(path)
    assert path.read_text() == "old"


def test_a_result_does_not_replace_what_it_is_made_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    voice = tmp_path / "voice.wav"
    voice.write_bytes(b"a recording")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.wav").symlink_to(voice)
    (tmp_path / "twin.wav").hardlink_to(voice)
    for name in (voice, "voice.wav", "folder/../voice.wav", "none/../voice.wav", "link.wav", tmp_path / "link.wav", "twin.wav"):
        with pytest.raises(OptionError, match="is the same file as"):
            refuse_input(name, ["none.png", voice])
    (tmp_path / "other.wav").write_bytes(b"an older result")
    for name in ("other.wav", "new.wav", "folder/voice.wav"):
        refuse_input(name, ["none.png", voice])
